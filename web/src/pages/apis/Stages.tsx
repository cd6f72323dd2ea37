import { Badge, Group, NavLink, Text } from "@mantine/core";
import { Link } from "wouter";
import { useCall } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { StageView } from "./StageView";
import type { Stage } from "./types";

export function Stages({ api, chosen }: { api: string; chosen?: string }) {
  const stages = useCall<{ item: Stage[] }>("apigateway", "GetStages", { restApiId: api });
  return (
    <Answer of={stages}>
      {({ item }) => {
        const stage = item.find((each) => each.stageName === chosen) ?? item[0];
        if (!stage) return <Card><Empty title="No stage yet">Deploy the API: a deployment needs a stage to be reached under.</Empty></Card>;
        return (
          <div className="split">
            <Card title="Stages" flush>
              <div style={{ padding: 6 }}>
                {item.map((each) => (
                  <NavLink
                    key={each.stageName} component={Link} href={`/apis/${api}/stages/${each.stageName}`} active={each === stage} className="nav-link"
                    label={each.stageName} description={<span className="mono">{each.deploymentId}</span>}
                    rightSection={each.canarySettings?.deploymentId ? <Badge color="orange">canary {each.canarySettings.percentTraffic ?? 0}%</Badge> : undefined}
                  />
                ))}
              </div>
            </Card>
            <StageView key={JSON.stringify(stage)} api={api} stage={stage} />
          </div>
        );
      }}
    </Answer>
  );
}

export function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <Group gap={8} wrap="nowrap" align="baseline">
      <Text size="sm" c="dimmed" w={150} style={{ flexShrink: 0 }}>{name}</Text>
      <Text size="sm" component="div" style={{ minWidth: 0, wordBreak: "break-word" }}>{children}</Text>
    </Group>
  );
}
