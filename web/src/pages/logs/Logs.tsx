import { Button, Group, Select, Stack, Text, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useParams } from "wouter";
import { call, type GatewayError } from "../../gateway/call";
import { useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { bytes } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows, type Column } from "../../parts/Rows";
import { Search, SPANS } from "./Search";

type Group_ = { logGroupName: string; storedBytes?: number; retentionInDays?: number };
type Results = { status: string; results?: { field: string; value: string }[][] };

/** Log groups: searched by pattern, followed as they grow, queried. */
export default function Logs() {
  const groups = useCallAll<Group_>("logs", "DescribeLogGroups", { limit: 50 }, "logGroups", ["nextToken", "nextToken"]);
  const [, go] = useLocation();
  const given = useParams<{ "*"?: string }>();
  const group = given["*"] ? decodeURIComponent(given["*"]) : null;
  return (
    <Page title="Logs" about="Access logs, execution logs and what functions wrote">
      <Answer of={groups}>
        {(found) => {
          const chosen = group ?? found[0]?.logGroupName;
          if (!chosen) return <Card><Empty title="No log group yet">Turn a stage’s execution or access log on, or call a function: its lines are kept here.</Empty></Card>;
          return (
            <div className="grid">
              <Card>
                <Select label="Log group" searchable value={chosen} onChange={(value) => value && go(`/logs/${encodeURIComponent(value)}`)} allowDeselect={false}
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
