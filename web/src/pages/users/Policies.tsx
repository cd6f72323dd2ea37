import { ActionIcon, Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useAct, useCall, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { PAGES, type Policy } from "./Users";

const SAMPLE = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: ["apigateway:GET"], Resource: "*" }] }, null, 2);

/** A policy document, however it comes. */
export function documentOf(given: unknown): string {
  if (typeof given !== "string") return JSON.stringify(given, null, 2);
  try {
    return JSON.stringify(JSON.parse(given.startsWith("%7B") ? decodeURIComponent(given) : given), null, 2);
  } catch {
    return given;
  }
}

/** What a user or a role may do: managed policies and its own. */
export function Policies({ kind, name }: { kind: "User" | "Role"; name: string }) {
  const who = { [`${kind}Name`]: name };
  const attached = useCallAll<{ PolicyName: string; PolicyArn: string }>("iam", `ListAttached${kind}Policies`, who, "AttachedPolicies", PAGES);
  const inline = useCallAll<string>("iam", `List${kind}Policies`, who, "PolicyNames", PAGES);
  const all = useCallAll<Policy>("iam", "ListPolicies", { MaxItems: 500 }, "Policies", PAGES);
  const [policy, setPolicy] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const act = useAct();
  return (
    <>
      <Card title="Managed policies" flush>
        <Answer of={attached}>
          {(rows) => (
            <Rows
              label="attached policies" rows={rows} id={(each) => each.PolicyArn} search={false} empty={<Empty title="None is attached" />}
              columns={[
                { head: "Policy", cell: (each) => each.PolicyName },
                { head: "ARN", cell: (each) => <span className="mono">{each.PolicyArn}</span> },
                { head: "Act", quiet: true, right: true, cell: (each) => (
                  <ActionIcon variant="subtle" color="gray" aria-label={`Detach ${each.PolicyName}`} onClick={() => act.mutate({ service: "iam", operation: `Detach${kind}Policy`, params: { ...who, PolicyArn: each.PolicyArn } })}><IconTrash size={15} /></ActionIcon>
                ) },
              ]}
            />
          )}
        </Answer>
        <Group p="sm" gap={8} align="flex-end">
          <Select flex={1} label="Attach a policy" searchable data={(all.data ?? []).map((each) => ({ value: each.Arn, label: each.PolicyName }))} value={policy} onChange={setPolicy} />
          <Button variant="default" disabled={!policy} loading={act.isPending} onClick={() => act.mutate({ service: "iam", operation: `Attach${kind}Policy`, params: { ...who, PolicyArn: policy }, then: () => setPolicy(null) })}>Attach</Button>
        </Group>
      </Card>
      <Card title="Its own policies" flush actions={<Button size="xs" variant="default" onClick={() => setChosen("")}>Write a policy</Button>}>
        <Answer of={inline}>
          {(rows) => (
            <Rows
              label="own policies" rows={rows} id={(each) => each} search={false} empty={<Empty title="None was written">Without any policy nothing is allowed.</Empty>}
              columns={[
                { head: "Policy", cell: (each) => <Button size="compact-sm" variant="transparent" onClick={() => setChosen(each)}>{each}</Button> },
                { head: "Act", quiet: true, right: true, cell: (each) => (
                  <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${each}`} onClick={() => act.mutate({ service: "iam", operation: `Delete${kind}Policy`, params: { ...who, PolicyName: each }, done: `${each} was deleted` })}><IconTrash size={15} /></ActionIcon>
                ) },
              ]}
            />
          )}
        </Answer>
        {chosen !== null && <Write key={chosen} kind={kind} who={who} name={chosen} close={() => setChosen(null)} />}
      </Card>
    </>
  );
}

function Write({ kind, who, name, close }: { kind: string; who: Record<string, string>; name: string; close: () => void }) {
  const found = useCall<{ PolicyDocument: unknown }>("iam", `Get${kind}Policy`, { ...who, PolicyName: name }, { enabled: name !== "" });
  if (name && !found.data) return <Answer of={found}>{() => null}</Answer>;
  return <Form kind={kind} who={who} name={name} text={found.data ? documentOf(found.data.PolicyDocument) : SAMPLE} close={close} />;
}

function Form({ kind, who, name: given, text: was, close }: { kind: string; who: Record<string, string>; name: string; text: string; close: () => void }) {
  const [name, setName] = useState(given);
  const [text, setText] = useState(was);
  const act = useAct();
  return (
    <Stack p="sm">
      <TextInput label="Name" required value={name} disabled={given !== ""} onChange={(event) => setName(event.currentTarget.value)} maw={320} />
      <Code label="Policy document" language="json" value={text} onChange={setText} height="240px" />
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>Cancel</Button>
        <Button disabled={!name} loading={act.isPending} onClick={() => act.mutate({
          service: "iam", operation: `Put${kind}Policy`, params: { ...who, PolicyName: name, PolicyDocument: text }, done: "The policy was saved", then: close,
        })}>
          Save policy
        </Button>
      </Group>
    </Stack>
  );
}
