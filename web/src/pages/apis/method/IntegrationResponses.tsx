import { Accordion, Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAct } from "../../../gateway/hooks";
import { Empty } from "../../../parts/Empty";
import { mapOf, Pairs, pairsOf } from "../../../parts/Pairs";
import { Texts } from "../../../parts/Texts";
import { texts, type IntegrationResponse, type Method } from "../types";
import type { Place } from "./MethodView";

/** Which of the backend's answers becomes which status, and how. */
export function IntegrationResponses({ place, method }: { place: Place; method: Method }) {
  const [status, setStatus] = useState("");
  const [open, setOpen] = useState<string | null>(null);
  const act = useAct();
  const integration = method.methodIntegration;
  if (!integration) return <Empty title="There is no integration yet">Say under “Integration request” where requests go.</Empty>;
  if (integration.type.endsWith("_PROXY")) return <Alert color="gray">The backend’s answers are passed on as they are.</Alert>;
  const found = Object.values(integration.integrationResponses ?? {});
  const missing = Object.keys(method.methodResponses ?? {}).filter((code) => !integration.integrationResponses?.[code]);
  return (
    <Stack>
      {found.length === 0 && <Empty title="No answers are mapped yet">Every status needs a method response first, then its mapping here.</Empty>}
      <Accordion variant="separated" value={open ?? found[0]?.statusCode ?? null} onChange={(value) => setOpen(value ?? "")}>
        {found.map((each) => (
          <Accordion.Item key={each.statusCode} value={each.statusCode}>
            <Accordion.Control>
              <Group gap={10}>
                <Text fw={600} size="sm">{each.statusCode}</Text>
                <Text size="xs" c="dimmed">{each.selectionPattern ? <>when it fits <code>{each.selectionPattern}</code></> : "whenever nothing else fits"}</Text>
              </Group>
            </Accordion.Control>
            <Accordion.Panel><One key={JSON.stringify(each)} place={place} response={each} /></Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
      <Group align="flex-end" gap={8}>
        <TextInput label="Status" placeholder={missing[0] ?? "200"} value={status} onChange={(event) => setStatus(event.currentTarget.value)} w={110} />
        <Button variant="default" disabled={!status} onClick={() => act.mutate({
          service: "apigateway", operation: "PutIntegrationResponse", params: { ...place, statusCode: status }, then: () => { setStatus(""); setOpen(status); },
        })}>
          Add
        </Button>
      </Group>
    </Stack>
  );
}

function One({ place, response }: { place: Place; response: IntegrationResponse }) {
  const [pattern, setPattern] = useState(response.selectionPattern ?? "");
  const [parameters, setParameters] = useState(pairsOf(response.responseParameters));
  const [templates, setTemplates] = useState(texts(response.responseTemplates));
  const act = useAct();
  const where = { ...place, statusCode: response.statusCode };
  return (
    <Stack>
      <TextInput label="Taken when the backend’s status, or the function’s error, fits" description="A regular expression; empty: whenever nothing else fits"
        value={pattern} onChange={(event) => setPattern(event.currentTarget.value)} classNames={{ input: "mono" }} />
      <Pairs label="Headers" pairs={parameters} onChange={setParameters} names="method.response.header.X-Name" values="integration.response.header.X-Name" />
      <Texts label="Mapping templates" texts={templates} onChange={setTemplates} language="velocity" />
      <Group justify="flex-end">
        <Button variant="default" c="var(--mantine-color-error)" onClick={() => act.mutate({ service: "apigateway", operation: "DeleteIntegrationResponse", params: where })}>Delete</Button>
        <Button loading={act.isPending} onClick={() => act.mutate({
          service: "apigateway", operation: "PutIntegrationResponse", done: "Saved; deploy to serve it",
          params: { ...where, selectionPattern: pattern || undefined, responseParameters: mapOf(parameters), responseTemplates: templates, contentHandling: response.contentHandling },
        })}>
          Save
        </Button>
      </Group>
    </Stack>
  );
}
