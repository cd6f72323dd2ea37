import { Badge, Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { useAct, useCall, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { Confirm } from "../../parts/Confirm";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { useDeclared } from "../llm/models";
import { Compare } from "./Compare";
import { Try } from "./Try";

export type Variant = {
  name: string; templateType: string; modelId?: string; templateConfiguration: { text?: { text: string; inputVariables?: { name: string }[] } };
  inferenceConfiguration?: { text?: { maxTokens?: number; temperature?: number } }; additionalModelRequestFields?: unknown;
};
type Prompt = { id: string; name: string; version: string; description?: string; updatedAt: string; defaultVariant?: string; variants?: Variant[] };

/** Templates for models, in versions. */
export default function Prompts() {
  return (
    <Switch>
      <Route path="/prompts" component={List} />
      <Route path="/prompts/:id">{({ id }) => <PromptView id={id} />}</Route>
    </Switch>
  );
}

function List() {
  const prompts = useCallAll<Prompt>("bedrock-agent", "ListPrompts", { maxResults: 100 }, "promptSummaries", ["nextToken", "nextToken"]);
  const [adding, setAdding] = useState(false);
  return (
    <Page title="Prompts" about="Templates for models, in versions that never change, published as methods of REST APIs"
      actions={<Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>Create prompt</Button>}>
      <Card flush>
        <Answer of={prompts}>
          {(rows) => (
            <Rows
              label="prompts" rows={rows} id={(each) => each.id} link={(each) => `/prompts/${each.id}`}
              empty={<Empty title="No prompt yet" action={<Button onClick={() => setAdding(true)}>Create prompt</Button>}>A prompt is a text with {"{{variables}}"} for a model. Try it here, then freeze a version.</Empty>}
              columns={[
                { head: "Name", cell: (each) => each.name, text: (each) => each.name },
                { head: "ID", cell: (each) => <span className="mono">{each.id}</span> },
                { head: "Description", cell: (each) => each.description ?? "–" },
                { head: "Changed", cell: (each) => <When at={each.updatedAt} /> },
              ]}
            />
          )}
        </Answer>
      </Card>
      {adding && <Add close={() => setAdding(false)} />}
    </Page>
  );
}

function Add({ close }: { close: () => void }) {
  const declared = useDeclared();
  const [name, setName] = useState("");
  const [model, setModel] = useState<string | null>(null);
  const [, go] = useLocation();
  const act = useAct<Prompt>();
  return (
    <Modal opened onClose={close} title="Create a prompt" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "bedrock-agent", operation: "CreatePrompt", then: (made) => go(`/prompts/${made.id}`),
          params: { name, defaultVariant: "main", variants: [{ name: "main", templateType: "TEXT", modelId: model, templateConfiguration: { text: { text: "Summarise in one sentence: {{text}}", inputVariables: [{ name: "text" }] } } }] },
        });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select label="Model" required data={Object.keys(declared.data?.models ?? {})} value={model} onChange={setModel} />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}

function PromptView({ id }: { id: string }) {
  const prompt = useCall<Prompt>("bedrock-agent", "GetPrompt", { promptIdentifier: id });
  const versions = useCallAll<Prompt>("bedrock-agent", "ListPrompts", { promptIdentifier: id, maxResults: 100 }, "promptSummaries", ["nextToken", "nextToken"]);
  const [, go] = useLocation();
  const act = useAct<Prompt>();
  return (
    <Page title={prompt.data?.name ?? "…"} trail={[{ label: "Prompts", path: "/prompts" }]} about={<span className="mono">{id}</span>}
      actions={
        <>
          <Button variant="default" loading={act.isPending} onClick={() => act.mutate({ service: "bedrock-agent", operation: "CreatePromptVersion", params: { promptIdentifier: id }, done: "A version was frozen" })}>Freeze a version</Button>
          <Confirm label="Delete prompt" title="Delete this prompt?" size="sm" icon={<IconTrash size={14} />} act={() => act.mutate({
            service: "bedrock-agent", operation: "DeletePrompt", params: { promptIdentifier: id }, done: "The prompt was deleted", then: () => go("/prompts"),
          })}>
            All of its versions go with it. Methods that call it fail from then on.
          </Confirm>
        </>
      }>
      <Answer of={prompt}>{(found) => <Edit key={found.updatedAt} prompt={found} />}</Answer>
      <Card title="Versions" flush>
        <Answer of={versions}>
          {(rows) => (
            <Rows
              label="versions" rows={rows.filter((each) => each.version !== "DRAFT")} id={(each) => each.version} search={false}
              empty={<Empty title="No version yet">Methods of APIs call versions: freeze one when the draft is right.</Empty>}
              columns={[
                { head: "Version", cell: (each) => <Badge color="teal">{each.version}</Badge> },
                { head: "Description", cell: (each) => each.description ?? "–" },
                { head: "Made", cell: (each) => <When at={each.updatedAt} /> },
              ]}
            />
          )}
        </Answer>
      </Card>
      {versions.data && versions.data.length > 1 && <Compare key={versions.data.length} id={id} versions={versions.data.map((each) => each.version)} />}
    </Page>
  );
}

/** The variables that a template names. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(/\{\{\s*([A-Za-z_]\w*)\s*\}\}/g)].map((match) => match[1]!))];
}

function Edit({ prompt }: { prompt: Prompt }) {
  const declared = useDeclared();
  const variant = prompt.variants?.find((each) => each.name === prompt.defaultVariant) ?? prompt.variants?.[0];
  const [text, setText] = useState(variant?.templateConfiguration.text?.text ?? "");
  const [model, setModel] = useState(variant?.modelId ?? null);
  const act = useAct();
  if (!variant) return <Card><Empty title="This prompt has no variant">Make one with UpdatePrompt.</Empty></Card>;
  const save = () => {
    const changed: Variant = { ...variant, modelId: model ?? undefined, templateConfiguration: { ...variant.templateConfiguration, text: { ...variant.templateConfiguration.text, text, inputVariables: variablesOf(text).map((name) => ({ name })) } } };
    act.mutate({
      service: "bedrock-agent", operation: "UpdatePrompt", done: "The draft was saved",
      params: {
        promptIdentifier: prompt.id, name: prompt.name, description: prompt.description, defaultVariant: prompt.defaultVariant,
        variants: prompt.variants!.map((each) => (each.name === variant.name ? changed : each)),
      },
    });
  };
  return (
    <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 460px), 1fr))" }}>
      <Card title="Draft" actions={<Button size="xs" onClick={save} loading={act.isPending}>Save draft</Button>}>
        <Stack>
          <Select label="Model" data={Object.keys(declared.data?.models ?? {})} value={model} onChange={setModel} allowDeselect={false} />
          <Code label="Template" value={text} onChange={setText} height="260px" />
        </Stack>
      </Card>
      <Try key={variablesOf(text).join()} model={model} template={text} />
    </div>
  );
}
