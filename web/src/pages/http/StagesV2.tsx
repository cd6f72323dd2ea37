import { Badge, Button, Checkbox, Group, Stack, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import type { Api } from "./HttpApis";

type StageV2 = { StageName: string; DeploymentId?: string; AutoDeploy?: boolean; LastUpdatedDate?: string; LastDeploymentStatusMessage?: string };

export function StagesV2({ api }: { api: Api }) {
  const stages = useCallAll<StageV2>("apigatewayv2", "GetStages", { ApiId: api.ApiId, MaxResults: "500" }, "Items", ["NextToken", "NextToken"]);
  const [name, setName] = useState(api.ProtocolType === "HTTP" ? "$default" : "prod");
  const [auto, setAuto] = useState(true);
  const act = useAct();
  return (
    <Card title="Stages" flush>
      <Answer of={stages}>
        {(rows) => (
          <Rows
            label="stages" rows={rows} id={(stage) => stage.StageName} empty={<Empty title="No stage yet">Add one: with automatic deployment it serves every change at once.</Empty>}
            columns={[
              { head: "Stage", cell: (stage) => <span className="mono">{stage.StageName}</span>, text: (stage) => stage.StageName },
              { head: "Deployment", cell: (stage) => <span className="mono">{stage.DeploymentId ?? "–"}</span> },
              { head: "Automatic", cell: (stage) => (
                <Switch size="xs" checked={Boolean(stage.AutoDeploy)} aria-label={`${stage.StageName} deploys automatically`} onChange={(event) => act.mutate({
                  service: "apigatewayv2", operation: "UpdateStage", params: { ApiId: api.ApiId, StageName: stage.StageName, AutoDeploy: event.currentTarget.checked },
                })} />
              ) },
              { head: "State", cell: (stage) => stage.LastDeploymentStatusMessage ? <Badge color={/fail/i.test(stage.LastDeploymentStatusMessage) ? "red" : "teal"}>{stage.LastDeploymentStatusMessage}</Badge> : "–" },
              { head: "Changed", cell: (stage) => <When at={stage.LastUpdatedDate} /> },
              { head: "Act", quiet: true, right: true, cell: (stage) => (
                <Group gap={6} justify="flex-end" wrap="nowrap">
                  <Button size="compact-xs" variant="default" onClick={() => act.mutate({
                    service: "apigatewayv2", operation: "CreateDeployment", params: { ApiId: api.ApiId, StageName: stage.StageName }, done: `Deployed to ${stage.StageName}`,
                  })}>
                    Deploy
                  </Button>
                  <Button size="compact-xs" variant="default" c="var(--mantine-color-error)" onClick={() => act.mutate({
                    service: "apigatewayv2", operation: "DeleteStage", params: { ApiId: api.ApiId, StageName: stage.StageName }, done: `${stage.StageName} was deleted`,
                  })}>
                    Delete
                  </Button>
                </Group>
              ) },
            ]}
          />
        )}
      </Answer>
      <Stack p="sm">
        <Group align="flex-end" gap={10}>
          <TextInput label="Add a stage" value={name} onChange={(event) => setName(event.currentTarget.value)} classNames={{ input: "mono" }} w={180} />
          <Checkbox label="Deploy automatically" checked={auto} onChange={(event) => setAuto(event.currentTarget.checked)} mb={8} />
          <Button variant="default" disabled={!name} loading={act.isPending} onClick={() => act.mutate({
            service: "apigatewayv2", operation: "CreateStage", params: { ApiId: api.ApiId, StageName: name, AutoDeploy: auto }, done: `${name} was added`,
          })}>
            Add
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}
