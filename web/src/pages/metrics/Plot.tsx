import { useState } from "react";
import { useCall } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Chart, Legend, type Line } from "../../parts/Chart";
import { count } from "../../parts/figures";
import { SHADES } from "../../parts/shades";

export type Query = { Id: string; Label?: string; Expression?: string; ReturnData?: boolean; Period?: number; MetricStat?: object };
type Result = { Id: string; Label: string; Timestamps: string[]; Values: number[] };

/** What GetMetricData answers, drawn and kept fresh. */
export function Plot({ label, queries, names, span, period, zero, height, every = 10_000 }: {
  label: string;
  queries: Query[];
  /** What the lines are called; their own labels without. */
  names?: string[];
  /** Seconds that are shown, and of a point. */
  span: number;
  period: number;
  /** A time without a value is a zero. */
  zero: boolean;
  height: number;
  every?: number;
}) {
  const [now] = useState(() => Math.floor(Date.now() / 60_000) * 60 + 60);
  const answer = useCall<{ MetricDataResults: Result[] }>("cloudwatch", "GetMetricData", {
    StartTime: new Date((now - span) * 1000).toISOString(), EndTime: new Date(now * 1000 + 3600_000).toISOString(), ScanBy: "TimestampAscending", MetricDataQueries: queries,
  }, { refetchInterval: every });
  return (
    <Answer of={answer}>
      {({ MetricDataResults }) => {
        const until = Math.max(now, Math.floor(Date.now() / 1000));
        const start = Math.floor((now - span) / period) * period;
        const times = Array.from({ length: Math.ceil((until - start) / period) }, (_, i) => start + i * period);
        const lines: Line[] = MetricDataResults.map((result, i) => {
          const values = new Map(result.Timestamps.map((at, place) => [Date.parse(at) / 1000, result.Values[place]!]));
          return { label: names?.[i] ?? result.Label, color: SHADES[i % SHADES.length]!, values: times.map((at) => values.get(at) ?? (zero ? 0 : null)) };
        });
        return (
          <>
            <Legend lines={lines} />
            <Chart label={label} times={times} lines={lines} height={height} format={(value) => (value === null ? "–" : count(value))} />
          </>
        );
      }}
    </Answer>
  );
}
