import { Group, Select, Text } from "@mantine/core";
import { useState } from "react";
import { useCall } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Chart, Legend, type Line } from "../../parts/Chart";
import { Empty } from "../../parts/Empty";
import { count } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { SHADES } from "../../parts/shades";
import { Budgets } from "./Budgets";

type Amounts = { UnblendedCost: { Amount: string }; UsageQuantity: { Amount: string } };
type Answered = { ResultsByTime: { TimePeriod: { Start: string }; Groups: { Keys: string[]; Metrics: Amounts }[] }[] };
type Total = { name: string; days: number[]; cost: number; used: number };

const GROUPS = [
  { value: "DIMENSION SERVICE", label: "Service" }, { value: "DIMENSION USAGE_TYPE", label: "Kind of use" }, { value: "TAG api", label: "API" },
  { value: "TAG function", label: "Function" }, { value: "TAG team", label: "Team" }, { value: "TAG key", label: "LLM key" },
  { value: "TAG model", label: "Model" }, { value: "TAG provider", label: "Provider" },
];
const SPANS = [{ value: "7", label: "7 days" }, { value: "30", label: "30 days" }, { value: "90", label: "90 days" }];
const DAY = 86_400_000;

export const dollars = (amount: number | null) => (amount === null ? "–" : `$${amount.toFixed(amount !== 0 && Math.abs(amount) < 1 ? 4 : 2)}`);
const day = (at: number) => new Date(at).toISOString().slice(0, 10);

/** Cost Explorer and budgets. */
export default function Costs() {
  return (
    <Page title="Costs" about="What everything served costs, by the prices of the settings and of the models">
      <Spent />
      <Budgets />
    </Page>
  );
}

function Spent() {
  const [group, setGroup] = useState(GROUPS[0]!.value);
  const [span, setSpan] = useState("30");
  const [Type, Key] = group.split(" ");
  const end = Math.floor(Date.now() / DAY) * DAY + DAY;
  const start = end - Number(span) * DAY;
  const spent = useCall<Answered>("ce", "GetCostAndUsage", {
    TimePeriod: { Start: day(start), End: day(end) }, Granularity: "DAILY", Metrics: ["UnblendedCost", "UsageQuantity"], GroupBy: [{ Type, Key }],
  });
  return (
    <Card title="By day" actions={
      <Group gap={6}>
        <Select size="xs" w={130} aria-label="Grouped by" data={GROUPS} value={group} onChange={(value) => value && setGroup(value)} allowDeselect={false} />
        <Select size="xs" w={110} aria-label="Span" data={SPANS} value={span} onChange={(value) => value && setSpan(value)} allowDeselect={false} />
      </Group>
    }>
      <Answer of={spent}>
        {({ ResultsByTime }) => {
          const totals = totalsOf(ResultsByTime);
          const times = ResultsByTime.map((each) => Date.parse(each.TimePeriod.Start) / 1000);
          const lines: Line[] = totals.slice(0, SHADES.length).map((each, i) => ({ label: each.name, color: SHADES[i]!, values: each.days }));
          if (totals.length === 0) return <Empty title="Nothing was spent">What requests, invocations and inferences cost is in the settings under [prices]; models’ prices are known.</Empty>;
          return (
            <div className="grid">
              <Legend lines={lines} />
              <Chart label="Dollars a day" days times={times} lines={lines} height={220} format={dollars} />
              <Rows
                label="costs" rows={totals} id={(each) => each.name}
                columns={[
                  { head: "What", cell: (each) => each.name, text: (each) => each.name },
                  { head: "Used", right: true, cell: (each) => count(each.used) },
                  { head: "Cost", right: true, cell: (each) => dollars(each.cost) },
                ]}
              />
              <Foretold end={end} />
            </div>
          );
        }}
      </Answer>
    </Card>
  );
}

/** What is left of the month, as it goes on now. */
function Foretold({ end }: { end: number }) {
  const today = new Date(end - DAY);
  const last = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1, 1);
  const foretold = useCall<{ Total?: { Amount: string } }>("ce", "GetCostForecast", {
    TimePeriod: { Start: day(end), End: day(Math.max(last, end + DAY)) }, Granularity: "DAILY", Metric: "UNBLENDED_COST",
  });
  if (!foretold.data?.Total) return null;
  return <Text size="sm" c="dimmed">As it goes on now, {dollars(Number(foretold.data.Total.Amount))} more until {day(Math.max(last, end + DAY) - DAY)}.</Text>;
}

/** Groups over all the days, the dearest first; a tag that nothing has is left out. */
function totalsOf(results: Answered["ResultsByTime"]): Total[] {
  const found = new Map<string, Total>();
  results.forEach(({ Groups }, i) => {
    for (const { Keys, Metrics } of Groups) {
      const name = Keys[0]!.replace(/^[^$]*\$/, "") || "none";
      const total = found.get(name) ?? { name, days: results.map(() => 0), cost: 0, used: 0 };
      total.days[i]! += Number(Metrics.UnblendedCost.Amount);
      total.cost += Number(Metrics.UnblendedCost.Amount);
      total.used += Number(Metrics.UsageQuantity.Amount);
      found.set(name, total);
    }
  });
  return [...found.values()].toSorted((a, b) => b.cost - a.cost);
}
