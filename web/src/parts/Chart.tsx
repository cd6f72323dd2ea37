import "uplot/dist/uPlot.min.css";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { useDark } from "./dark";

export type Line = {
  label: string;
  values: (number | null)[];
  /** A CSS colour, or one for light and one for dark. */
  color: string | [string, string];
  fill?: boolean;
};

/** Lines over time. The figures under the pointer are told; all of them are in a table for who reads with the ear. */
export function Chart({ label, times, lines, format, height = 170, min = 0, days = false }: {
  label: string;
  times: number[];
  lines: Line[];
  format: (value: number | null) => string;
  height?: number;
  min?: number;
  /** A point for each day. */
  days?: boolean;
}) {
  const { ref: sizeRef, width } = useElementSize();
  const target = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<{ index: number; left: number } | null>(null);
  const dark = useDark();
  const sparse = lines.every((line) => line.values.filter((value) => value !== null).length < 20);
  const shape = lines.map((line) => line.label).join("|");
  const colors = lines.map((line) => (Array.isArray(line.color) ? line.color[dark ? 1 : 0] : line.color));
  const show = useRef(format);
  show.current = format;

  useEffect(() => {
    if (!target.current || width === 0) return;
    const axis = {
      stroke: dark ? "#98a5b3" : "#556070",
      grid: { stroke: dark ? "#222b35" : "#edf0f3", width: 1 },
      ticks: { show: false },
      font: "11px Inter, sans-serif",
    };
    const made = new uPlot(
      {
        width,
        height,
        padding: [8, 6, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        scales: {
          x: { time: true },
          y: { range: (_, low, high) => [Math.min(min, low ?? 0), (high ?? 0) > min ? (high as number) * 1.12 : min + 1] },
        },
        axes: [
          { ...axis, size: 26, space: 80, values: (_, ticks) => ticks.map(days ? date : clock) },
          { ...axis, size: 56, space: 34, values: (_, values) => values.map((value) => show.current(value)) },
        ],
        series: [
          {},
          ...lines.map((line, i) => ({
            label: line.label,
            stroke: colors[i],
            width: 1.6,
            fill: line.fill ? `${colors[i]}22` : undefined,
            // A line of few points may have none to draw: they are shown themselves then.
            points: { show: sparse, size: 4 },
            spanGaps: true,
          })),
        ],
        hooks: {
          setCursor: [
            (self) => {
              const index = self.cursor.idx;
              setAt(index === null || index === undefined || (self.cursor.left ?? -1) < 0 ? null : { index, left: self.cursor.left! });
            },
          ],
        },
      },
      [times, ...lines.map((line) => line.values)],
      target.current,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
    // The data of a plot that stands is replaced below.
  }, [width > 0, shape, dark, height, min, sparse]);

  useEffect(() => {
    plot.current?.setData([times, ...lines.map((line) => line.values)]);
  }, [times, lines]);
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);

  const last = (line: Line) => line.values.findLast((value) => value !== null) ?? null;
  return (
    <div className="chart" ref={sizeRef}>
      <div role="img" aria-label={`${label}: ${lines.map((line) => `${line.label} ${format(last(line))}`).join(", ")}`}>
        <div ref={target} style={{ height }} aria-hidden />
      </div>
      {at && times[at.index] !== undefined && (
        <div className="tip" style={{ top: 8, left: Math.min(at.left + 72, Math.max(0, width - 170)) }}>
          <div>{(days ? date : clock)(times[at.index]!)}</div>
          {lines.map((line, i) => (
            <div key={line.label}>
              <span className="swatch" style={{ background: colors[i] }} />
              {line.label} <b className="tabular">{format(line.values[at.index] ?? null)}</b>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

function date(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString("en", { month: "short", day: "numeric", timeZone: "UTC" });
}

function clock(seconds: number): string {
  const whole = new Date(seconds * 1000);
  return whole.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: whole.getSeconds() ? "2-digit" : undefined });
}

/** What the lines' colours mean. */
export function Legend({ lines }: { lines: Pick<Line, "label" | "color">[] }) {
  const dark = useDark();
  return (
    <div style={{ display: "flex", gap: 12, flexWrap: "wrap", fontSize: "0.75rem", color: "var(--mantine-color-dimmed)" }}>
      {lines.map((line) => (
        <span key={line.label}>
          <span className="swatch" style={{ background: Array.isArray(line.color) ? line.color[dark ? 1 : 0] : line.color }} />
          {line.label}
        </span>
      ))}
    </div>
  );
}
