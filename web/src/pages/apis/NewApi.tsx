import { Button, FileButton, Group, Modal, Stack, Tabs, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct } from "../../gateway/hooks";
import { base64 } from "../../gateway/base64";
import { Wrong } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import type { RestApi } from "./types";

/** An API from nothing, or from a document. */
export function NewApi({ opened, close }: { opened: boolean; close: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [document, setDocument] = useState("");
  const [, go] = useLocation();
  const act = useAct<RestApi>();
  const made = (api: RestApi) => {
    close();
    go(`/apis/${api.id}`);
  };
  const create = () =>
    act.mutate({
      service: "apigateway", operation: "CreateRestApi", done: `${name} was created`, then: made,
      params: { name, description: description || undefined, endpointConfiguration: { types: ["REGIONAL"] } },
    });
  const importIt = () =>
    act.mutate({ service: "apigateway", operation: "ImportRestApi", params: { body: base64(document) }, done: "The document was imported", then: made });

  return (
    <Modal opened={opened} onClose={close} title="Create a REST API" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Tabs defaultValue="new" onChange={() => act.reset()}>
        <Tabs.List mb="md">
          <Tabs.Tab value="new">From nothing</Tabs.Tab>
          <Tabs.Tab value="import">From OpenAPI</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="new">
          <Stack component="form" onSubmit={(event) => { event.preventDefault(); create(); }}>
            <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
            <TextInput label="Description" value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
            <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="import">
          <Stack>
            <Group justify="space-between">
              <Text size="sm" c="dimmed">OpenAPI 3 or Swagger 2, in YAML or JSON, with or without x-amazon-apigateway extensions.</Text>
              <FileButton accept=".yaml,.yml,.json" onChange={async (file) => file && setDocument(await file.text())}>
                {(props) => <Button {...props} variant="default" size="xs">Choose a file</Button>}
              </FileButton>
            </Group>
            <Code label="OpenAPI document" language={document.trimStart().startsWith("{") ? "json" : "yaml"} value={document} onChange={setDocument} height="320px" />
            {act.error && <Wrong error={act.error} />}
            <Group justify="flex-end"><Button onClick={importIt} disabled={!document.trim()} loading={act.isPending}>Import</Button></Group>
          </Stack>
        </Tabs.Panel>
      </Tabs>
    </Modal>
  );
}
