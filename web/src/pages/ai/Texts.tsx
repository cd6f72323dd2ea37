import { Badge, Button, Group, Progress, Select, Stack, Text, Textarea, Tooltip } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { call, type GatewayError } from "../../gateway/call";
import { Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { percent } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";

type Span = { BeginOffset: number; EndOffset: number; Score: number; Type?: string; Text?: string };
type Found = {
  sentiment?: { Sentiment: string; SentimentScore: Record<string, number> };
  language?: { LanguageCode: string; Score: number }[];
  entities?: Span[];
  phrases?: Span[];
  personal?: Span[];
};

const SAMPLE = "Anna Schmidt flew from Berlin to Seattle on 3 March to see Amazon’s new office. She loved the view, but the coffee was awful. Write to her at anna.schmidt@example.com.";

const COLORS: Record<string, string> = {
  PERSON: "grape", LOCATION: "teal", ORGANIZATION: "blue", DATE: "orange", QUANTITY: "yellow", EVENT: "pink", TITLE: "indigo",
};

/** Sentiment, language, entities, key phrases and personal data of a text. */
export function Texts() {
  const [text, setText] = useState(SAMPLE);
  const [language, setLanguage] = useState("en");
  const [shown, setShown] = useState<"entities" | "phrases" | "personal">("entities");
  const act = useMutation<{ text: string; found: Found; errors: string[] }, GatewayError>({
    mutationFn: async () => {
      const ask = { Text: text, LanguageCode: language };
      const errors: string[] = [];
      const from = async <T,>(operation: string, params: object, pick: (answer: Record<string, unknown>) => unknown) => {
        try {
          return pick(await call("comprehend", operation, { ...params })) as T;
        } catch (error) {
          errors.push(`${operation}: ${(error as Error).message}`);
          return undefined;
        }
      };
      const [sentiment, languages, entities, phrases, personal] = await Promise.all([
        from<Found["sentiment"]>("DetectSentiment", ask, (answer) => answer),
        from<Found["language"]>("DetectDominantLanguage", { Text: text }, (answer) => answer.Languages),
        from<Span[]>("DetectEntities", ask, (answer) => answer.Entities),
        from<Span[]>("DetectKeyPhrases", ask, (answer) => answer.KeyPhrases),
        from<Span[]>("DetectPiiEntities", ask, (answer) => answer.Entities),
      ]);
      return { text, errors, found: { sentiment, language: languages, entities, phrases, personal } };
    },
  });
  const result = act.data;
  const spans = result?.found[shown] ?? [];
  return (
    <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 460px), 1fr))" }}>
      <Card title="Text" actions={
        <>
          <Select size="xs" w={80} aria-label="Language" data={["en", "de", "fr", "es", "it", "pt"]} value={language} onChange={(value) => setLanguage(value ?? "en")} allowDeselect={false} />
          <Button size="xs" onClick={() => act.mutate()} loading={act.isPending} disabled={!text.trim()}>Analyse</Button>
        </>
      }>
        <Textarea aria-label="Text to analyse" autosize minRows={7} maxRows={18} maxLength={100_000} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      </Card>
      <Card title="What is in it" actions={result && (
        <Group gap={4}>
          {(["entities", "phrases", "personal"] as const).map((kind) => (
            <Button key={kind} size="compact-xs" variant={shown === kind ? "filled" : "default"} aria-pressed={shown === kind} onClick={() => setShown(kind)}>
              {{ entities: "Entities", phrases: "Key phrases", personal: "Personal data" }[kind]}
            </Button>
          ))}
        </Group>
      )}>
        {act.error && <Wrong error={act.error} />}
        {!result ? <Empty title="Nothing was analysed yet">Type or paste a text, then analyse it.</Empty> : (
          <Stack>
            {result.errors.map((error) => <Wrong key={error} error={{ message: error }} />)}
            <Text component="div" lh={1.9} aria-label="The text with its findings">{marked(result.text, spans)}</Text>
            {result.found.sentiment && <Sentiment of={result.found.sentiment} />}
            {result.found.language?.[0] && <Text size="sm">Language <b>{result.found.language[0].LanguageCode}</b> <Text span c="dimmed" inherit>{percent(result.found.language[0].Score)} sure</Text></Text>}
            {spans.length > 0 && (
              <Rows
                label="findings" rows={spans} id={(span) => `${span.BeginOffset}-${span.EndOffset}`} search={false}
                columns={[
                  { head: "Text", cell: (span) => span.Text ?? result.text.slice(span.BeginOffset, span.EndOffset) },
                  { head: "Type", cell: (span) => span.Type ? <Badge color={COLORS[span.Type] ?? "gray"}>{span.Type}</Badge> : "–" },
                  { head: "Sure", right: true, cell: (span) => percent(span.Score) },
                ]}
              />
            )}
          </Stack>
        )}
      </Card>
    </div>
  );
}

function Sentiment({ of }: { of: NonNullable<Found["sentiment"]> }) {
  const shades: Record<string, string> = { Positive: "teal", Negative: "red", Neutral: "gray", Mixed: "yellow" };
  return (
    <div>
      <Text size="sm" mb={4}>Sentiment <b>{of.Sentiment}</b></Text>
      <Progress.Root size={14} aria-label="Sentiment">
        {Object.entries(of.SentimentScore).map(([name, score]) => (
          <Tooltip key={name} label={`${name} ${percent(score)}`}>
            <Progress.Section value={score * 100} color={shades[name] ?? "gray"} aria-label={`${name} ${percent(score)}`} />
          </Tooltip>
        ))}
      </Progress.Root>
    </div>
  );
}

/** Offsets count code points, as the service does. */
function marked(text: string, spans: Span[]): ReactNode[] {
  const points = Array.from(text);
  const parts: ReactNode[] = [];
  let at = 0;
  for (const span of spans.toSorted((a, b) => a.BeginOffset - b.BeginOffset)) {
    if (span.BeginOffset < at) continue;
    parts.push(points.slice(at, span.BeginOffset).join(""));
    const color = COLORS[span.Type ?? ""] ?? (span.Type ? "gray" : "lagoon");
    parts.push(
      <mark key={span.BeginOffset} title={span.Type} style={{
        background: `light-dark(var(--mantine-color-${color}-1), color-mix(in srgb, var(--mantine-color-${color}-6) 30%, transparent))`,
        color: "inherit", borderRadius: 4, padding: "1px 4px",
      }}>
        {points.slice(span.BeginOffset, span.EndOffset).join("")}
        {span.Type && <sup style={{ fontSize: "0.65em", marginLeft: 4, fontWeight: 600 }}>{span.Type}</sup>}
      </mark>,
    );
    at = span.EndOffset;
  }
  parts.push(points.slice(at).join(""));
  return parts;
}
