import { Badge, Button, Group, Stack, Text, Title } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useState } from "react";
import { base64, textOf } from "../../gateway/base64";
import { useAct } from "../../gateway/hooks";
import { Wrong } from "../../parts/Answer";
import { Code, pretty } from "../../parts/Code";
import { milliseconds } from "../../parts/figures";
import { Card } from "../../parts/Page";

type Invoked = { StatusCode: number; FunctionError?: string; LogResult?: string; Payload?: string; ExecutedVersion?: string };

/** Calls the function, and shows what it answered and wrote. */
export function Invoke({ name }: { name: string }) {
  const [event, setEvent] = useState('{\n  "name": "Torana"\n}');
  const [took, setTook] = useState(0);
  const act = useAct<Invoked>();
  const invoke = () => {
    const began = performance.now();
    act.mutate({
      service: "lambda", operation: "Invoke", params: { FunctionName: name, LogType: "Tail", Payload: base64(event) },
      then: () => setTook(performance.now() - began),
    });
  };
  const result = act.data;
  return (
    <Card title="Test" actions={<Button size="xs" leftSection={<IconPlayerPlay size={14} />} onClick={invoke} loading={act.isPending}>Invoke</Button>}>
      <Stack gap={10}>
        <Title order={3}>Event</Title>
        <Code label="Event" language="json" value={event} onChange={setEvent} height="120px" />
        {act.error && <Wrong error={act.error} />}
        {result && (
          <Stack gap={10} role="region" aria-label="Result">
            <Group gap={8}>
              <Badge color={result.FunctionError ? "red" : "teal"} size="lg">{result.FunctionError ?? "Succeeded"}</Badge>
              <Text size="sm" c="dimmed" className="tabular">{milliseconds(took / 1000)}</Text>
            </Group>
            <Title order={3}>Answer</Title>
            <Code label="Answer" readOnly language="json" value={pretty(textOf(result.Payload ?? ""))} height="150px" />
            <Title order={3}>Log</Title>
            <Code label="Log" readOnly value={textOf(result.LogResult ?? "")} height="150px" />
          </Stack>
        )}
      </Stack>
    </Card>
  );
}
