import { Button, FileButton, Group, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useLocation } from "wouter";
import { base64 } from "../../gateway/base64";
import { useAct } from "../../gateway/hooks";
import { patchOf } from "../../gateway/patch";
import { Code, pretty } from "../../parts/Code";
import { Confirm } from "../../parts/Confirm";
import { Card } from "../../parts/Page";
import type { RestApi } from "./types";

export function Settings({ api }: { api: RestApi }) {
  const [name, setName] = useState(api.name);
  const [description, setDescription] = useState(api.description ?? "");
  const [policy, setPolicy] = useState(pretty(api.policy ? unescapeQuotes(api.policy) : ""));
  const [, go] = useLocation();
  const act = useAct();
  const save = () =>
    act.mutate({
      service: "apigateway", operation: "UpdateRestApi", done: "Saved; deploy to serve it",
      params: {
        restApiId: api.id,
        patchOperations: patchOf({ name: api.name, description: api.description, policy: pretty(api.policy ? unescapeQuotes(api.policy) : "") }, { name, description, policy }),
      },
    });
  const overwrite = async (file: File | null, mode: string) => {
    if (!file) return;
    act.mutate({ service: "apigateway", operation: "PutRestApi", params: { restApiId: api.id, mode, body: base64(await file.text()) }, done: "The document was taken in; deploy to serve it" });
  };
  return (
    <div className="grid">
      <Card title="General">
        <Stack>
          <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <TextInput label="Description" value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
          <Code label="Resource policy" language="json" value={policy} onChange={setPolicy} height="180px" />
          <Group justify="flex-end"><Button onClick={save} loading={act.isPending}>Save</Button></Group>
        </Stack>
      </Card>
      <Card title="From a document">
        <Group>
          <FileButton accept=".yaml,.yml,.json" onChange={(file) => overwrite(file, "merge")}>
            {(props) => <Button {...props} variant="default">Merge a document into it</Button>}
          </FileButton>
          <FileButton accept=".yaml,.yml,.json" onChange={(file) => overwrite(file, "overwrite")}>
            {(props) => <Button {...props} variant="default">Replace it by a document</Button>}
          </FileButton>
        </Group>
      </Card>
      <Card title="Delete">
        <Confirm label="Delete API" title={`Delete ${api.name}?`} act={() => act.mutate({
          service: "apigateway", operation: "DeleteRestApi", params: { restApiId: api.id }, done: `${api.name} was deleted`, then: () => go("/apis"),
        })}>
          All of its stages stop answering at once, and its deployments are gone.
        </Confirm>
      </Card>
    </div>
  );
}

/** The service gives a policy's quotes escaped. */
function unescapeQuotes(policy: string): string {
  return policy.replaceAll('\\"', '"').replaceAll("\\\\", "\\");
}
