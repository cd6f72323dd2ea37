import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Code, pretty } from "../../parts/Code";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import type { Model } from "./types";

const SAMPLE = JSON.stringify({ $schema: "http://json-schema.org/draft-04/schema#", type: "object", required: [], properties: {} }, null, 2);

/** JSON Schemas that bodies are held to. */
export function Models({ api, chosen }: { api: string; chosen?: string }) {
  const models = useCallAll<Model>("apigateway", "GetModels", { restApiId: api, limit: 500 }, "items");
  const [adding, setAdding] = useState(false);
  const model = models.data?.find((each) => each.name === chosen);
  return (
    <div className="grid">
      <Card title="Models" flush actions={<Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Add a model</Button>}>
        <Answer of={models}>
          {(rows) => (
            <Rows
              label="models" rows={rows} id={(each) => each.id} link={(each) => `/apis/${api}/models/${each.name}`}
              empty={<Empty title="No model yet">A model is a JSON Schema. Methods name it, validators hold bodies to it.</Empty>}
              columns={[
                { head: "Name", cell: (each) => each.name, text: (each) => each.name },
                { head: "Content type", cell: (each) => <span className="mono">{each.contentType}</span> },
                { head: "Description", cell: (each) => each.description ?? "–", text: (each) => each.description ?? "" },
              ]}
            />
          )}
        </Answer>
      </Card>
      {model && <Edit key={model.name + model.schema} api={api} model={model} />}
      {adding && <Add api={api} close={() => setAdding(false)} />}
    </div>
  );
}

function Edit({ api, model }: { api: string; model: Model }) {
  const [schema, setSchema] = useState(pretty(model.schema));
  const [, go] = useLocation();
  const act = useAct();
  const place = { restApiId: api, modelName: model.name };
  return (
    <Card title={model.name}>
      <Code label={`Schema of ${model.name}`} language="json" value={schema} onChange={setSchema} height="360px" />
      <Group justify="flex-end" mt={10}>
        <Button variant="default" c="var(--mantine-color-error)" onClick={() => act.mutate({
          service: "apigateway", operation: "DeleteModel", params: place, done: `${model.name} was deleted`, then: () => go(`/apis/${api}/models`),
        })}>
          Delete
        </Button>
        <Button loading={act.isPending} onClick={() => act.mutate({
          service: "apigateway", operation: "UpdateModel", done: "Saved; deploy to serve it",
          params: { ...place, patchOperations: [{ op: "replace", path: "/schema", value: schema }] },
        })}>
          Save
        </Button>
      </Group>
    </Card>
  );
}

function Add({ api, close }: { api: string; close: () => void }) {
  const [name, setName] = useState("");
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Modal opened onClose={close} title="Add a model" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "apigateway", operation: "CreateModel", params: { restApiId: api, name, contentType: "application/json", schema: SAMPLE },
          then: () => { close(); go(`/apis/${api}/models/${name}`); },
        });
      }}>
        <TextInput label="Name" description="Letters and digits" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Add</Button></Group>
      </Stack>
    </Modal>
  );
}
