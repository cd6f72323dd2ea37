import { Button, Group, Modal, NumberInput, Select, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { count } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import type { Plan } from "./types";

export function limits(plan: Plan): string {
  const parts = [];
  if (plan.throttle) parts.push(`${plan.throttle.rateLimit ?? "∞"}/s, burst ${plan.throttle.burstLimit ?? "∞"}`);
  if (plan.quota) parts.push(`${count(plan.quota.limit)} a ${plan.quota.period.toLowerCase()}`);
  return parts.join(" · ") || "none";
}

export function Plans() {
  const plans = useCallAll<Plan>("apigateway", "GetUsagePlans", { limit: 500 }, "items");
  const [adding, setAdding] = useState(false);
  return (
    <Card title="Usage plans" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create plan</Button>}>
      <Answer of={plans}>
        {(rows) => (
          <Rows
            label="usage plans" rows={rows} id={(plan) => plan.id} link={(plan) => `/keys/plans/${plan.id}`}
            empty={<Empty title="No usage plan yet">A plan says how often its keys may call which stages.</Empty>}
            columns={[
              { head: "Name", cell: (plan) => plan.name, text: (plan) => plan.name },
              { head: "Limits", cell: limits },
              { head: "Stages", cell: (plan) => (plan.apiStages ?? []).map((each) => `${each.apiId}/${each.stage}`).join(", ") || "none yet" },
              { head: "Description", cell: (plan) => plan.description ?? "–" },
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
  const [rate, setRate] = useState<number | string>("");
  const [burst, setBurst] = useState<number | string>("");
  const [quota, setQuota] = useState<number | string>("");
  const [period, setPeriod] = useState("MONTH");
  const [, go] = useLocation();
  const act = useAct<Plan>();
  return (
    <Modal opened onClose={close} title="Create a usage plan" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "apigateway", operation: "CreateUsagePlan", then: (plan) => go(`/keys/plans/${plan.id}`),
          params: {
            name,
            throttle: rate !== "" || burst !== "" ? { rateLimit: Number(rate || burst), burstLimit: Number(burst || rate) } : undefined,
            quota: quota !== "" ? { limit: Number(quota), period } : undefined,
          },
        });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <SimpleGrid cols={2}>
          <NumberInput label="Requests a second" placeholder="no limit" min={0} value={rate} onChange={setRate} />
          <NumberInput label="Burst" placeholder="no limit" min={0} value={burst} onChange={setBurst} />
          <NumberInput label="Quota" placeholder="no limit" min={0} value={quota} onChange={setQuota} />
          <Select label="Period" data={["DAY", "WEEK", "MONTH"]} value={period} onChange={(value) => setPeriod(value ?? "MONTH")} allowDeselect={false} />
        </SimpleGrid>
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}
