import { Badge, Button, Group, Select, Stack, Tabs, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { useLocation, useParams } from "wouter";
import { useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card, Page } from "../../parts/Page";
import { SHADES } from "../../parts/shades";
import { Alarms } from "./Alarms";
import { DashboardView } from "./DashboardView";
import { Dashboards } from "./Dashboards";
import { Plot } from "./Plot";

export type Metric = { Namespace: string; MetricName: string; Dimensions: { Name: string; Value: string }[] };

export const STATISTICS = ["Sum", "Average", "p50", "p95", "p99", "Maximum", "Minimum", "SampleCount"];
export const SPANS = [
  { value: "3600", label: "1 hour", period: 60 }, { value: "10800", label: "3 hours", period: 60 },
  { value: "86400", label: "1 day", period: 300 }, { value: "604800", label: "1 week", period: 3600 },
];

export const nameOf = (metric: Metric) => `${metric.Namespace} ${metric.MetricName}${metric.Dimensions.length ? ` (${metric.Dimensions.map((each) => each.Value).join(", ")})` : ""}`;
const keyOf = (metric: Metric) => JSON.stringify([metric.Namespace, metric.MetricName, metric.Dimensions]);

/** CloudWatch: any metric drawn, and alarms on them. */
export default function Metrics() {
  const [, go] = useLocation();
  const given = useParams<{ "*"?: string }>();
  const [tab = "metrics", name] = (given["*"] || "metrics").split("/");
  if (tab === "dashboards" && name) return <DashboardView name={decodeURIComponent(name)} />;
  return (
    <Page title="Metrics and alarms" about="What was measured of everything served, and who is told when it goes wrong">
      <Tabs value={tab} onChange={(value) => go(value === "metrics" ? "/metrics" : `/metrics/${value}`)} keepMounted={false}>
        <Tabs.List mb={14}>
          <Tabs.Tab value="metrics">Metrics</Tabs.Tab>
          <Tabs.Tab value="dashboards">Dashboards</Tabs.Tab>
          <Tabs.Tab value="alarms">Alarms</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="metrics"><Explorer /></Tabs.Panel>
        <Tabs.Panel value="dashboards"><Dashboards /></Tabs.Panel>
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
  return (
    <>
      <Plot
        label={`${statistic} of each ${period < 3600 ? `${period / 60} min` : "hour"}`} span={span} period={period} height={280}
        zero={statistic === "Sum" || statistic === "SampleCount"} names={metrics.map(nameOf)}
        queries={metrics.map((Metric, i) => ({ Id: `m${i}`, MetricStat: { Metric, Period: period, Stat: statistic } }))}
      />
      <Text size="xs" c="dimmed">A point is {period < 3600 ? `${period / 60} min` : "an hour"}.</Text>
    </>
  );
}
