/** Dashboards as CloudWatch keeps them: JSON of widgets on a grid of 24 columns. */
import type { Query } from "./Plot";

export type Widget = {
  type: string; x?: number; y?: number; width?: number; height?: number;
  properties: {
    title?: string; markdown?: string; metrics?: unknown[][]; period?: number; stat?: string; alarms?: string[]; query?: string;
    annotations?: { alarms?: string[] };
  };
};

export const SAMPLE: Widget[] = [
  { type: "text", x: 0, y: 0, width: 24, height: 2, properties: { markdown: "What our APIs do" } },
];

/** Raises an `Error` in words for what is no dashboard. */
export function widgetsOf(body: string): Widget[] {
  const found: unknown = JSON.parse(body);
  const widgets = (found as { widgets?: unknown }).widgets;
  if (!Array.isArray(widgets)) throw new Error("A dashboard has a list of widgets");
  return widgets as Widget[];
}

type Options = { stat?: string; period?: number; label?: string; expression?: string; id?: string; visible?: boolean };

/** The lines of a metric widget. In a row, `.` stands for what is above, `...` for as much of it as is left out. */
export function queriesOf({ properties }: Widget, period: number): Query[] {
  let above: string[] = [];
  return (properties.metrics ?? []).map((row, i) => {
    const last = row.at(-1);
    const options = (typeof last === "object" && last !== null ? last : {}) as Options;
    const cells = (typeof last === "object" ? row.slice(0, -1) : row).map(String);
    const Id = options.id ?? `w${i}`;
    const ReturnData = options.visible !== false;
    if (options.expression) return { Id, Label: options.label, Expression: options.expression, Period: period, ReturnData };
    const rest = cells[0] === "..." ? [...above.slice(0, above.length - (cells.length - 1)), ...cells.slice(1)] : cells;
    const whole = rest.map((cell, at) => (cell === "." ? (above[at] ?? cell) : cell));
    above = whole;
    const Dimensions = [];
    for (let at = 2; at + 1 < whole.length; at += 2) Dimensions.push({ Name: whole[at]!, Value: whole[at + 1]! });
    const stat = options.stat ?? properties.stat ?? "Average";
    return {
      Id, Label: options.label ?? [whole[1], ...Dimensions.map((each) => each.Value)].join(" "), ReturnData,
      MetricStat: { Metric: { Namespace: whole[0], MetricName: whole[1], Dimensions }, Period: options.period ?? period, Stat: stat },
    };
  });
}

/** Whether what was not measured counts as nothing. */
export function counts({ properties }: Widget): boolean {
  return properties.stat === "Sum" || properties.stat === "SampleCount";
}
