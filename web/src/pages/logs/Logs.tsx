import { Button, Group, Select, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, type GatewayError } from "../../gateway/call";
import { useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { bytes } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows, type Column } from "../../parts/Rows";

type Group_ = { logGroupName: string; storedBytes?: number; retentionInDays?: number };
type Event = { eventId: string; logStreamName: string; timestamp: number; message: string };
type Results = { status: string; results?: { field: string; value: string }[][] };

const SPANS = [
  { value: "300", label: "5 minutes" }, { value: "3600", label: "1 hour" }, { value: "86400", label: "1 day" }, { value: "604800", label: "1 week" },
];

/** Log groups: searched by pattern, followed as they grow, queried. */
export default function Logs() {
  const groups = useCallAll<Group_>("logs", "DescribeLogGroups", { limit: 50 }, "logGroups", ["nextToken", "nextToken"]);
  const [group, setGroup] = useState<string | null>(null);
  return (
    <Page title="Logs" about="Access logs, execution logs and what functions wrote">
      <Answer of={groups}>
        {(found) => {
          const chosen = group ?? found[0]?.logGroupName;
          if (!chosen) return <Card><Empty title="No log group yet">Turn a stage’s execution or access log on, or call a function: its lines are kept here.</Empty></Card>;
          return (
            <div className="grid">
              <Card>
                <Select label="Log group" searchable value={chosen} onChange={(value) => setGroup(value)} allowDeselect={false}
                  data={found.map((each) => ({ value: each.logGroupName, label: `${each.logGroupName}${each.storedBytes ? ` · ${bytes(each.storedBytes)}` : ""}` }))} />
              </Card>
              <Search key={`s${chosen}`} group={chosen} />
              <Insights key={`i${chosen}`} group={chosen} />
            </div>
          );
        }}
      </Answer>
    </Page>
  );
}

function Search({ group }: { group: string }) {
  const [pattern, setPattern] = useState("");
  const [asked, setAsked] = useState("");
  const [span, setSpan] = useState("3600");
  const [follow, setFollow] = useState(true);
  const events = useQuery<Event[], GatewayError>({
    queryKey: ["logs", "FilterLogEvents", group, asked, span],
    queryFn: async () => {
      const found: Event[] = [];
      let nextToken: string | undefined;
      do {
        const page: { events: Event[]; nextToken?: string } = await call("logs", "FilterLogEvents", {
          logGroupName: group, filterPattern: asked || undefined, startTime: Date.now() - Number(span) * 1000, limit: 1000, nextToken,
        });
        found.push(...page.events);
        nextToken = page.nextToken;
      } while (nextToken && found.length < 2000);
      return found.slice(-1000);
    },
    refetchInterval: follow ? 2000 : false,
  });
  return (
    <Card title="Search" flush actions={<Switch size="xs" label="Follow" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />}>
      <Group p="sm" gap={8} align="flex-end" component="form" onSubmit={(event: React.FormEvent) => { event.preventDefault(); setAsked(pattern); }}>
        <TextInput flex={1} miw={220} label="Pattern" placeholder={'ERROR, "two words", { $.status = 500 }'} value={pattern} onChange={(event) => setPattern(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <Select w={130} label="Of the last" data={SPANS} value={span} onChange={(value) => setSpan(value ?? "3600")} allowDeselect={false} />
        <Button type="submit" variant="default">Search</Button>
      </Group>
      <Answer of={events}>
        {(found) => found.length === 0 ? <Empty title="No line fits">Try a wider span, or another pattern.</Empty> : (
          <div role="log" aria-label="Log lines" tabIndex={0} style={{ maxHeight: 480, overflow: "auto", padding: "4px 14px 12px" }}>
            {found.map((event) => (
              <div key={event.eventId} className="mono" style={{ display: "flex", gap: 12, padding: "2px 0", borderBottom: "1px solid var(--line)" }}>
                <time dateTime={new Date(event.timestamp).toISOString()} style={{ color: "var(--mantine-color-dimmed)", whiteSpace: "nowrap" }}>
                  {new Date(event.timestamp).toLocaleTimeString("en-GB", { hour12: false })}.{String(event.timestamp % 1000).padStart(3, "0")}
                </time>
                <span style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{event.message}</span>
              </div>
            ))}
          </div>
        )}
      </Answer>
    </Card>
  );
}

function Insights({ group }: { group: string }) {
  const [query, setQuery] = useState("stats count(*) by bin(1m)");
  const [span, setSpan] = useState("3600");
  const run = useMutation<Record<string, string>[], GatewayError>({
    mutationFn: async () => {
      const now = Math.floor(Date.now() / 1000);
      const { queryId } = await call<{ queryId: string }>("logs", "StartQuery", { logGroupName: group, queryString: query, startTime: now - Number(span), endTime: now + 60 });
      for (;;) {
        const answer = await call<Results>("logs", "GetQueryResults", { queryId });
        if (answer.status === "Complete") return (answer.results ?? []).map((row) => Object.fromEntries(row.filter((each) => each.field !== "@ptr").map((each) => [each.field, each.value])));
        if (answer.status !== "Running" && answer.status !== "Scheduled") throw new Error(`The query is ${answer.status}`);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    },
  });
  const heads = [...new Set((run.data ?? []).flatMap((row) => Object.keys(row)))];
  return (
    <Card title="Query" flush>
      <Stack p="sm" gap={8}>
        <Textarea label="In the language of Logs Insights" autosize minRows={2} value={query} onChange={(event) => setQuery(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <Group gap={8} align="flex-end">
          <Select w={130} label="Of the last" data={SPANS} value={span} onChange={(value) => setSpan(value ?? "3600")} allowDeselect={false} />
          <Button onClick={() => run.mutate()} loading={run.isPending}>Run</Button>
        </Group>
        {run.error && <Wrong error={run.error} />}
      </Stack>
      {run.data && (heads.length === 0 ? <Empty title="No row" /> : (
        <Rows label="results" rows={run.data} id={(row) => JSON.stringify(row) + run.data.indexOf(row)} columns={heads.map((head): Column<Record<string, string>> => ({ head, cell: (row) => <Text size="xs" className="mono">{row[head]}</Text>, text: (row) => row[head] ?? "" }))} />
      ))}
    </Card>
  );
}
