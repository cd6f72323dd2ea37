import { Badge, Button, Group, Select, Tabs, TextInput } from "@mantine/core";
import { useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { milliseconds, When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { ServiceMap } from "./ServiceMap";
import { TraceView } from "./TraceView";

type Summary = {
  Id: string; Duration?: number; ResponseTime?: number; HasFault?: boolean; HasError?: boolean; HasThrottle?: boolean; StartTime?: string;
  Http?: { HttpURL?: string; HttpStatus?: number; HttpMethod?: string; ClientIp?: string }; EntryPoint?: { Name?: string };
};

const SPANS = [{ value: "900", label: "15 minutes" }, { value: "3600", label: "1 hour" }, { value: "21600", label: "6 hours" }, { value: "86400", label: "1 day" }];

/** X-Ray: requests as they went through the gateway, functions and services. */
export default function Traces() {
  return (
    <Switch>
      <Route path="/traces"><Parts tab="requests" /></Route>
      <Route path="/traces/map"><Parts tab="map" /></Route>
      <Route path="/traces/:id">{({ id }) => <TraceView id={id} />}</Route>
    </Switch>
  );
}

function Parts({ tab }: { tab: string }) {
  const [, go] = useLocation();
  return (
    <Page title="Traces" about="Requests of stages with tracing on, step by step">
      <Tabs value={tab} onChange={(value) => go(value === "map" ? "/traces/map" : "/traces")} keepMounted={false}>
        <Tabs.List mb={14}>
          <Tabs.Tab value="requests">Requests</Tabs.Tab>
          <Tabs.Tab value="map">Map</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="requests"><List /></Tabs.Panel>
        <Tabs.Panel value="map"><ServiceMap /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}

/** A trace's id begins with the second it began in. */
function begun(summary: Summary): string | number {
  return summary.StartTime ?? parseInt(summary.Id.split("-")[1] ?? "0", 16);
}

function List() {
  const [expression, setExpression] = useState("");
  const [asked, setAsked] = useState({ expression: "", span: "3600", at: Date.now() });
  const [span, setSpan] = useState("3600");
  const traces = useCallAll<Summary>("xray", "GetTraceSummaries", {
    StartTime: new Date(asked.at - Number(asked.span) * 1000).toISOString(), EndTime: new Date(asked.at).toISOString(), FilterExpression: asked.expression || undefined,
  }, "TraceSummaries", ["NextToken", "NextToken"]);
  return (
    <Card flush>
      <Group p="sm" gap={8} align="flex-end" component="form" onSubmit={(event: React.FormEvent) => { event.preventDefault(); setAsked({ expression, span, at: Date.now() }); }}>
        <TextInput flex={1} miw={220} label="Filter" placeholder='responsetime > 0.5, fault, service("sentiment/prod")' value={expression} onChange={(event) => setExpression(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <Select w={130} label="Of the last" data={SPANS} value={span} onChange={(value) => setSpan(value ?? "3600")} allowDeselect={false} />
        <Button type="submit" variant="default">Search</Button>
      </Group>
      <Answer of={traces}>
        {(rows) => (
          <Rows
            label="traces" rows={rows} id={(trace) => trace.Id} link={(trace) => `/traces/${trace.Id}`} search={false}
            empty={<Empty title="No trace fits">Turn tracing on for a stage and call it; or search wider.</Empty>}
            columns={[
              { head: "Trace", cell: (trace) => <span className="mono">{trace.Id}</span> },
              { head: "Request", cell: (trace) => <span className="mono">{trace.Http?.HttpMethod} {pathOf(trace.Http?.HttpURL)}</span> },
              { head: "State", cell: (trace) => <State {...trace} /> },
              { head: "Took", right: true, cell: (trace) => milliseconds(trace.ResponseTime ?? trace.Duration ?? null) },
              { head: "When", cell: (trace) => <When at={begun(trace)} /> },
            ]}
          />
        )}
      </Answer>
    </Card>
  );
}

function pathOf(url: string | undefined): string {
  if (!url) return "";
  try {
    return new URL(url).pathname;
  } catch {
    return url;
  }
}

function State({ HasFault, HasError, HasThrottle, Http }: Summary) {
  const label = String(Http?.HttpStatus ?? (HasFault ? "fault" : HasError ? "error" : "ok"));
  return <Badge color={HasFault ? "red" : HasThrottle ? "grape" : HasError ? "yellow" : "teal"}>{label}</Badge>;
}
