import { Badge, Group, Stack, Tabs, Text } from "@mantine/core";
import { IconArrowLeft, IconArrowRight, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCall } from "../../../gateway/hooks";
import { Answer } from "../../../parts/Answer";
import { Confirm } from "../../../parts/Confirm";
import { Card } from "../../../parts/Page";
import { VERB_COLORS, type Method, type Resource } from "../types";
import { IntegrationRequest } from "./IntegrationRequest";
import { IntegrationResponses } from "./IntegrationResponses";
import { MethodRequest } from "./MethodRequest";
import { MethodResponses } from "./MethodResponses";
import { TestInvoke } from "./TestInvoke";

export type Place = { restApiId: string; resourceId: string; httpMethod: string };
type Box = "request" | "integration" | "answers" | "responses";

/** A method as its four boxes: what comes in on top, what goes out below. */
export function MethodView({ api, resource, verb }: { api: string; resource: Resource; verb: string }) {
  const place: Place = { restApiId: api, resourceId: resource.id, httpMethod: verb };
  const method = useCall<Method>("apigateway", "GetMethod", place);
  const [box, setBox] = useState<Box>("integration");
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Card
      title={<Group gap={8}><Badge color={VERB_COLORS[verb] ?? "gray"}>{verb}</Badge><span className="mono" style={{ fontSize: "0.875rem" }}>{resource.path}</span></Group>}
      actions={
        <Confirm label="Delete method" title={`Delete ${verb} ${resource.path}?`} icon={<IconTrash size={14} />} act={() => act.mutate({
          service: "apigateway", operation: "DeleteMethod", params: place, done: "The method was deleted", then: () => go(`/apis/${api}/resources`),
        })}>
          Stages go on serving it until the next deployment.
        </Confirm>
      }
    >
      <Answer of={method}>
        {(found) => (
          <Tabs defaultValue="define" keepMounted={false}>
            <Tabs.List mb={12}>
              <Tabs.Tab value="define">Definition</Tabs.Tab>
              <Tabs.Tab value="test">Test</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="define">
              <Stack gap={16}>
                <Boxes method={found} box={box} choose={setBox} />
                {box === "request" && <MethodRequest key={JSON.stringify(found)} place={place} method={found} />}
                {box === "integration" && <IntegrationRequest key={JSON.stringify(found.methodIntegration)} place={place} integration={found.methodIntegration} />}
                {box === "answers" && <IntegrationResponses place={place} method={found} />}
                {box === "responses" && <MethodResponses place={place} method={found} />}
              </Stack>
            </Tabs.Panel>
            <Tabs.Panel value="test"><TestInvoke place={place} path={resource.path} /></Tabs.Panel>
          </Tabs>
        )}
      </Answer>
    </Card>
  );
}

function Boxes({ method, box, choose }: { method: Method; box: Box; choose: (box: Box) => void }) {
  const integration = method.methodIntegration;
  const proxy = integration?.type.endsWith("_PROXY");
  const codes = (of: Record<string, unknown> | undefined) => Object.keys(of ?? {}).sort().join(", ") || "none";
  const pressed = (name: Box) => ({ "aria-pressed": box === name, onClick: () => choose(name), className: "box", type: "button" as const });
  return (
    <div className="boxes" role="group" aria-label="The method’s four boxes">
      <button {...pressed("request")}>
        <Head n="1" title="Method request" />
        <Line name="Authorization" value={method.authorizationType ?? "NONE"} />
        <Line name="API key" value={method.apiKeyRequired ? "required" : "not required"} />
        <Line name="Parameters" value={String(Object.keys(method.requestParameters ?? {}).length)} />
        <span className="arrow"><IconArrowRight size={18} aria-hidden /></span>
      </button>
      <button {...pressed("integration")}>
        <Head n="2" title="Integration request" />
        <Line name="Type" value={integration?.type ?? "none yet"} />
        {integration?.uri && <Line name="Endpoint" value={integration.uri} />}
        <Line name="Templates" value={proxy ? "passed on as it is" : String(Object.keys(integration?.requestTemplates ?? {}).length)} />
      </button>
      <button {...pressed("responses")}>
        <Head n="4" title="Method response" />
        <Line name="Statuses" value={codes(method.methodResponses)} />
        <span className="arrow"><IconArrowLeft size={18} aria-hidden /></span>
      </button>
      <button {...pressed("answers")}>
        <Head n="3" title="Integration response" />
        <Line name="Statuses" value={proxy ? "passed on as they are" : codes(integration?.integrationResponses)} />
      </button>
    </div>
  );
}

function Head({ n, title }: { n: string; title: string }) {
  return (
    <Group gap={8} mb={4}>
      <Badge circle variant="default" size="sm">{n}</Badge>
      <Text fw={600} size="sm">{title}</Text>
    </Group>
  );
}

function Line({ name, value }: { name: string; value: string }) {
  return (
    <Text size="xs" c="dimmed" truncate>
      {name} <Text span inherit c="var(--mantine-color-text)">{value}</Text>
    </Text>
  );
}
