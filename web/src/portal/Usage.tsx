import { Badge, Button, Group, Select } from "@mantine/core";
import { useState } from "react";
import { Answer } from "../parts/Answer";
import { Chart } from "../parts/Chart";
import { Empty } from "../parts/Empty";
import { count } from "../parts/figures";
import { Card, Page } from "../parts/Page";
import { Rows } from "../parts/Rows";
import { base, useAsked } from "./ask";
import type { Invoice, Usage as Used } from "./types";

const SHADES = ["#0b7285", "#b35c00", "#9c36b5", "#2b8a3e", "#c92a2a", "#1864ab"];

/** Months that there are days of: this one and the two before. */
function months(): string[] {
  const now = new Date();
  return [0, 1, 2].map((ago) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago, 1)).toISOString().slice(0, 7));
}

/** Calls a day, and what they cost. */
export default function Usage() {
  const [month, setMonth] = useState(months()[0]!);
  return (
    <Page
      title="Usage and invoices" about="Calls that your keys made, by day"
      actions={<Select aria-label="Month" data={months()} value={month} onChange={(value) => value && setMonth(value)} allowDeselect={false} w={130} />}
    >
      <Calls month={month} />
      <Bill month={month} />
    </Page>
  );
}

function Calls({ month }: { month: string }) {
  const usage = useAsked<Used>(`usage/${month}`, { refetchInterval: 5000 });
  const start = Date.parse(`${month}-01T00:00:00Z`) / 1000;
  const days = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).getUTCDate();
  const dates = Array.from({ length: days }, (_, i) => `${month}-${String(i + 1).padStart(2, "0")}`);
  return (
    <Card title="Calls a day">
      <Answer of={usage}>
        {({ subscriptions }) => subscriptions.length === 0 ? <Empty title="Nothing was used">Calls with your keys are counted here.</Empty> : (
          <>
            <Chart
              label="Calls a day" days times={dates.map((_, i) => start + i * 86400)} format={(value) => (value === null ? "–" : count(value))}
              lines={subscriptions.map((each, i) => ({ label: `${each.product} (${each.application})`, color: SHADES[i % SHADES.length]!, fill: true, values: dates.map((day) => each.days[day] ?? 0) }))}
            />
            <Rows
              label="usage" rows={subscriptions} id={(each) => each.subscription} search={false}
              columns={[
                { head: "Product", cell: (each) => each.product },
                { head: "Application", cell: (each) => each.application },
                { head: "Plan", cell: (each) => each.plan },
                { head: "Calls", right: true, cell: (each) => count(Object.values(each.days).reduce((all, n) => all + n, 0)) },
              ]}
            />
          </>
        )}
      </Answer>
    </Card>
  );
}

function Bill({ month }: { month: string }) {
  const invoice = useAsked<Invoice>(`invoices/${month}`, { refetchInterval: 5000 });
  return (
    <Card
      title="Invoice" flush
      actions={(
        <>
          <Badge color={invoice.data?.final ? "teal" : "gray"}>{invoice.data?.final ? "final" : "so far"}</Badge>
          <Button component="a" size="xs" variant="default" href={`${base}/api/invoices/${month}.html`} target="_blank" rel="noreferrer">Print</Button>
          <Button component="a" size="xs" variant="default" href={`${base}/api/invoices/${month}.csv`} download>CSV</Button>
        </>
      )}
    >
      <Answer of={invoice}>
        {(found) => (
          <>
            <Rows
              label="lines of the invoice" rows={found.lines} id={(line) => line.subscription} search={false}
              empty={<Empty title="Nothing to pay" />}
              columns={[
                { head: "Product", cell: (line) => line.product },
                { head: "Application", cell: (line) => line.application },
                { head: "Calls", right: true, cell: (line) => count(line.calls) },
                { head: "Fee", right: true, cell: (line) => line.fee },
                { head: "For calls", right: true, cell: (line) => line.charge },
                { head: "Amount", right: true, cell: (line) => line.amount },
              ]}
            />
            <Group justify="flex-end" p="sm" fw={600}>Total {found.total} {found.currency}</Group>
          </>
        )}
      </Answer>
    </Card>
  );
}
