import { Button, Group, NumberInput, SimpleGrid, Stack, Tabs, TextInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCall } from "../../gateway/hooks";
import { useSession } from "../../gateway/session";
import { Answer } from "../../parts/Answer";
import { Confirm } from "../../parts/Confirm";
import { Copy } from "../../parts/Copy";
import { Card, Page } from "../../parts/Page";
import { mapOf, Pairs, pairsOf } from "../../parts/Pairs";
import { Search } from "../logs/Search";
import { CodeView } from "./CodeView";
import type { Configuration } from "./Functions";
import { Invoke } from "./Invoke";

export function FunctionView({ name }: { name: string }) {
  const found = useCall<{ Configuration: Configuration; Code?: unknown }>("lambda", "GetFunction", { FunctionName: name });
  const session = useSession();
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Page
      title={name} trail={[{ label: "Functions", path: "/functions" }]}
      about={found.data && <><span className="mono">{found.data.Configuration.FunctionArn}</span> <Copy value={found.data.Configuration.FunctionArn} label="Copy the ARN" /></>}
      actions={found.data?.Code ? (
        <Confirm label="Delete function" title={`Delete ${name}?`} icon={<IconTrash size={14} />} act={() => act.mutate({
          service: "lambda", operation: "DeleteFunction", params: { FunctionName: name }, done: `${name} was deleted`, then: () => go("/functions"),
        })}>
          All of its versions and aliases go with it. Methods that call it answer 500 from then on.
        </Confirm>
      ) : undefined}
    >
      <Answer of={found}>
        {({ Configuration: configuration, Code }) => (
          <Tabs defaultValue="code" keepMounted={false}>
            <Tabs.List mb={14}>
              <Tabs.Tab value="code">Code and test</Tabs.Tab>
              {session.services.includes("logs") && <Tabs.Tab value="log">Log</Tabs.Tab>}
              <Tabs.Tab value="settings">Settings</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="code">
              <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 520px), 1fr))" }}>
                <CodeView name={name} sha={configuration.CodeSha256 ?? ""} editable={Boolean(Code)} />
                <Invoke name={name} />
              </div>
            </Tabs.Panel>
            <Tabs.Panel value="log"><Search group={`/aws/lambda/${name}`} /></Tabs.Panel>
            <Tabs.Panel value="settings"><Settings key={JSON.stringify(configuration)} configuration={configuration} editable={Boolean(Code)} /></Tabs.Panel>
          </Tabs>
        )}
      </Answer>
    </Page>
  );
}

function Settings({ configuration, editable }: { configuration: Configuration; editable: boolean }) {
  const [handler, setHandler] = useState(configuration.Handler ?? "");
  const [memory, setMemory] = useState<number | string>(configuration.MemorySize ?? 128);
  const [timeout, setTimeout] = useState<number | string>(configuration.Timeout ?? 3);
  const [description, setDescription] = useState(configuration.Description ?? "");
  const [variables, setVariables] = useState(pairsOf(configuration.Environment?.Variables));
  const act = useAct();
  return (
    <Card title="Settings" actions={!editable && <span style={{ fontSize: 12 }}>This function is declared in torana.toml</span>}>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <TextInput label="Handler" value={handler} onChange={(event) => setHandler(event.currentTarget.value)} classNames={{ input: "mono" }} disabled={!editable} />
          <NumberInput label="Memory" suffix=" MB" min={128} max={10240} value={memory} onChange={setMemory} disabled={!editable} />
          <NumberInput label="Timeout" suffix=" s" min={1} max={900} value={timeout} onChange={setTimeout} disabled={!editable} />
        </SimpleGrid>
        <TextInput label="Description" value={description} onChange={(event) => setDescription(event.currentTarget.value)} disabled={!editable} />
        <Pairs label="Environment variables" pairs={variables} onChange={setVariables} />
        {editable && (
          <Group justify="flex-end">
            <Button loading={act.isPending} onClick={() => act.mutate({
              service: "lambda", operation: "UpdateFunctionConfiguration", done: "Saved",
              params: {
                FunctionName: configuration.FunctionName, Handler: handler, MemorySize: Number(memory), Timeout: Number(timeout),
                Description: description, Environment: { Variables: mapOf(variables) },
              },
            })}>
              Save
            </Button>
          </Group>
        )}
      </Stack>
    </Card>
  );
}
