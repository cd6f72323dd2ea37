import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { bytes, When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { SAMPLE } from "./dashboard";

type Dashboard = { DashboardName: string; LastModified?: string; Size?: number };

export function Dashboards() {
  const dashboards = useCallAll<Dashboard>("cloudwatch", "ListDashboards", {}, "DashboardEntries", ["NextToken", "NextToken"]);
  const [adding, setAdding] = useState(false);
  return (
    <Card title="Dashboards" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create dashboard</Button>}>
      <Answer of={dashboards}>
        {(rows) => (
          <Rows
            label="dashboards" rows={rows} id={(each) => each.DashboardName} link={(each) => `/metrics/dashboards/${encodeURIComponent(each.DashboardName)}`}
            empty={<Empty title="No dashboard yet">A dashboard shows metrics, alarms and texts side by side; programs put theirs with PutDashboard.</Empty>}
            columns={[
              { head: "Name", cell: (each) => each.DashboardName, text: (each) => each.DashboardName },
              { head: "Size", right: true, cell: (each) => bytes(each.Size ?? 0) },
              { head: "Changed", cell: (each) => <When at={each.LastModified} /> },
            ]}
          />
        )}
      </Answer>
      {adding && <Add close={() => setAdding(false)} />}
    </Card>
  );
}

function Add({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Modal opened onClose={close} title="Create a dashboard" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "cloudwatch", operation: "PutDashboard", params: { DashboardName: name, DashboardBody: JSON.stringify({ widgets: SAMPLE }) },
          then: () => go(`/metrics/dashboards/${encodeURIComponent(name)}`),
        });
      }}>
        <TextInput label="Name" description="Letters, digits, - and _" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}
