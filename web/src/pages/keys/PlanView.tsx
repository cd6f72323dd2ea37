import { ActionIcon, Button, Group, Select, SimpleGrid } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCall, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Chart } from "../../parts/Chart";
import { Confirm } from "../../parts/Confirm";
import { Empty } from "../../parts/Empty";
import { count } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { useServed } from "../overview/Stages";
import { limits } from "./Plans";
import type { ApiKey, Plan } from "./types";

type Usage = { items?: Record<string, [number, number][]> };

/** A plan: its stages, its keys, and what they used. */
export function PlanView({ id }: { id: string }) {
  const plan = useCall<Plan>("apigateway", "GetUsagePlan", { usagePlanId: id });
  const [, go] = useLocation();
  const act = useAct();
  if (plan.error) return <Wrong error={plan.error} />;
  return (
    <Page
      title={plan.data?.name ?? "…"} trail={[{ label: "Usage plans", path: "/keys/plans" }]} about={plan.data && limits(plan.data)}
      actions={
        <Confirm label="Delete plan" title="Delete this plan?" icon={<IconTrash size={14} />} act={() => act.mutate({
          service: "apigateway", operation: "DeleteUsagePlan", params: { usagePlanId: id }, done: "The plan was deleted", then: () => go("/keys/plans"),
        })}>
          Its keys may not call its stages any more. Stages must be taken out first.
        </Confirm>
      }
    >
      {plan.data && (
        <>
          <SimpleGrid cols={{ base: 1, lg: 2 }} spacing={14}>
            <Stages plan={plan.data} />
            <PlanKeys plan={plan.data} />
          </SimpleGrid>
          <UsageOf plan={plan.data} />
        </>
      )}
    </Page>
  );
}

function Stages({ plan }: { plan: Plan }) {
  const served = useServed();
  const [stage, setStage] = useState<string | null>(null);
  const act = useAct();
  const patch = (op: string, value: string) =>
    act.mutate({ service: "apigateway", operation: "UpdateUsagePlan", params: { usagePlanId: plan.id, patchOperations: [{ op, path: "/apiStages", value }] }, then: () => setStage(null) });
  const has = (plan.apiStages ?? []).map((each) => `${each.apiId}:${each.stage}`);
  const choices = (served.data ?? []).filter((each) => !each.file && each.kind === "REST").map((each) => ({ value: `${each.api}:${each.stage}`, label: `${each.name} / ${each.stage}` }));
  return (
    <Card title="Stages" flush>
      <Rows
        label="stages of the plan" rows={has} id={(each) => each} search={false}
        empty={<Empty title="No stage yet">Add the stages that the plan’s keys may call.</Empty>}
        columns={[
          { head: "Stage", cell: (each) => choices.find((choice) => choice.value === each)?.label ?? each },
          { head: "Act", quiet: true, right: true, cell: (each) => (
            <ActionIcon variant="subtle" color="gray" aria-label={`Take out ${each}`} onClick={() => patch("remove", each)}><IconTrash size={15} /></ActionIcon>
          ) },
        ]}
      />
      <Group p="sm" gap={8} align="flex-end">
        <Select flex={1} label="Add a stage" data={choices.filter((each) => !has.includes(each.value))} value={stage} onChange={setStage} />
        <Button variant="default" disabled={!stage} loading={act.isPending} onClick={() => patch("add", stage!)}>Add</Button>
      </Group>
    </Card>
  );
}

function usePlanKeys(plan: Plan) {
  return useCallAll<ApiKey>("apigateway", "GetUsagePlanKeys", { usagePlanId: plan.id, limit: 500 }, "items");
}

function PlanKeys({ plan }: { plan: Plan }) {
  const keys = useCallAll<ApiKey>("apigateway", "GetApiKeys", { limit: 500 }, "items");
  const members = usePlanKeys(plan);
  const [key, setKey] = useState<string | null>(null);
  const act = useAct();
  const has = new Set((members.data ?? []).map((each) => each.id));
  return (
    <Card title="Keys" flush>
      <Answer of={members}>
        {(rows) => (
          <Rows
            label="keys of the plan" rows={rows} id={(each) => each.id} search={false} empty={<Empty title="No key yet">Add the keys that this plan is for.</Empty>}
            columns={[
              { head: "Name", cell: (each) => each.name },
              { head: "ID", cell: (each) => <span className="mono">{each.id}</span> },
              { head: "Act", quiet: true, right: true, cell: (each) => (
                <ActionIcon variant="subtle" color="gray" aria-label={`Take out ${each.name}`} onClick={() => act.mutate({
                  service: "apigateway", operation: "DeleteUsagePlanKey", params: { usagePlanId: plan.id, keyId: each.id },
                })}><IconTrash size={15} /></ActionIcon>
              ) },
            ]}
          />
        )}
      </Answer>
      <Group p="sm" gap={8} align="flex-end">
        <Select flex={1} label="Add a key" value={key} onChange={setKey}
          data={(keys.data ?? []).filter((each) => !has.has(each.id)).map((each) => ({ value: each.id, label: each.name || each.id }))} />
        <Button variant="default" disabled={!key} loading={act.isPending} onClick={() => act.mutate({
          service: "apigateway", operation: "CreateUsagePlanKey", params: { usagePlanId: plan.id, keyId: key, keyType: "API_KEY" }, then: () => setKey(null),
        })}>
          Add
        </Button>
      </Group>
    </Card>
  );
}

const DAY = 86400_000;
const SHADES = ["#0b7285", "#b35c00", "#9c36b5", "#2b8a3e", "#c92a2a", "#1864ab"];

function UsageOf({ plan }: { plan: Plan }) {
  const members = usePlanKeys(plan);
  const dates = useMemo(() => {
    const day = (ago: number) => new Date(Date.now() - ago * DAY).toISOString().slice(0, 10);
    return { startDate: day(29), endDate: day(0) };
  }, []);
  const usage = useCall<Usage>("apigateway", "GetUsage", { usagePlanId: plan.id, ...dates, limit: 500 }, { refetchInterval: 5000 });
  const name = (id: string) => members.data?.find((each) => each.id === id)?.name ?? id;
  const start = Date.parse(dates.startDate) / 1000;
  const entries = Object.entries(usage.data?.items ?? {});
  const times = Array.from({ length: 30 }, (_, i) => start + i * 86400);
  const lines = entries.map(([id, days], i) => ({
    label: name(id), color: SHADES[i % SHADES.length]!, fill: true,
    values: times.map((_, at) => days[at - (30 - days.length)]?.[0] ?? 0),
  }));
  return (
    <Card title="Usage, last 30 days">
      <Answer of={usage}>
        {() => entries.length === 0 ? <Empty title="Nothing was used yet">Requests with the plan’s keys are counted here, day by day.</Empty> : (
          <>
            <Chart label="Requests a day" times={times} lines={lines} format={(value) => (value === null ? "–" : count(value))} days />
            <Rows
              label="usage by key" rows={entries} id={([id]) => id} search={false}
              columns={[
                { head: "Key", cell: ([id]) => name(id) },
                { head: "Used", right: true, cell: ([, days]) => count(days.reduce((all, [used]) => all + used, 0)) },
                { head: "Today", right: true, cell: ([, days]) => count(days.at(-1)?.[0] ?? 0) },
                { head: "Left", right: true, cell: ([, days]) => count(days.at(-1)?.[1] ?? 0) },
              ]}
            />
          </>
        )}
      </Answer>
    </Card>
  );
}
