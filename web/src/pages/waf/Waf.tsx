import { Badge, Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { useAct, useCall } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { Confirm } from "../../parts/Confirm";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { useSession } from "../../gateway/session";
import { useServed } from "../overview/Stages";

type Summary = { Name: string; Id: string; ARN: string; Description?: string; LockToken: string };
type Visibility = { SampledRequestsEnabled: boolean; CloudWatchMetricsEnabled: boolean; MetricName: string };
type Rule = { Name: string; Priority: number; Action?: Record<string, unknown>; OverrideAction?: Record<string, unknown>; Statement: unknown; VisibilityConfig: Visibility };
type WebAcl = { Name: string; Id: string; ARN: string; DefaultAction: Record<string, unknown>; Description?: string; Rules: Rule[]; VisibilityConfig: Visibility; Capacity?: number };

const SCOPE = "REGIONAL";

export default function Waf() {
  return (
    <Switch>
      <Route path="/waf" component={List} />
      <Route path="/waf/:name/:id">{({ name, id }) => <Acl name={decodeURIComponent(name)} id={id} />}</Route>
    </Switch>
  );
}

function List() {
  const acls = useCall<{ WebACLs: Summary[] }>("wafv2", "ListWebACLs", { Scope: SCOPE, Limit: 100 });
  const [adding, setAdding] = useState(false);
  return (
    <Page title="Web ACLs" about="Rules that requests must pass before anything else"
      actions={<Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>Create web ACL</Button>}>
      <Card flush>
        <Answer of={acls}>
          {({ WebACLs }) => (
            <Rows
              label="web ACLs" rows={WebACLs} id={(acl) => acl.Id} link={(acl) => `/waf/${encodeURIComponent(acl.Name)}/${acl.Id}`}
              empty={<Empty title="No web ACL yet" action={<Button onClick={() => setAdding(true)}>Create web ACL</Button>}>Managed rules against injections and bad inputs, limits by address, blocks by country.</Empty>}
              columns={[
                { head: "Name", cell: (acl) => acl.Name, text: (acl) => acl.Name },
                { head: "ID", cell: (acl) => <span className="mono">{acl.Id}</span> },
                { head: "Description", cell: (acl) => acl.Description || "–" },
              ]}
            />
          )}
        </Answer>
      </Card>
      {adding && <Add close={() => setAdding(false)} />}
    </Page>
  );
}

function Add({ close }: { close: () => void }) {
  const groups = useCall<{ ManagedRuleGroups: { VendorName: string; Name: string; Description?: string }[] }>("wafv2", "ListAvailableManagedRuleGroups", { Scope: SCOPE });
  const [name, setName] = useState("");
  const [group, setGroup] = useState<string | null>(null);
  const [, go] = useLocation();
  const act = useAct<{ Summary: Summary }>();
  const seen = (metric: string) => ({ SampledRequestsEnabled: true, CloudWatchMetricsEnabled: true, MetricName: metric });
  const vendor = groups.data?.ManagedRuleGroups.find((each) => each.Name === group)?.VendorName ?? "AWS";
  return (
    <Modal opened onClose={close} title="Create a web ACL" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "wafv2", operation: "CreateWebACL", then: (made) => go(`/waf/${encodeURIComponent(name)}/${made.Summary.Id}`),
          params: {
            Name: name, Scope: SCOPE, DefaultAction: { Allow: {} }, VisibilityConfig: seen(name),
            Rules: group ? [{
              Name: group, Priority: 0, OverrideAction: { None: {} }, VisibilityConfig: seen(group),
              Statement: { ManagedRuleGroupStatement: { VendorName: vendor, Name: group } },
            }] : [],
          },
        });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select label="Begin with" placeholder="no rules" clearable value={group} onChange={setGroup} data={(groups.data?.ManagedRuleGroups ?? []).map((each) => each.Name)} />
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}

const actionOf = (rule: Rule) => Object.keys(rule.Action ?? rule.OverrideAction ?? {})[0] ?? "–";
const ACTIONS: Record<string, string> = { Block: "red", Allow: "teal", Count: "yellow", None: "gray" };

function Acl({ name, id }: { name: string; id: string }) {
  const found = useCall<{ WebACL: WebAcl; LockToken: string }>("wafv2", "GetWebACL", { Name: name, Id: id, Scope: SCOPE });
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Page title={name} trail={[{ label: "Web ACLs", path: "/waf" }]}
      about={found.data && <>Whatever no rule decides: {Object.keys(found.data.WebACL.DefaultAction)[0]?.toLowerCase()} · capacity {found.data.WebACL.Capacity ?? 0}</>}
      actions={found.data && (
        <Confirm label="Delete web ACL" title={`Delete ${name}?`} icon={<IconTrash size={14} />} act={() => act.mutate({
          service: "wafv2", operation: "DeleteWebACL", params: { Name: name, Id: id, Scope: SCOPE, LockToken: found.data!.LockToken }, done: `${name} was deleted`, then: () => go("/waf"),
        })}>
          Stages that use it must let go of it first.
        </Confirm>
      )}>
      <Answer of={found}>
        {({ WebACL, LockToken }) => (
          <>
            <Card title="Rules" flush>
              <Rows
                label="rules" rows={WebACL.Rules.toSorted((a, b) => a.Priority - b.Priority)} id={(rule) => rule.Name}
                empty={<Empty title="No rule yet">Write rules below, in the service’s own JSON.</Empty>}
                columns={[
                  { head: "Order", right: true, cell: (rule) => rule.Priority },
                  { head: "Name", cell: (rule) => rule.Name, text: (rule) => rule.Name },
                  { head: "Looks at", cell: (rule) => Object.keys(rule.Statement as object)[0]?.replace(/Statement$/, "") },
                  { head: "Action", cell: (rule) => <Badge color={ACTIONS[actionOf(rule)] ?? "gray"}>{actionOf(rule) === "None" ? "as the group says" : actionOf(rule)}</Badge> },
                ]}
              />
            </Card>
            <Edit key={LockToken} acl={WebACL} token={LockToken} />
            <Associations acl={WebACL} />
            <Samples acl={WebACL} />
          </>
        )}
      </Answer>
    </Page>
  );
}

function Edit({ acl, token }: { acl: WebAcl; token: string }) {
  const [text, setText] = useState(JSON.stringify(acl.Rules, null, 2));
  const [wrong, setWrong] = useState("");
  const act = useAct();
  const save = () => {
    try {
      const Rules = JSON.parse(text);
      setWrong("");
      act.mutate({
        service: "wafv2", operation: "UpdateWebACL", done: "The rules were saved",
        params: { Name: acl.Name, Id: acl.Id, Scope: SCOPE, LockToken: token, DefaultAction: acl.DefaultAction, VisibilityConfig: acl.VisibilityConfig, Rules },
      });
    } catch (error) {
      setWrong((error as Error).message);
    }
  };
  return (
    <Card title="Rules as JSON" actions={<Button size="xs" onClick={save} loading={act.isPending}>Save rules</Button>}>
      <Code label="Rules as JSON" language="json" value={text} onChange={setText} height="260px" />
      {wrong && <Text role="alert" size="sm" c="var(--mantine-color-error)">{wrong}</Text>}
    </Card>
  );
}

function Associations({ acl }: { acl: WebAcl }) {
  const session = useSession();
  const served = useServed();
  const found = useCall<{ ResourceArns: string[] }>("wafv2", "ListResourcesForWebACL", { WebACLArn: acl.ARN, ResourceType: "API_GATEWAY" });
  const [stage, setStage] = useState<string | null>(null);
  const act = useAct();
  const choices = (served.data ?? []).filter((each) => !each.file && each.kind === "REST").map((each) => ({
    value: `arn:aws:apigateway:${session.region}::/restapis/${each.api}/stages/${each.stage}`, label: `${each.name} / ${each.stage}`,
  }));
  return (
    <Card title="Stages it guards" flush>
      <Answer of={found}>
        {({ ResourceArns }) => (
          <>
            <Rows
              label="guarded stages" rows={ResourceArns} id={(arn) => arn} search={false} empty={<Empty title="It guards no stage yet">Choose one below.</Empty>}
              columns={[
                { head: "Stage", cell: (arn) => choices.find((each) => each.value === arn)?.label ?? arn },
                { head: "Act", quiet: true, right: true, cell: (arn) => <Button size="compact-xs" variant="default" onClick={() => act.mutate({ service: "wafv2", operation: "DisassociateWebACL", params: { ResourceArn: arn } })}>Let go</Button> },
              ]}
            />
            <Group p="sm" gap={8} align="flex-end">
              <Select flex={1} label="Guard a stage" data={choices.filter((each) => !ResourceArns.includes(each.value))} value={stage} onChange={setStage} />
              <Button variant="default" disabled={!stage} loading={act.isPending} onClick={() => act.mutate({
                service: "wafv2", operation: "AssociateWebACL", params: { WebACLArn: acl.ARN, ResourceArn: stage }, done: "It is guarded from now on", then: () => setStage(null),
              })}>
                Guard
              </Button>
            </Group>
          </>
        )}
      </Answer>
    </Card>
  );
}

type Sample = { Request: { ClientIP?: string; Country?: string; URI?: string; Method?: string }; Weight: number; Timestamp?: string; Action?: string; RuleNameWithinRuleGroup?: string };

function Samples({ acl }: { acl: WebAcl }) {
  const metrics = [acl.VisibilityConfig.MetricName, ...acl.Rules.map((rule) => rule.VisibilityConfig.MetricName)];
  const [metric, setMetric] = useState(metrics[0]!);
  const [span] = useState(() => ({ StartTime: new Date(Date.now() - 3 * 3600_000).toISOString(), EndTime: new Date(Date.now() + 60_000).toISOString() }));
  const samples = useCall<{ SampledRequests: Sample[] }>("wafv2", "GetSampledRequests", {
    WebAclArn: acl.ARN, RuleMetricName: metric, Scope: SCOPE, TimeWindow: span, MaxItems: 100,
  }, { refetchInterval: 5000 });
  return (
    <Card title="Samples, last three hours" flush actions={<Select size="xs" aria-label="Rule" data={[...new Set(metrics)]} value={metric} onChange={(value) => setMetric(value ?? metrics[0]!)} allowDeselect={false} />}>
      <Answer of={samples}>
        {({ SampledRequests }) => (
          <Rows
            label="samples" rows={SampledRequests} id={(sample) => `${sample.Timestamp}${sample.Request.URI}${SampledRequests.indexOf(sample)}`}
            empty={<Empty title="No request was seen yet">Requests that this rule decided are sampled as they come.</Empty>}
            columns={[
              { head: "Action", cell: (sample) => <Badge color={sample.Action === "BLOCK" ? "red" : sample.Action === "ALLOW" ? "teal" : "yellow"}>{sample.Action}</Badge>, text: (sample) => sample.Action ?? "" },
              { head: "Request", cell: (sample) => <span className="mono">{sample.Request.Method} {sample.Request.URI}</span>, text: (sample) => sample.Request.URI ?? "" },
              { head: "From", cell: (sample) => `${sample.Request.ClientIP ?? "–"}${sample.Request.Country && sample.Request.Country !== "-" ? ` (${sample.Request.Country})` : ""}`, text: (sample) => sample.Request.ClientIP ?? "" },
              { head: "Within the group", cell: (sample) => sample.RuleNameWithinRuleGroup ?? "–" },
              { head: "When", cell: (sample) => <When at={sample.Timestamp} /> },
            ]}
          />
        )}
      </Answer>
    </Card>
  );
}
