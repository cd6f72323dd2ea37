import { ActionIcon, Badge, Button, Group, Modal, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useAct, useCallAll } from "../../gateway/hooks";
import { useSession } from "../../gateway/session";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import type { Authorizer, Validator } from "./types";

/** Who is asked whether a request may pass, and what is checked of it. */
export function Authorizers({ api }: { api: string }) {
  const authorizers = useCallAll<Authorizer>("apigateway", "GetAuthorizers", { restApiId: api, limit: 500 }, "items");
  const validators = useCallAll<Validator>("apigateway", "GetRequestValidators", { restApiId: api, limit: 500 }, "items");
  const [adding, setAdding] = useState(false);
  const act = useAct();
  return (
    <div className="grid">
      <Card title="Authorizers" flush actions={<Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Add an authorizer</Button>}>
        <Answer of={authorizers}>
          {(rows) => (
            <Rows
              label="authorizers" rows={rows} id={(each) => each.id}
              empty={<Empty title="No authorizer yet">A Lambda function, or a Cognito user pool, that says who a caller is.</Empty>}
              columns={[
                { head: "Name", cell: (each) => each.name, text: (each) => each.name },
                { head: "Type", cell: (each) => <Badge color="gray">{each.type}</Badge> },
                { head: "Identity", cell: (each) => <span className="mono">{each.identitySource ?? "–"}</span> },
                { head: "Function or pools", cell: (each) => <span className="mono">{each.authorizerUri ?? each.providerARNs?.join(", ")}</span> },
                { head: "Act", quiet: true, right: true, cell: (each) => (
                  <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${each.name}`} onClick={() => act.mutate({
                    service: "apigateway", operation: "DeleteAuthorizer", params: { restApiId: api, authorizerId: each.id }, done: `${each.name} was deleted`,
                  })}><IconTrash size={15} /></ActionIcon>
                ) },
              ]}
            />
          )}
        </Answer>
      </Card>
      <Card title="Request validators" flush actions={<AddValidator api={api} />}>
        <Answer of={validators}>
          {(rows) => (
            <Rows
              label="validators" rows={rows} id={(each) => each.id}
              empty={<Empty title="No validator yet">A validator holds parameters, bodies or both to what the method says.</Empty>}
              columns={[
                { head: "Name", cell: (each) => each.name, text: (each) => each.name },
                { head: "Body", cell: (each) => (each.validateRequestBody ? "checked" : "–") },
                { head: "Parameters", cell: (each) => (each.validateRequestParameters ? "checked" : "–") },
              ]}
            />
          )}
        </Answer>
      </Card>
      {adding && <Add api={api} close={() => setAdding(false)} />}
    </div>
  );
}

function AddValidator({ api }: { api: string }) {
  const act = useAct();
  return (
    <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} loading={act.isPending} onClick={() => act.mutate({
      service: "apigateway", operation: "CreateRequestValidator", done: "The validator was added",
      params: { restApiId: api, name: "all", validateRequestBody: true, validateRequestParameters: true },
    })}>
      Add one for both
    </Button>
  );
}

function Add({ api, close }: { api: string; close: () => void }) {
  const session = useSession();
  const [type, setType] = useState("TOKEN");
  const [name, setName] = useState("");
  const [uri, setUri] = useState(`arn:aws:apigateway:${session.region}:lambda:path/2015-03-31/functions/arn:aws:lambda:${session.region}:${session.account}:function:NAME/invocations`);
  const [source, setSource] = useState("method.request.header.Authorization");
  const [ttl, setTtl] = useState<number | string>(300);
  const [pools, setPools] = useState("");
  const act = useAct();
  const cognito = type === "COGNITO_USER_POOLS";
  return (
    <Modal opened onClose={close} title="Add an authorizer" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "apigateway", operation: "CreateAuthorizer", done: `${name} was added`, then: close,
          params: {
            restApiId: api, name, type, identitySource: source, authorizerResultTtlInSeconds: Number(ttl),
            ...(cognito ? { providerARNs: pools.split(/[\s,]+/).filter(Boolean) } : { authorizerUri: uri }),
          },
        });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select label="Type" data={["TOKEN", "REQUEST", "COGNITO_USER_POOLS"]} value={type} onChange={(value) => setType(value ?? "TOKEN")} allowDeselect={false} />
        {cognito
          ? <TextInput label="User pools" description="Their ARNs" required value={pools} onChange={(event) => setPools(event.currentTarget.value)} classNames={{ input: "mono" }} />
          : <TextInput label="Function" required value={uri} onChange={(event) => setUri(event.currentTarget.value)} classNames={{ input: "mono" }} />}
        <TextInput label="Where the identity is" required value={source} onChange={(event) => setSource(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <NumberInput label="Answers are kept for" suffix=" s" min={0} max={3600} value={ttl} onChange={setTtl} />
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Add</Button></Group>
      </Stack>
    </Modal>
  );
}
