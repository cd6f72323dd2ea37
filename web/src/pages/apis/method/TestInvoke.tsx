import { Badge, Button, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useState } from "react";
import { useAct, useCall } from "../../../gateway/hooks";
import { Answer, Wrong } from "../../../parts/Answer";
import { Code, pretty } from "../../../parts/Code";
import { mapOf, Pairs, pairsOf, type Pair } from "../../../parts/Pairs";
import type { Stage } from "../types";
import type { Place } from "./MethodView";

type Tested = { status: number; body?: string; headers?: Record<string, string>; log?: string; latency?: number };

/** Calls the method as it is now, deployed or not, and shows every step. */
export function TestInvoke({ place, path }: { place: Place; path: string }) {
  const stages = useCall<{ item: Stage[] }>("apigateway", "GetStages", { restApiId: place.restApiId });
  return <Answer of={stages}>{({ item }) => <Form place={place} path={path} given={item[0]?.variables} />}</Answer>;
}

/** `given`: the variables of the API's first stage, to begin with. */
function Form({ place, path, given }: { place: Place; path: string; given?: Record<string, string> }) {
  const [target, setTarget] = useState(path);
  const [headers, setHeaders] = useState<Pair[]>([["Content-Type", "application/json"]]);
  const [variables, setVariables] = useState(pairsOf(given));
  const [body, setBody] = useState("");
  const act = useAct<Tested>();
  const bodiless = ["GET", "HEAD"].includes(place.httpMethod);
  const test = () =>
    act.mutate({
      service: "apigateway", operation: "TestInvokeMethod",
      params: { ...place, pathWithQueryString: target, headers: mapOf(headers), stageVariables: mapOf(variables), body: bodiless ? undefined : body },
    });
  const tested = act.data;
  return (
    <Stack>
      <Group align="flex-end" gap={8}>
        <TextInput flex={1} label="Path and query" value={target} onChange={(event) => setTarget(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <Button leftSection={<IconPlayerPlay size={15} />} onClick={test} loading={act.isPending}>Test</Button>
      </Group>
      {!bodiless && <Text size="sm" fw={550} mb={-10}>Request body</Text>}
      {!bodiless && <Code label="Request body" language="json" value={body} onChange={setBody} height="130px" />}
      <Pairs label="Headers" pairs={headers} onChange={setHeaders} />
      <Pairs label="Stage variables" pairs={variables} onChange={setVariables} />
      {act.error && <Wrong error={act.error} />}
      {tested && (
        <Stack gap={10} role="region" aria-label="Result">
          <Group gap={10}>
            <Badge size="lg" color={tested.status < 400 ? "teal" : "red"}>{tested.status}</Badge>
            <Text size="sm" c="dimmed">{tested.latency} ms</Text>
          </Group>
          <Title order={3}>Body</Title>
          <Code label="Response body" readOnly language="json" value={pretty(tested.body ?? "")} height="150px" />
          <Title order={3}>Headers</Title>
          <pre className="mono">{Object.entries(tested.headers ?? {}).map(([name, value]) => `${name}: ${value}`).join("\n")}</pre>
          <Title order={3}>Execution log</Title>
          <Code label="Execution log" readOnly value={tested.log ?? ""} height="280px" />
        </Stack>
      )}
    </Stack>
  );
}
