import { Badge, Button, Group, Select, SimpleGrid, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { askJson, call, type GatewayError } from "../../gateway/call";
import { Wrong } from "../../parts/Answer";
import { milliseconds } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { variablesOf, type Variant } from "./Prompts";

type Outcome = { answer?: unknown; error?: string; valid?: boolean; repairs?: number; seconds?: number; input?: number; output?: number; usd?: number };
type Evaluated = { cases: { outcomes: Record<string, Outcome> }[] };
type Side = { version: string; outcome?: Outcome; error?: string };

/** Two versions put the same variables, as an API would call them: schemas, repairs and limits hold. */
export function Compare({ id, versions }: { id: string; versions: string[] }) {
  const frozen = versions.filter((each) => each !== "DRAFT").toSorted((a, b) => Number(b) - Number(a));
  const [pair, setPair] = useState([frozen[1] ?? frozen[0]!, frozen[1] ? frozen[0]! : "DRAFT"]);
  const [values, setValues] = useState<Record<string, string>>({});
  const names = useQuery<string[][], GatewayError>({
    queryKey: ["bedrock-agent", "variables", id, pair],
    queryFn: () => Promise.all(pair.map(async (version) => {
      const draft = version === "DRAFT" ? {} : { promptVersion: version };
      const { defaultVariant, variants = [] } = await call<{ defaultVariant?: string; variants?: Variant[] }>("bedrock-agent", "GetPrompt", { promptIdentifier: id, ...draft });
      const variant = variants.find((each) => each.name === defaultVariant) ?? variants[0];
      return variablesOf(JSON.stringify(variant?.templateConfiguration ?? {}));
    })),
  });
  const compared = useMutation<Side[], GatewayError>({
    // Each is asked for itself: they may have different variables, and one may fail.
    mutationFn: () => Promise.all(pair.map(async (version, at): Promise<Side> => {
      const variables = Object.fromEntries((names.data?.[at] ?? []).map((name) => [name, values[name] ?? ""]));
      try {
        const done = await askJson<Evaluated>(`evaluations/${encodeURIComponent(id)}`, "POST", { versions: [version], cases: [{ variables }] });
        return { version, outcome: done.cases[0]!.outcomes[version] };
      } catch (error) {
        return { version, error: (error as Error).message };
      }
    })),
  });
  return (
    <Card title="Compare versions" actions={<Button size="xs" onClick={() => compared.mutate()} loading={compared.isPending} disabled={!names.data}>Compare</Button>}>
      <Stack>
        <Group>
          {pair.map((version, at) => (
            <Select key={at} w={140} label={at === 0 ? "One version" : "Other version"} data={versions} value={version} allowDeselect={false}
              onChange={(value) => setPair((before) => before.map((each, i) => (i === at ? value! : each)))} />
          ))}
        </Group>
        {[...new Set(names.data?.flat())].map((name) => (
          <Textarea key={name} label={`${name}, for both`} autosize minRows={2} maxRows={8} value={values[name] ?? ""} onChange={(event) => {
            const { value } = event.currentTarget;
            setValues((before) => ({ ...before, [name]: value }));
          }} />
        ))}
        {names.error && <Wrong error={names.error} />}
        {compared.data && <SimpleGrid cols={{ base: 1, sm: 2 }}>{compared.data.map((side, at) => <Shown key={at} side={side} />)}</SimpleGrid>}
      </Stack>
    </Card>
  );
}

function Shown({ side: { version, outcome = {}, error } }: { side: Side }) {
  const { answer, seconds = 0, input = 0, output = 0, usd = 0, repairs = 0, valid = true } = outcome;
  const wrong = error ?? outcome.error;
  const said = answer as { output?: unknown } | string | null | undefined;
  const text = typeof said === "object" && typeof said?.output === "string" && Object.keys(said).length === 1 ? said.output : typeof said === "string" ? said : JSON.stringify(said, null, 2);
  return (
    <Stack gap={6} role="region" aria-label={`Answer of ${version}`}>
      <Group gap={6}>
        <Badge color="teal">{version}</Badge>
        {!valid && <Badge color="red">not of its schema</Badge>}
        {repairs > 0 && <Badge color="orange">{repairs} repaired</Badge>}
      </Group>
      {wrong ? <Wrong error={{ message: wrong }} /> : <Text style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{text}</Text>}
      {!error && <Text size="xs" c="dimmed" className="tabular">{milliseconds(seconds)} · {input} + {output} tokens{usd > 0 && ` · $${usd.toPrecision(2)}`}</Text>}
    </Stack>
  );
}
