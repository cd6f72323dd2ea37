import { ActionIcon, Badge, Button, Group, Modal, NumberInput, Select, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { nameOf, STATISTICS, useMetrics, type Metric } from "./Metrics";

type Alarm = {
  AlarmName: string; StateValue: string; StateReason?: string; StateUpdatedTimestamp?: string; MetricName?: string; Namespace?: string;
  Threshold?: number; ComparisonOperator?: string; Statistic?: string; ExtendedStatistic?: string; Period?: number; EvaluationPeriods?: number; AlarmActions?: string[];
};

const STATES: Record<string, string> = { OK: "teal", ALARM: "red", INSUFFICIENT_DATA: "gray" };
const SIGNS: Record<string, string> = {
  GreaterThanThreshold: ">", GreaterThanOrEqualToThreshold: "≥", LessThanThreshold: "<", LessThanOrEqualToThreshold: "≤",
};

export function Alarms() {
  const alarms = useCallAll<Alarm>("cloudwatch", "DescribeAlarms", { MaxRecords: 100 }, "MetricAlarms", ["NextToken", "NextToken"], { refetchInterval: 5000 });
  const [adding, setAdding] = useState(false);
  const act = useAct();
  return (
    <Card title="Alarms" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create alarm</Button>}>
      <Answer of={alarms}>
        {(rows) => (
          <Rows
            label="alarms" rows={rows} id={(alarm) => alarm.AlarmName} empty={<Empty title="No alarm yet">An alarm watches a metric, and calls a webhook, a topic or a function when it goes wrong.</Empty>}
            columns={[
              { head: "State", cell: (alarm) => <Badge color={STATES[alarm.StateValue] ?? "gray"}>{alarm.StateValue}</Badge>, text: (alarm) => alarm.StateValue },
              { head: "Name", cell: (alarm) => alarm.AlarmName, text: (alarm) => alarm.AlarmName },
              { head: "When", cell: (alarm) => alarm.MetricName ? `${alarm.Statistic ?? alarm.ExtendedStatistic} of ${alarm.MetricName} ${SIGNS[alarm.ComparisonOperator ?? ""] ?? alarm.ComparisonOperator} ${alarm.Threshold} for ${alarm.EvaluationPeriods} × ${alarm.Period} s` : "an expression" },
              { head: "Why", cell: (alarm) => alarm.StateReason ?? "–" },
              { head: "Since", cell: (alarm) => <When at={alarm.StateUpdatedTimestamp} /> },
              { head: "Act", quiet: true, right: true, cell: (alarm) => (
                <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${alarm.AlarmName}`} onClick={() => act.mutate({ service: "cloudwatch", operation: "DeleteAlarms", params: { AlarmNames: [alarm.AlarmName] }, done: `${alarm.AlarmName} was deleted` })}><IconTrash size={15} /></ActionIcon>
              ) },
            ]}
          />
        )}
      </Answer>
      {adding && <Add close={() => setAdding(false)} />}
    </Card>
  );
}

function Add({ close }: { close: () => void }) {
  const metrics = useMetrics();
  const [name, setName] = useState("");
  const [metric, setMetric] = useState<string | null>(null);
  const [statistic, setStatistic] = useState("Sum");
  const [operator, setOperator] = useState("GreaterThanThreshold");
  const [threshold, setThreshold] = useState<number | string>(0);
  const [period, setPeriod] = useState("60");
  const [periods, setPeriods] = useState<number | string>(1);
  const [action, setAction] = useState("");
  const act = useAct();
  const choices = new Map((metrics.data ?? []).map((each) => [nameOf(each), each] as [string, Metric]));
  return (
    <Modal opened onClose={close} title="Create an alarm" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        const chosen = choices.get(metric ?? "");
        act.mutate({
          service: "cloudwatch", operation: "PutMetricAlarm", done: `${name} was created`, then: close,
          params: {
            AlarmName: name, Namespace: chosen?.Namespace, MetricName: chosen?.MetricName, Dimensions: chosen?.Dimensions, Period: Number(period),
            ...(statistic.startsWith("p") ? { ExtendedStatistic: statistic } : { Statistic: statistic }),
            ComparisonOperator: operator, Threshold: Number(threshold), EvaluationPeriods: Number(periods), TreatMissingData: "notBreaching",
            ...(action ? { AlarmActions: [action] } : {}),
          },
        });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select label="Metric" required searchable limit={200} data={[...choices.keys()].toSorted()} value={metric} onChange={setMetric} />
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <Select label="Statistic" data={STATISTICS} value={statistic} onChange={(value) => setStatistic(value ?? "Sum")} allowDeselect={false} />
          <Select label="Is" data={Object.entries(SIGNS).map(([value, label]) => ({ value, label }))} value={operator} onChange={(value) => setOperator(value ?? "GreaterThanThreshold")} allowDeselect={false} />
          <NumberInput label="Threshold" required value={threshold} onChange={setThreshold} />
          <Select label="Looked at every" data={[{ value: "10", label: "10 s" }, { value: "60", label: "1 min" }, { value: "300", label: "5 min" }]} value={period} onChange={(value) => setPeriod(value ?? "60")} allowDeselect={false} />
          <NumberInput label="Times in a row" min={1} value={periods} onChange={setPeriods} />
        </SimpleGrid>
        <TextInput label="Then tell" description="A topic’s or function’s ARN, or whatever the gateway’s alarms take; empty: nobody" value={action} onChange={(event) => setAction(event.currentTarget.value)} classNames={{ input: "mono" }} />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}
