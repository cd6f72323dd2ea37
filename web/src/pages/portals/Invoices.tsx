import { Badge, Select } from "@mantine/core";
import { useState } from "react";
import { useCall } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { count } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import type { Invoice } from "./types";

function months(): string[] {
  const now = new Date();
  return Array.from({ length: 12 }, (_, ago) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago, 1)).toISOString().slice(0, 7));
}

/** What developers owe. */
export function Invoices() {
  const [month, setMonth] = useState(months()[0]!);
  const found = useCall<{ invoices: Invoice[] }>("torana", "ListInvoices", { month });
  return (
    <Card title="Invoices" flush actions={<Select size="xs" aria-label="Month" data={months()} value={month} onChange={(value) => value && setMonth(value)} allowDeselect={false} w={120} />}>
      <Answer of={found}>
        {({ invoices }) => (
          <Rows
            label="invoices" rows={invoices} id={(each) => each.number} empty={<Empty title="Nobody owes anything">Invoices are made from the offers’ prices and the calls of keys.</Empty>}
            columns={[
              { head: "Number", cell: (each) => <span className="mono">{each.number}</span>, text: (each) => each.number },
              { head: "Developer", cell: (each) => each.email, text: (each) => each.email },
              { head: "Calls", right: true, cell: (each) => count(each.lines.reduce((all, line) => all + line.calls, 0)) },
              { head: "Total", right: true, cell: (each) => `${each.total} ${each.currency}`, text: (each) => Number(each.total) },
              { head: "State", cell: (each) => <Badge color={each.final ? "teal" : "gray"}>{each.final ? "final" : "so far"}</Badge> },
            ]}
          />
        )}
      </Answer>
    </Card>
  );
}
