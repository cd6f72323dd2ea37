import { Button, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { Wrong } from "../../parts/Answer";
import { milliseconds } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { chat, type Told } from "../llm/stream";
import { variablesOf } from "./Prompts";

/** The draft as it stands, asked of its model. */
export function Try({ model, template }: { model: string | null; template: string }) {
  const names = variablesOf(template);
  const [values, setValues] = useState<Record<string, string>>({});
  const [answer, setAnswer] = useState("");
  const [told, setTold] = useState<Told | null>(null);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  async function ask() {
    setBusy(true);
    setAnswer("");
    setTold(null);
    setWrong("");
    const content = template.replaceAll(/\{\{\s*([A-Za-z_]\w*)\s*\}\}/g, (_, name: string) => values[name] ?? "");
    try {
      setTold(await chat({ model: model!, messages: [{ role: "user", content }] }, new AbortController().signal, (more) => setAnswer((before) => before + more)));
    } catch (error) {
      setWrong((error as Error).message);
    }
    setBusy(false);
  }
  return (
    <Card title="Try it" actions={<Button size="xs" onClick={ask} loading={busy} disabled={!model}>Ask</Button>}>
      <Stack>
        {names.map((name) => (
          <Textarea key={name} label={name} autosize minRows={2} maxRows={8} value={values[name] ?? ""} onChange={(event) => {
            const { value } = event.currentTarget;
            setValues((before) => ({ ...before, [name]: value }));
          }} />
        ))}
        {wrong && <Wrong error={{ message: wrong }} />}
        <Text role="region" aria-label="Answer" aria-live="polite" style={{ whiteSpace: "pre-wrap" }}>{answer}</Text>
        {told && <Text size="xs" c="dimmed">{told.provider} · {milliseconds(told.total / 1000)} · {told.usage ? `${told.usage.prompt_tokens} + ${told.usage.completion_tokens} tokens` : ""}</Text>}
      </Stack>
    </Card>
  );
}
