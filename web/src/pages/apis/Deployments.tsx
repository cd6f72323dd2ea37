import { Badge, Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { askJson, type GatewayError } from "../../gateway/call";
import { useAct, useCall, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Diff } from "../../parts/Diff";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { Changes } from "./Changes";
import type { Deployment, Stage } from "./types";

const DRAFT = "draft";

/** What was deployed: compared, and served again. */
export function Deployments({ api }: { api: string }) {
  const deployments = useCallAll<Deployment>("apigateway", "GetDeployments", { restApiId: api, limit: 500 }, "items");
  const stages = useCall<{ item: Stage[] }>("apigateway", "GetStages", { restApiId: api });
  const [rolling, setRolling] = useState<Deployment | null>(null);
  const newest = (deployments.data ?? []).toSorted((a, b) => (a.createdDate < b.createdDate ? 1 : -1));
  const servedBy = (id: string) => (stages.data?.item ?? []).filter((each) => each.deploymentId === id);
  return (
    <div className="grid">
      <Card title="Deployments" flush>
        <Answer of={deployments}>
          {() => (
            <Rows
              label="deployments" rows={newest} id={(each) => each.id}
              empty={<Empty title="Nothing was deployed yet">A deployment freezes the API as it is and lets a stage serve it.</Empty>}
              columns={[
                { head: "ID", cell: (each) => <span className="mono">{each.id}</span>, text: (each) => each.id },
                { head: "What changed", cell: (each) => each.description ?? "–", text: (each) => each.description ?? "" },
                { head: "Made", cell: (each) => <When at={each.createdDate} /> },
                { head: "Served by", cell: (each) => servedBy(each.id).map((stage) => <Badge key={stage.stageName} color="teal" mr={4}>{stage.stageName}</Badge>) },
                { head: "Act", quiet: true, right: true, cell: (each) => <Button size="compact-xs" variant="default" onClick={() => setRolling(each)}>Serve this one</Button> },
              ]}
            />
          )}
        </Answer>
      </Card>
      {newest.length > 0 && <Compare key={newest[0]!.id} api={api} deployments={newest} />}
      {rolling && <Serve api={api} deployment={rolling} stages={stages.data?.item ?? []} close={() => setRolling(null)} />}
    </div>
  );
}

function useDefinition(api: string, deployment: string) {
  return useQuery<string, GatewayError>({
    queryKey: ["apigateway", "definition", api, deployment],
    queryFn: async () => (await askJson<{ text: string }>(`definition/${api}/${deployment}`)).text,
  });
}

function Compare({ api, deployments }: { api: string; deployments: Deployment[] }) {
  const [from, setFrom] = useState(deployments[0]!.id);
  const [to, setTo] = useState(DRAFT);
  const before = useDefinition(api, from), after = useDefinition(api, to);
  const choices = [
    { value: DRAFT, label: "As it is now, not deployed" },
    ...deployments.map((each) => ({ value: each.id, label: `${each.id}${each.description ? ` · ${each.description}` : ""}` })),
  ];
  return (
    <Card title="Compare">
      <Stack>
        <Group grow>
          <Select label="From" data={choices} value={from} onChange={(value) => setFrom(value ?? DRAFT)} allowDeselect={false} />
          <Select label="To" data={choices} value={to} onChange={(value) => setTo(value ?? DRAFT)} allowDeselect={false} />
        </Group>
        <Answer of={before}>{(was) => <Answer of={after}>{(is) => <><Changes before={was} after={is} /><Diff before={was} after={is} label="Differences" /></>}</Answer>}</Answer>
      </Stack>
    </Card>
  );
}

function Serve({ api, deployment, stages, close }: { api: string; deployment: Deployment; stages: Stage[]; close: () => void }) {
  const [stage, setStage] = useState(stages[0]?.stageName ?? null);
  const act = useAct();
  return (
    <Modal opened onClose={close} title={`Serve ${deployment.id}`} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <Text size="sm" c="dimmed">The stage goes over to this deployment at once; no request is lost.</Text>
        <Select label="Stage" data={stages.map((each) => each.stageName)} value={stage} onChange={setStage} allowDeselect={false} />
        <Group justify="flex-end">
          <Button disabled={!stage} loading={act.isPending} onClick={() => act.mutate({
            service: "apigateway", operation: "UpdateStage", done: `${stage} serves ${deployment.id}`, then: close,
            params: { restApiId: api, stageName: stage, patchOperations: [{ op: "replace", path: "/deploymentId", value: deployment.id }] },
          })}>
            Serve it
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
