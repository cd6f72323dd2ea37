/** Live figures by server-sent events, shared by every screen that shows them. */
import { useSyncExternalStore } from "react";

export type Row = {
  api: string;
  stage: string;
  count: number;
  clientErrors: number;
  serverErrors: number;
  latency: number[];
  latencyTotal: number;
  integration: number;
  integrationTotal: number;
  bytes: number;
};
export type Sample = { at: number; seconds: number; rows: Row[]; gauges: Record<string, number> };
export type Live = { samples: Sample[]; buckets: number[]; connected: boolean };

type RawRow = [string, string, number, number, number, number[], number, number, number, number];
type RawSample = { at: number; seconds: number; rows: RawRow[]; gauges: Record<string, number> };

const KEPT = 450;
let live: Live = { samples: [], buckets: [], connected: false };
let source: EventSource | null = null;
const listeners = new Set<() => void>();

function publish(next: Partial<Live>) {
  live = { ...live, ...next };
  for (const listener of listeners) listener();
}

function read(raw: RawSample): Sample {
  const rows = raw.rows.map(
    ([api, stage, count, clientErrors, serverErrors, latency, latencyTotal, integration, integrationTotal, bytes]) => ({
      api, stage, count, clientErrors, serverErrors, latency, latencyTotal, integration, integrationTotal, bytes,
    }),
  );
  return { ...raw, rows };
}

function open() {
  if (source || document.hidden || listeners.size === 0) return;
  source = new EventSource("/console/live");
  source.addEventListener("history", (event) => {
    const { buckets, samples } = JSON.parse(event.data) as { buckets: number[]; samples: RawSample[] };
    publish({ buckets, samples: samples.map(read), connected: true });
  });
  source.addEventListener("sample", (event) => {
    publish({ samples: [...live.samples, read(JSON.parse(event.data))].slice(-KEPT), connected: true });
  });
  source.onerror = () => publish({ connected: false });
}

function close() {
  source?.close();
  source = null;
}

// A page that nobody sees holds no connection: browsers have few for each host.
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));

function subscribe(listener: () => void) {
  listeners.add(listener);
  open();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) close();
  };
}

export function useLive(): Live {
  return useSyncExternalStore(subscribe, () => live);
}

export function forgetLive() {
  close();
  live = { samples: [], buckets: [], connected: false };
}

/** Everything of a time summed up. */
export function sum(rows: Row[]): Omit<Row, "api" | "stage"> {
  const total = {
    count: 0, clientErrors: 0, serverErrors: 0, latency: [] as number[],
    latencyTotal: 0, integration: 0, integrationTotal: 0, bytes: 0,
  };
  for (const row of rows) {
    total.count += row.count;
    total.clientErrors += row.clientErrors;
    total.serverErrors += row.serverErrors;
    total.latencyTotal += row.latencyTotal;
    total.integration += row.integration;
    total.integrationTotal += row.integrationTotal;
    total.bytes += row.bytes;
    row.latency.forEach((n, i) => (total.latency[i] = (total.latency[i] ?? 0) + n));
  }
  return total;
}

/** A percentile in seconds out of a histogram, straight between a bucket's bounds. */
export function percentile(counts: number[], buckets: number[], p: number): number | null {
  const all = counts.reduce((a, b) => a + b, 0);
  if (all === 0) return null;
  let rest = all * p;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] ?? 0;
    if (rest <= count && count > 0) {
      const low = i === 0 ? 0 : (buckets[i - 1] ?? 0);
      const high = buckets[i] ?? low;
      return low + ((high - low) * rest) / count;
    }
    rest -= count;
  }
  return buckets.at(-1) ?? null;
}
