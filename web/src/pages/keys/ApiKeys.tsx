import { ActionIcon, Alert, Button, Code, Group, Modal, Stack, Switch, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Copy } from "../../parts/Copy";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import type { ApiKey } from "./types";

export function ApiKeys() {
  const keys = useCallAll<ApiKey>("apigateway", "GetApiKeys", { limit: 500 }, "items");
  const [adding, setAdding] = useState(false);
  const act = useAct();
  const add = <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create API key</Button>;
  return (
    <Card title="API keys" flush actions={add}>
      <Answer of={keys}>
        {(rows) => (
          <Rows
            label="API keys" rows={rows} id={(key) => key.id}
            empty={<Empty title="No API key yet">Methods that require a key let in those of a usage plan. Create one, then add it to a plan.</Empty>}
            columns={[
              { head: "Name", cell: (key) => key.name, text: (key) => key.name },
              { head: "ID", cell: (key) => <span className="mono">{key.id}</span>, text: (key) => key.id },
              { head: "Description", cell: (key) => key.description ?? "–", text: (key) => key.description ?? "" },
              { head: "Created", cell: (key) => <When at={key.createdDate} /> },
              { head: "Enabled", cell: (key) => (
                <Switch size="xs" checked={key.enabled} aria-label={`${key.name} is enabled`} onChange={(event) => act.mutate({
                  service: "apigateway", operation: "UpdateApiKey",
                  params: { apiKey: key.id, patchOperations: [{ op: "replace", path: "/enabled", value: String(event.currentTarget.checked) }] },
                })} />
              ) },
              { head: "Act", quiet: true, right: true, cell: (key) => (
                <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${key.name}`} onClick={() => act.mutate({
                  service: "apigateway", operation: "DeleteApiKey", params: { apiKey: key.id }, done: `${key.name} was deleted`,
                })}><IconTrash size={15} /></ActionIcon>
              ) },
            ]}
          />
        )}
      </Answer>
      {adding && <Add close={() => setAdding(false)} />}
    </Card>
  );
}

function Add({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const act = useAct<ApiKey>();
  return (
    <Modal opened onClose={close} title="Create an API key" closeButtonProps={{ "aria-label": "Close" }}>
      {act.data ? (
        <Stack>
          <Alert color="orange" title="Copy it now">The key is shown this once: the gateway keeps only a hash of it.</Alert>
          <Group gap={6} wrap="nowrap"><Code style={{ flex: 1 }} aria-label="The key">{act.data.value}</Code><Copy value={act.data.value!} label="Copy the key" /></Group>
          <Group justify="flex-end"><Button onClick={close}>I have it</Button></Group>
        </Stack>
      ) : (
        <Stack component="form" onSubmit={(event) => {
          event.preventDefault();
          act.mutate({ service: "apigateway", operation: "CreateApiKey", params: { name, enabled: true } });
        }}>
          <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
        </Stack>
      )}
    </Modal>
  );
}
