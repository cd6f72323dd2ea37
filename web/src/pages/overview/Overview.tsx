import { Badge, SegmentedControl, SimpleGrid } from "@mantine/core";
import { useMemo, useState } from "react";
import { useLive, percentile, sum, type Sample } from "../../gateway/live";
import { Chart, Legend, type Line } from "../../parts/Chart";
import { count, milliseconds, percent } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { useSession } from "../../gateway/session";
import { Changes } from "./Changes";
import { Figure } from "./Figure";
import { History } from "./History";
import { Stages } from "./Stages";

const SPANS = [
  { value: "60", label: "1 min" },
  { value: "300", label: "5 min" },
  { value: "900", label: "15 min" },
];
const LONGER = [
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
];

export default function Overview() {
  const live = useLive();
  const session = useSession();
  const spans = session.services.includes("cloudwatch") ? [...SPANS, ...LONGER] : SPANS;
  const [span, setSpan] = useState("300");
  const now = live.samples.at(-1)?.at ?? Date.now() / 1000;
  const samples = useMemo(() => live.samples.filter((sample) => sample.at > now - Number(span)), [live.samples, span, now]);
  const total = useMemo(() => sum(samples.flatMap((sample) => sample.rows)), [samples]);
  const seconds = samples.reduce((all, sample) => all + sample.seconds, 0) || 1;
  const charts = useMemo(() => drawn(samples, live.buckets), [samples, live.buckets]);
  const gauges = live.samples.at(-1)?.gauges ?? {};
  const p = (of: number) => percentile(total.latency, live.buckets, of);
  const times = charts.times;

  return (
    <Page
      title="Overview"
      about="What the front door serves, as it happens"
      actions={
        <>
          <Badge color={live.connected ? "teal" : "gray"} variant="dot">{live.connected ? "Live" : "Connecting"}</Badge>
          <SegmentedControl size="xs" data={spans} value={span} onChange={setSpan} aria-label="Span" />
        </>
      }
    >
      {LONGER.some((each) => each.value === span) ? <History key={span} span={Number(span)} /> : (
        <>
          <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing={14}>
            <Figure label="Requests a second" value={count(total.count / seconds)} more={`${count(total.count)} in all`} />
            <Figure label="Median latency" value={milliseconds(p(0.5))} more={`p95 ${milliseconds(p(0.95))}`} />
            <Figure label="p99 latency" value={milliseconds(p(0.99))}
              more={total.integration ? `backends ${milliseconds(total.integrationTotal / total.integration)} on average` : "no backend was called"} />
            <Figure label="Client errors (4XX)" value={percent(total.count ? total.clientErrors / total.count : 0)} more={count(total.clientErrors)} />
            <Figure label="Server errors (5XX)" value={percent(total.count ? total.serverErrors / total.count : 0)} more={count(total.serverErrors)}
              bad={total.serverErrors > 0} />
            <Figure label="Stages live" value={count(gauges.stages_live ?? 0)} more={`${count(gauges.connections_open ?? 0)} connections open`} />
          </SimpleGrid>

          <SimpleGrid cols={{ base: 1, lg: 3 }} spacing={14}>
            <Card title="Traffic" actions={<Legend lines={charts.traffic} />}>
              <Chart label="Requests a second" times={times} lines={charts.traffic} format={(v) => (v === null ? "–" : `${count(v)}/s`)} />
            </Card>
            <Card title="Latency" actions={<Legend lines={charts.latency} />}>
              <Chart label="Latency" times={times} lines={charts.latency} format={milliseconds} />
            </Card>
            <Card title="Errors" actions={<Legend lines={charts.errors} />}>
              <Chart label="Errors in percent of requests" times={times} lines={charts.errors} format={(v) => (v === null ? "–" : percent(v))} />
            </Card>
          </SimpleGrid>
        </>
      )}

      <div className="two">
        <Stages samples={samples} buckets={live.buckets} seconds={seconds} />
        <Changes />
      </div>
    </Page>
  );
}

function drawn(samples: Sample[], buckets: number[]) {
  const totals = samples.map((sample) => ({ seconds: sample.seconds, ...sum(sample.rows) }));
  const of = (value: (total: (typeof totals)[number]) => number | null) => totals.map(value);
  const rate = (n: number, total: (typeof totals)[number]) => n / total.seconds;
  const share = (n: number, total: (typeof totals)[number]) => (total.count ? n / total.count : 0);
  const traffic: Line[] = [
    { label: "requests", color: ["#0b7285", "#45a9b8"], fill: true, values: of((t) => rate(t.count, t)) },
  ];
  const latency: Line[] = [
    { label: "p50", color: ["#0b7285", "#45a9b8"], values: of((t) => percentile(t.latency, buckets, 0.5)) },
    { label: "p95", color: ["#b35c00", "#f0a94f"], values: of((t) => percentile(t.latency, buckets, 0.95)) },
    { label: "p99", color: ["#9c36b5", "#d08be0"], values: of((t) => percentile(t.latency, buckets, 0.99)) },
  ];
  const errors: Line[] = [
    { label: "4XX", color: ["#b35c00", "#f0a94f"], fill: true, values: of((t) => share(t.clientErrors, t)) },
    { label: "5XX", color: ["#c92a2a", "#ff8787"], fill: true, values: of((t) => share(t.serverErrors, t)) },
  ];
  return { times: samples.map((sample) => sample.at), traffic, latency, errors };
}
