import { Badge, Button, Group, Select, Stack, Tabs, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { useLocation, useParams } from "wouter";
import { useCall, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Chart, Legend, type Line } from "../../parts/Chart";
import { Empty } from "../../parts/Empty";
import { count } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Alarms } from "./Alarms";

export type Metric = { Namespace: string; MetricName: string; Dimensions: { Name: string; Value: string }[] };
type Result = { Id: string; Label: string; Timestamps: string[]; Values: number[] };

export const STATISTICS = ["Sum", "Average", "p50", "p95", "p99", "Maximum", "Minimum", "SampleCount"];
const SHADES: [string, string][] = [
  ["#0b7285", "#45a9b8"], ["#b35c00", "#f0a94f"], ["#9c36b5", "#d08be0"], ["#2b8a3e", "#69db7c"], ["#c92a2a", "#ff8787"], ["#1864ab", "#74c0fc"],
];
const SPANS = [
  { value: "3600", label: "1 hour", period: 60 }, { value: "10800", label: "3 hours", period: 60 },
  { value: "86400", label: "1 day", period: 300 }, { value: "604800", label: "1 week", period: 3600 },
];

export const nameOf = (metric: Metric) => `${metric.Namespace} ${metric.MetricName}${metric.Dimensions.length ? ` (${metric.Dimensions.map((each) => each.Value).join(", ")})` : ""}`;
const keyOf = (metric: Metric) => JSON.stringify([metric.Namespace, metric.MetricName, metric.Dimensions]);

/** CloudWatch: any metric drawn, and alarms on them. */
export default function Metrics() {
  const [, go] = useLocation();
  const given = useParams<{ "*"?: string }>();
  const tab = given["*"] === "alarms" ? "alarms" : "metrics";
  return (
    <Page title="Metrics and alarms" about="What was measured of everything served, and who is told when it goes wrong">
      <Tabs value={tab} onChange={(value) => go(value === "alarms" ? "/metrics/alarms" : "/metrics")} keepMounted={false}>
        <Tabs.List mb={14}>
          <Tabs.Tab value="metrics">Metrics</Tabs.Tab>
          <Tabs.Tab value="alarms">Alarms</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="metrics"><Explorer /></Tabs.Panel>
        <Tabs.Panel value="alarms"><Alarms /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}

export function useMetrics() {
  return useCallAll<Metric>("cloudwatch", "ListMetrics", {}, "Metrics", ["NextToken", "NextToken"]);
}

function Explorer() {
  const metrics = useMetrics();
  const [chosen, setChosen] = useState<string[]>([]);
  const [statistic, setStatistic] = useState("Sum");
  const [span, setSpan] = useState("3600");
  const byKey = useMemo(() => new Map((metrics.data ?? []).map((metric) => [keyOf(metric), metric])), [metrics.data]);
  const groups = useMemo(() => {
    const found = new Map<string, { value: string; label: string }[]>();
    for (const metric of byKey.values()) {
      const label = `${metric.MetricName}${metric.Dimensions.length ? ` · ${metric.Dimensions.map((each) => `${each.Name}=${each.Value}`).join(" ")}` : ""}`;
      found.set(metric.Namespace, [...(found.get(metric.Namespace) ?? []), { value: keyOf(metric), label }]);
    }
    return [...found].map(([group, items]) => ({ group, items: items.toSorted((a, b) => (a.label < b.label ? -1 : 1)) }));
  }, [byKey]);
  const shown = chosen.flatMap((key) => byKey.get(key) ?? []);
  return (
    <Answer of={metrics}>
      {(all) => all.length === 0 ? <Card><Empty title="Nothing was measured yet">Call an API, a function or a model: its figures are here within a second. Programs put their own with PutMetricData.</Empty></Card> : (
        <Card title="Metrics" actions={
          <Group gap={6}>
            <Select size="xs" w={110} aria-label="Statistic" data={STATISTICS} value={statistic} onChange={(value) => setStatistic(value ?? "Sum")} allowDeselect={false} />
            <Select size="xs" w={110} aria-label="Span" data={SPANS} value={span} onChange={(value) => setSpan(value ?? "3600")} allowDeselect={false} />
          </Group>
        }>
          <Stack>
            <Select label="Add a metric" searchable data={groups} value={null} limit={200} placeholder="Search by name, API, stage, function, model…"
              onChange={(key) => key && setChosen((before) => (before.includes(key) ? before : [...before, key].slice(-6)))} />
            {shown.length > 0 && (
              <Group gap={6}>
                {shown.map((metric, i) => (
                  <Badge key={keyOf(metric)} variant="default" size="lg" rightSection={
                    <Button size="compact-xs" variant="transparent" p={0} aria-label={`Remove ${nameOf(metric)}`} onClick={() => setChosen((before) => before.filter((each) => each !== keyOf(metric)))}>×</Button>
                  }>
                    <span className="swatch" style={{ background: `light-dark(${SHADES[i]![0]}, ${SHADES[i]![1]})` }} />{nameOf(metric)}
                  </Badge>
                ))}
              </Group>
            )}
            {shown.length === 0 ? <Empty title="Choose a metric">Up to six are drawn together.</Empty> : <Drawn metrics={shown} statistic={statistic} span={Number(span)} />}
          </Stack>
        </Card>
      )}
    </Answer>
  );
}

function Drawn({ metrics, statistic, span }: { metrics: Metric[]; statistic: string; span: number }) {
  const period = SPANS.find((each) => Number(each.value) === span)!.period;
  const [now] = useState(() => Math.floor(Date.now() / 60_000) * 60 + 60);
  const answer = useCall<{ MetricDataResults: Result[] }>("cloudwatch", "GetMetricData", {
    StartTime: new Date((now - span) * 1000).toISOString(), EndTime: new Date(now * 1000 + 3600_000).toISOString(), ScanBy: "TimestampAscending",
    MetricDataQueries: metrics.map((Metric, i) => ({ Id: `m${i}`, MetricStat: { Metric, Period: period, Stat: statistic } })),
  }, { refetchInterval: 10_000 });
  return (
    <Answer of={answer}>
      {({ MetricDataResults }) => {
        const until = Math.max(now, Math.floor(Date.now() / 1000));
        const start = Math.floor((now - span) / period) * period;
        const times = Array.from({ length: Math.ceil((until - start) / period) }, (_, i) => start + i * period);
        const zero = statistic === "Sum" || statistic === "SampleCount" ? 0 : null;
        const lines: Line[] = MetricDataResults.map((result, i) => {
          const values = new Map(result.Timestamps.map((at, place) => [Date.parse(at) / 1000, result.Values[place]!]));
          return { label: nameOf(metrics[i]!), color: SHADES[i]!, values: times.map((at) => values.get(at) ?? zero) };
        });
        return (
          <>
            <Legend lines={lines} />
            <Chart label={`${statistic} of each ${period < 3600 ? `${period / 60} min` : "hour"}`} times={times} lines={lines} height={280} format={(value) => (value === null ? "–" : count(value))} />
            <Text size="xs" c="dimmed">A point is {period < 3600 ? `${period / 60} min` : "an hour"}.</Text>
          </>
        );
      }}
    </Answer>
  );
}
