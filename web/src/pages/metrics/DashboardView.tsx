import { Badge, Button, Group, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCall } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Code, pretty } from "../../parts/Code";
import { Confirm } from "../../parts/Confirm";
import { Card, Page } from "../../parts/Page";
import { counts, queriesOf, widgetsOf, type Widget } from "./dashboard";
import { SPANS } from "./Metrics";
import { Plot } from "./Plot";

type Kept = { DashboardName: string; DashboardBody: string };

/** One dashboard, drawn; and its JSON, edited. */
export function DashboardView({ name }: { name: string }) {
  const kept = useCall<Kept>("cloudwatch", "GetDashboard", { DashboardName: name });
  const [span, setSpan] = useState("3600");
  const [editing, setEditing] = useState(false);
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Page
      title={name} trail={[{ label: "Metrics and alarms", path: "/metrics" }, { label: "Dashboards", path: "/metrics/dashboards" }]}
      actions={
        <>
          <Select size="xs" w={110} aria-label="Span" data={SPANS} value={span} onChange={(value) => value && setSpan(value)} allowDeselect={false} />
          <Button size="xs" variant="default" aria-pressed={editing} onClick={() => setEditing(!editing)}>Edit</Button>
          <Confirm label="Delete" title={`Delete ${name}?`} act={() => act.mutate({
            service: "cloudwatch", operation: "DeleteDashboards", params: { DashboardNames: [name] }, done: `${name} was deleted`, then: () => go("/metrics/dashboards"),
          })}>
            What it shows is kept; how it is shown is not.
          </Confirm>
        </>
      }
    >
      <Answer of={kept}>
        {({ DashboardBody }) => (
          <>
            {editing && <Edit key={DashboardBody} name={name} body={DashboardBody} />}
            <Widgets body={DashboardBody} span={Number(span)} />
          </>
        )}
      </Answer>
    </Page>
  );
}

function Edit({ name, body }: { name: string; body: string }) {
  const [text, setText] = useState(pretty(body));
  const act = useAct();
  return (
    <Card title="Definition">
      <Code label="Definition" language="json" value={text} onChange={setText} height="320px" />
      {act.error && <Wrong error={act.error} />}
      <Group justify="flex-end" mt={10}>
        <Button loading={act.isPending} onClick={() => act.mutate({
          service: "cloudwatch", operation: "PutDashboard", params: { DashboardName: name, DashboardBody: text }, done: "The dashboard was saved",
        })}>
          Save
        </Button>
      </Group>
    </Card>
  );
}

function Widgets({ body, span }: { body: string; span: number }) {
  let widgets: Widget[];
  try {
    widgets = widgetsOf(body).toSorted((a, b) => (a.y ?? 0) - (b.y ?? 0) || (a.x ?? 0) - (b.x ?? 0));
  } catch (error) {
    return <Wrong error={error as Error} />;
  }
  return (
    <div className="widgets">
      {widgets.map((widget, i) => (
        <div key={i} style={{ gridColumn: `span ${Math.min(widget.width ?? 6, 24)}` }}>
          <Card title={widget.properties.title}><Inside widget={widget} span={span} /></Card>
        </div>
      ))}
    </div>
  );
}

function Inside({ widget, span }: { widget: Widget; span: number }) {
  const height = Math.max((widget.height ?? 6) * 30, 120);
  if (widget.type === "text") return <Text style={{ whiteSpace: "pre-wrap" }}>{widget.properties.markdown}</Text>;
  if (widget.type === "alarm") return <States arns={widget.properties.alarms ?? []} />;
  if (widget.type !== "metric" || !widget.properties.metrics) {
    return <Text size="sm" c="dimmed">Widgets of the type “{widget.type}” are kept, and not drawn here.</Text>;
  }
  const period = Math.max(widget.properties.period ?? 0, SPANS.find((each) => Number(each.value) === span)!.period);
  const label = widget.properties.title ?? "Metrics";
  return <Plot label={label} queries={queriesOf(widget, period)} span={span} period={period} zero={counts(widget)} height={height} every={30_000} />;
}

type Alarm = { AlarmName: string; AlarmArn: string; StateValue: string };
const COLORS: Record<string, string> = { OK: "teal", ALARM: "red", INSUFFICIENT_DATA: "gray" };

function States({ arns }: { arns: string[] }) {
  const names = arns.map((arn) => arn.split(":alarm:")[1] ?? arn);
  const alarms = useCall<{ MetricAlarms?: Alarm[]; CompositeAlarms?: Alarm[] }>("cloudwatch", "DescribeAlarms", {
    AlarmNames: names, AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
  }, { refetchInterval: 10_000 });
  return (
    <Answer of={alarms} lines={1}>
      {({ MetricAlarms = [], CompositeAlarms = [] }) => (
        <Stack gap={6}>
          {[...MetricAlarms, ...CompositeAlarms].map((each) => (
            <Group key={each.AlarmArn} gap={8}><Badge color={COLORS[each.StateValue] ?? "gray"}>{each.StateValue}</Badge>{each.AlarmName}</Group>
          ))}
        </Stack>
      )}
    </Answer>
  );
}
