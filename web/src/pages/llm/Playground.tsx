import { ActionIcon, Button, Group, NumberInput, Select, Stack, Text, Textarea } from "@mantine/core";
import { IconPlayerPlay, IconPlayerStop, IconPlus, IconX } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { milliseconds } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { useDeclared } from "./models";
import { chat, type Message, type Told } from "./stream";

type Turn = { role: "user" | "assistant"; content: string; told?: Told; error?: string };
type Column = { id: number; model: string; turns: Turn[]; busy: boolean };

/** The same question to several models, side by side, as their answers come. */
export default function Playground() {
  const declared = useDeclared();
  return (
    <Page title="LLM playground" about="Asked in your name: what it costs is under Spend">
      <Answer of={declared}>
        {({ models }) => Object.keys(models).length === 0
          ? <Card><Empty title="No model is declared">Declare providers and models under [llm] in torana.toml, then start the gateway again.</Empty></Card>
          : <Columns names={Object.keys(models)} />}
      </Answer>
    </Page>
  );
}

function Columns({ names }: { names: string[] }) {
  const [columns, setColumns] = useState<Column[]>(() => names.slice(0, 2).map((model, id) => ({ id, model, turns: [], busy: false })));
  const [system, setSystem] = useState("");
  const [question, setQuestion] = useState("");
  const [temperature, setTemperature] = useState<number | string>("");
  const [most, setMost] = useState<number | string>(1024);
  const running = useRef<AbortController | null>(null);
  const busy = columns.some((column) => column.busy);
  const change = (id: number, how: (column: Column) => Column) => setColumns((all) => all.map((each) => (each.id === id ? how(each) : each)));
  const last = (id: number, how: (turn: Turn) => Turn) => change(id, (column) => ({ ...column, turns: [...column.turns.slice(0, -1), how(column.turns.at(-1)!)] }));

  async function ask(column: Column, text: string, signal: AbortSignal) {
    const messages: Message[] = [
      ...(system ? [{ role: "system" as const, content: system }] : []),
      ...column.turns.filter((turn) => !turn.error).map(({ role, content }) => ({ role, content })),
      { role: "user", content: text },
    ];
    change(column.id, (each) => ({ ...each, busy: true, turns: [...each.turns, { role: "user", content: text }, { role: "assistant", content: "" }] }));
    try {
      const asked = { model: column.model, messages, max_tokens: Number(most) || undefined, temperature: temperature === "" ? undefined : Number(temperature) };
      const told = await chat(asked, signal, (more) => last(column.id, (turn) => ({ ...turn, content: turn.content + more })));
      last(column.id, (turn) => ({ ...turn, told }));
    } catch (error) {
      if (!signal.aborted) last(column.id, (turn) => ({ ...turn, error: (error as Error).message }));
    }
    change(column.id, (each) => ({ ...each, busy: false }));
  }

  function send() {
    if (!question.trim() || busy) return;
    const controller = (running.current = new AbortController());
    for (const column of columns) void ask(column, question, controller.signal);
    setQuestion("");
  }

  return (
    <div className="grid">
      <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 320px), 1fr))" }}>
        {columns.map((column) => (
          <Card key={column.id} title={
            <Select size="xs" aria-label="Model" data={names} value={column.model} allowDeselect={false} onChange={(model) => change(column.id, (each) => ({ ...each, model: model ?? each.model, turns: [] }))} />
          } actions={columns.length > 1 && (
            <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${column.model}`} onClick={() => setColumns((all) => all.filter((each) => each.id !== column.id))}><IconX size={15} /></ActionIcon>
          )}>
            <Conversation column={column} />
          </Card>
        ))}
      </div>
      <Card>
        <Stack gap={10}>
          <Group align="flex-end">
            <Textarea flex={1} miw={220} label="System" placeholder="How the models shall answer" autosize minRows={1} maxRows={6} value={system} onChange={(event) => setSystem(event.currentTarget.value)} />
            <NumberInput w={120} label="Temperature" placeholder="default" min={0} max={2} step={0.1} value={temperature} onChange={setTemperature} />
            <NumberInput w={120} label="Most tokens" min={1} value={most} onChange={setMost} />
            <Button variant="default" leftSection={<IconPlus size={14} />} disabled={columns.length >= 4}
              onClick={() => setColumns((all) => [...all, { id: Math.max(...all.map((each) => each.id)) + 1, model: names[all.length % names.length]!, turns: [], busy: false }])}>
              Compare with another
            </Button>
          </Group>
          <Group align="flex-end" wrap="nowrap">
            <Textarea flex={1} label="Message" description="Enter sends, Shift-Enter begins a line" autosize minRows={2} maxRows={10} value={question}
              onChange={(event) => setQuestion(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && !event.shiftKey) {
                  event.preventDefault();
                  send();
                }
              }} />
            {busy
              ? <Button variant="default" leftSection={<IconPlayerStop size={15} />} onClick={() => running.current?.abort()}>Stop</Button>
              : <Button leftSection={<IconPlayerPlay size={15} />} onClick={send} disabled={!question.trim()}>Send</Button>}
          </Group>
        </Stack>
      </Card>
    </div>
  );
}

function Conversation({ column }: { column: Column }) {
  if (column.turns.length === 0) return <Empty title="Nothing was asked yet">Write a message below.</Empty>;
  return (
    <Stack gap={12} role="log" aria-label={`Conversation with ${column.model}`} style={{ maxHeight: 520, overflowY: "auto" }} tabIndex={0}>
      {column.turns.map((turn, i) => (
        <div key={i}>
          <Text size="xs" c="dimmed" fw={600}>{turn.role === "user" ? "You" : column.model}</Text>
          {turn.error
            ? <Text size="sm" c="var(--mantine-color-error)" role="alert">{turn.error}</Text>
            : <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{turn.content || (column.busy ? "…" : "")}</Text>}
          {turn.told && (
            <Text size="xs" c="dimmed" className="tabular" mt={2}>
              {[
                turn.told.provider, turn.told.first !== null && `first token ${milliseconds(turn.told.first / 1000)}`, milliseconds(turn.told.total / 1000),
                turn.told.usage && `${turn.told.usage.prompt_tokens} + ${turn.told.usage.completion_tokens} tokens`,
              ].filter(Boolean).join(" · ")}
            </Text>
          )}
        </div>
      ))}
    </Stack>
  );
}
