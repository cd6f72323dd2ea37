import { SimpleGrid } from "@mantine/core";
import { useMemo, useState } from "react";
import { useCall } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Chart, Legend, type Line } from "../../parts/Chart";
import { count, milliseconds, percent } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Figure } from "./Figure";

type Result = { Id: string; Timestamps: string[]; Values: number[] };

/** Longer than what is live: as CloudWatch kept it, all APIs together. */
export function History({ span }: { span: number }) {
  const period = span <= 3600 ? 60 : 900;
  const [now] = useState(() => Date.now());
  const answer = useCall<{ MetricDataResults: Result[] }>("cloudwatch", "GetMetricData", {
    StartTime: new Date(now - span * 1000).toISOString(), EndTime: new Date(now + 86400_000).toISOString(), ScanBy: "TimestampAscending",
    MetricDataQueries: queries(period),
  }, { refetchInterval: 15_000 });
  return <Answer of={answer}>{({ MetricDataResults }) => <Drawn results={MetricDataResults} span={span} period={period} />}</Answer>;
}

function queries(period: number) {
  const search = (metric: string, statistic: string) => `SEARCH('{AWS/ApiGateway,ApiName} MetricName="${metric}"', '${statistic}', ${period})`;
  return [
    { Id: "count", Expression: `SUM(${search("Count", "Sum")})` },
    { Id: "client", Expression: `SUM(${search("4XXError", "Sum")})` },
    { Id: "server", Expression: `SUM(${search("5XXError", "Sum")})` },
    { Id: "spent", Expression: `SUM(${search("Latency", "Sum")})` },
    { Id: "worst", Expression: `MAX(${search("Latency", "p99")})` },
  ];
}

function Drawn({ results, span, period }: { results: Result[]; span: number; period: number }) {
  const { times, of } = useMemo(() => {
    const last = Math.floor(Date.now() / 1000 / period) * period;
    const times = Array.from({ length: span / period + 1 }, (_, i) => last - span + i * period);
    const by = new Map(results.map((each) => [each.Id, new Map(each.Timestamps.map((at, i) => [Math.floor(Date.parse(at) / 1000 / period) * period, each.Values[i]!]))]));
    return { times, of: (id: string) => times.map((at) => by.get(id)?.get(at) ?? null) };
  }, [results, span, period]);
  const counts = of("count"), client = of("client"), server = of("server"), spent = of("spent"), worst = of("worst");
  const sum = (values: (number | null)[]) => values.reduce<number>((all, value) => all + (value ?? 0), 0);
  const all = sum(counts);
  const traffic: Line[] = [{ label: "requests", color: ["#0b7285", "#45a9b8"], fill: true, values: counts.map((value) => (value ?? 0) / period) }];
  const latency: Line[] = [
    { label: "average", color: ["#0b7285", "#45a9b8"], values: spent.map((value, i) => (value === null || !counts[i] ? null : value / counts[i] / 1000)) },
    { label: "p99 of the slowest API", color: ["#9c36b5", "#d08be0"], values: worst.map((value) => (value === null ? null : value / 1000)) },
  ];
  const share = (part: (number | null)[]) => part.map((value, i) => (counts[i] ? (value ?? 0) / counts[i] : 0));
  const errors: Line[] = [
    { label: "4XX", color: ["#b35c00", "#f0a94f"], fill: true, values: share(client) },
    { label: "5XX", color: ["#c92a2a", "#ff8787"], fill: true, values: share(server) },
  ];
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing={14}>
        <Figure label="Requests" value={count(all)} more={`${count(all / span)} a second on average`} />
        <Figure label="Average latency" value={milliseconds(all ? sum(spent) / all / 1000 : null)} more={`p99 of the slowest ${milliseconds(Math.max(0, ...worst.map((value) => value ?? 0)) / 1000)}`} />
        <Figure label="Client errors (4XX)" value={percent(all ? sum(client) / all : 0)} more={count(sum(client))} />
        <Figure label="Server errors (5XX)" value={percent(all ? sum(server) / all : 0)} more={count(sum(server))} bad={sum(server) > 0} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, lg: 3 }} spacing={14}>
        <Card title="Traffic" actions={<Legend lines={traffic} />}>
          <Chart label="Requests a second" times={times} lines={traffic} format={(v) => (v === null ? "–" : `${count(v)}/s`)} />
        </Card>
        <Card title="Latency" actions={<Legend lines={latency} />}>
          <Chart label="Latency" times={times} lines={latency} format={milliseconds} />
        </Card>
        <Card title="Errors" actions={<Legend lines={errors} />}>
          <Chart label="Errors in percent of requests" times={times} lines={errors} format={(v) => (v === null ? "–" : percent(v))} />
        </Card>
      </SimpleGrid>
    </>
  );
}
