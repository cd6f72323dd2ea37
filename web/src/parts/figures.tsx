/** Numbers and times as people read them. */
import { Tooltip } from "@mantine/core";

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function count(n: number): string {
  return Math.abs(n) < 1000 ? String(Math.round(n * 10) / 10) : compact.format(n);
}

export function milliseconds(seconds: number | null): string {
  if (seconds === null) return "–";
  const ms = seconds * 1000;
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(part !== 0 && Math.abs(part) < 0.1 ? 2 : 1)}%`;
}

export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (n >= 1000 && at < units.length - 1) {
    n /= 1000;
    at++;
  }
  return `${n.toFixed(at === 0 || n >= 100 ? 0 : 1)} ${units[at]}`;
}

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, "second"], [3600, "minute"], [86400, "hour"], [30 * 86400, "day"], [365 * 86400, "month"], [Infinity, "year"],
];
const SIZES: Record<string, number> = { second: 1, minute: 60, hour: 3600, day: 86400, month: 30 * 86400, year: 365 * 86400 };
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function ago(date: Date): string {
  const seconds = (date.getTime() - Date.now()) / 1000;
  const unit = STEPS.find(([limit]) => Math.abs(seconds) < limit)![1];
  return relative.format(Math.round(seconds / SIZES[unit]!), unit);
}

/** A moment, from the wire: how long ago, and exactly when on asking. */
export function When({ at }: { at?: string | number | null }) {
  if (!at) return <>–</>;
  const date = new Date(typeof at === "number" ? at * 1000 : at);
  return (
    <Tooltip label={date.toLocaleString()}>
      <time dateTime={date.toISOString()} style={{ whiteSpace: "nowrap" }}>{ago(date)}</time>
    </Tooltip>
  );
}
