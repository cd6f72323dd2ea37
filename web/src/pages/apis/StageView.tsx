import { Button, Group, NumberInput, Select, SimpleGrid, Stack, Switch, TextInput } from "@mantine/core";
import { IconDownload, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { download, textOf } from "../../gateway/base64";
import { call } from "../../gateway/call";
import { failed, useAct } from "../../gateway/hooks";
import { mapPatch, type PatchOperation } from "../../gateway/patch";
import { stageUrl, useSession } from "../../gateway/session";
import { Confirm } from "../../parts/Confirm";
import { Copy } from "../../parts/Copy";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { mapOf, Pairs, pairsOf } from "../../parts/Pairs";
import { Canary } from "./Canary";
import { Fact } from "./Stages";
import type { Stage } from "./types";

/** A stage: where it answers, what it is set to, its canary. */
export function StageView({ api, stage }: { api: string; stage: Stage }) {
  const session = useSession();
  const [, go] = useLocation();
  const [variables, setVariables] = useState(pairsOf(stage.variables));
  const act = useAct();
  const url = stageUrl(session, api, stage.stageName);
  const logged = session.services.includes("logs") && Object.values(stage.methodSettings ?? {}).some((each) => each.loggingLevel && each.loggingLevel !== "OFF");
  const place = { restApiId: api, stageName: stage.stageName };
  const update = (patchOperations: PatchOperation[], done: string) =>
    act.mutate({ service: "apigateway", operation: "UpdateStage", params: { ...place, patchOperations }, done });

  return (
    <div className="grid">
      <Card
        title={stage.stageName}
        actions={
          <>
            <Exports api={api} stage={stage.stageName} />
            <Confirm label="Delete stage" title={`Delete ${stage.stageName}?`} icon={<IconTrash size={14} />} act={() => act.mutate({
              service: "apigateway", operation: "DeleteStage", params: place, done: `${stage.stageName} was deleted`, then: () => go(`/apis/${api}/stages`),
            })}>
              Clients get 403 from then on. Deployments stay.
            </Confirm>
          </>
        }
      >
        <Stack gap={6}>
          <Fact name="Answers under"><span className="mono">{url}</span> <Copy value={url} label="Copy the address" /></Fact>
          <Fact name="Deployment"><span className="mono">{stage.deploymentId}</span></Fact>
          <Fact name="Changed"><When at={stage.lastUpdatedDate} /></Fact>
          {logged && <Fact name="Execution log"><Link href={`/logs/${encodeURIComponent(`API-Gateway-Execution-Logs_${api}/${stage.stageName}`)}`}>Its lines</Link></Fact>}
          {stage.webAclArn && <Fact name="Web ACL"><span className="mono">{stage.webAclArn}</span></Fact>}
        </Stack>
      </Card>
      <Canary api={api} stage={stage} update={update} busy={act.isPending} />
      <Card title="Stage variables">
        <Pairs label="Variables" pairs={variables} onChange={setVariables} hint="Read as ${stageVariables.name} in addresses and $stageVariables.name in templates." />
        <Group justify="flex-end" mt={8}>
          <Button loading={act.isPending} onClick={() => update(mapPatch("/variables", stage.variables ?? {}, mapOf(variables)), "The variables were saved")}>
            Save variables
          </Button>
        </Group>
      </Card>
      <MethodSettings stage={stage} update={update} busy={act.isPending} />
    </div>
  );
}

function Exports({ api, stage }: { api: string; stage: string }) {
  const take = async (exportType: string, accepts: string) => {
    try {
      const { body } = await call<{ body: string }>("apigateway", "GetExport", {
        restApiId: api, stageName: stage, exportType, accepts, parameters: { extensions: "apigateway" },
      });
      download(`${api}-${stage}-${exportType}.${accepts.includes("yaml") ? "yaml" : "json"}`, textOf(body));
    } catch (error) {
      failed(error as Error);
    }
  };
  return (
    <>
      <Button size="xs" variant="default" leftSection={<IconDownload size={14} />} onClick={() => take("oas30", "application/yaml")}>OpenAPI</Button>
      <Button size="xs" variant="default" onClick={() => take("swagger", "application/json")}>Swagger</Button>
    </>
  );
}

function MethodSettings({ stage, update, busy }: { stage: Stage; update: (operations: PatchOperation[], done: string) => void; busy: boolean }) {
  const all = stage.methodSettings?.["*/*"];
  const [rate, setRate] = useState<number | string>(all?.throttlingRateLimit ?? "");
  const [burst, setBurst] = useState<number | string>(all?.throttlingBurstLimit ?? "");
  const [level, setLevel] = useState(all?.loggingLevel ?? "OFF");
  const [metrics, setMetrics] = useState(all?.metricsEnabled ?? false);
  const [data, setData] = useState(all?.dataTraceEnabled ?? false);
  const [traced, setTraced] = useState(stage.tracingEnabled ?? false);
  const [destination, setDestination] = useState(stage.accessLogSettings?.destinationArn ?? "");
  const [format, setFormat] = useState(stage.accessLogSettings?.format ?? "$context.requestId $context.httpMethod $context.path $context.status");
  const save = () => {
    const set = (path: string, value: unknown): PatchOperation => ({ op: "replace", path: `/*/*/${path}`, value: String(value) });
    const operations = [set("logging/loglevel", level), set("metrics/enabled", metrics), set("logging/dataTrace", data)];
    if (traced !== (stage.tracingEnabled ?? false)) operations.push({ op: "replace", path: "/tracingEnabled", value: String(traced) });
    if (rate !== "") operations.push(set("throttling/rateLimit", rate));
    if (burst !== "") operations.push(set("throttling/burstLimit", burst));
    if (destination) {
      operations.push({ op: "replace", path: "/accessLogSettings/destinationArn", value: destination }, { op: "replace", path: "/accessLogSettings/format", value: format });
    } else if (stage.accessLogSettings) operations.push({ op: "remove", path: "/accessLogSettings" });
    update(operations, "The settings were saved");
  };
  return (
    <Card title="Settings">
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <NumberInput label="Requests a second" placeholder="no limit" value={rate} onChange={setRate} min={0} />
          <NumberInput label="Burst" placeholder="no limit" value={burst} onChange={setBurst} min={0} />
          <Select label="Execution log" data={["OFF", "ERROR", "INFO"]} value={level} onChange={(value) => setLevel(value ?? "OFF")} allowDeselect={false} />
        </SimpleGrid>
        <Group>
          <Switch label="Metrics by method" checked={metrics} onChange={(event) => setMetrics(event.currentTarget.checked)} />
          <Switch label="Log bodies and headers, too" checked={data} onChange={(event) => setData(event.currentTarget.checked)} />
          <Switch label="Trace requests" checked={traced} onChange={(event) => setTraced(event.currentTarget.checked)} />
        </Group>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput label="Access log" placeholder="arn:aws:logs:…:log-group:name" value={destination} onChange={(event) => setDestination(event.currentTarget.value)} classNames={{ input: "mono" }} />
          <TextInput label="Access log format" value={format} onChange={(event) => setFormat(event.currentTarget.value)} classNames={{ input: "mono" }} disabled={!destination} />
        </SimpleGrid>
        <Group justify="flex-end"><Button onClick={save} loading={busy}>Save settings</Button></Group>
      </Stack>
    </Card>
  );
}
