import { Button, Group, Select, Slider, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useCallAll } from "../../gateway/hooks";
import type { PatchOperation } from "../../gateway/patch";
import { mapOf, Pairs, pairsOf } from "../../parts/Pairs";
import { Card } from "../../parts/Page";
import { mapPatch } from "../../gateway/patch";
import type { Deployment, Stage } from "./types";

type Update = (operations: PatchOperation[], done: string) => void;

/** Part of the traffic to another deployment; then all of it, or none. */
export function Canary({ api, stage, update, busy }: { api: string; stage: Stage; update: Update; busy: boolean }) {
  const canary = stage.canarySettings;
  const deployments = useCallAll<Deployment>("apigateway", "GetDeployments", { restApiId: api, limit: 500 }, "items");
  const [percent, setPercent] = useState(canary?.percentTraffic ?? 10);
  const [deployment, setDeployment] = useState(canary?.deploymentId ?? null);
  const [overrides, setOverrides] = useState(pairsOf(canary?.stageVariableOverrides));
  const set = (path: string, value: unknown): PatchOperation => ({ op: "replace", path: `/canarySettings/${path}`, value: String(value) });
  const save = () =>
    update(
      [
        set("deploymentId", deployment), set("percentTraffic", percent),
        ...mapPatch("/canarySettings/stageVariableOverrides", canary?.stageVariableOverrides ?? {}, mapOf(overrides)),
      ],
      canary ? "The canary was changed" : "The canary was started",
    );
  const promote = () =>
    update(
      [
        { op: "copy", from: "/canarySettings/deploymentId", path: "/deploymentId" },
        ...(Object.keys(canary?.stageVariableOverrides ?? {}).length
          ? [{ op: "copy", from: "/canarySettings/stageVariableOverrides", path: "/variables" }]
          : []),
        { op: "remove", path: "/canarySettings" },
      ] as PatchOperation[],
      "The canary was promoted: it takes all of the traffic",
    );
  const choices = (deployments.data ?? [])
    .toSorted((a, b) => (a.createdDate < b.createdDate ? 1 : -1))
    .map((each) => ({ value: each.id, label: `${each.id}${each.description ? ` · ${each.description}` : ""}` }));

  return (
    <Card title="Canary" actions={<Text size="xs" c="dimmed">{canary ? `${canary.percentTraffic ?? 0}% goes to ${canary.deploymentId ?? stage.deploymentId}` : "None"}</Text>}>
      <Stack>
        <Select label="Deployment" placeholder="Choose the one to try" data={choices} value={deployment} onChange={setDeployment} />
        <div>
          <Text size="sm" fw={550} mb={6}>Percent of the traffic</Text>
          <Slider
            value={percent} onChange={setPercent} min={0} max={100} step={1} thumbLabel="Percent of the traffic" label={(value) => `${value}%`}
            marks={[0, 25, 50, 75, 100].map((value) => ({ value, label: `${value}%` }))} mb={24} mx={6}
          />
        </div>
        <Pairs label="Variables that differ" pairs={overrides} onChange={setOverrides} />
        <Group justify="flex-end">
          {canary && (
            <>
              <Button variant="default" c="var(--mantine-color-error)" loading={busy} onClick={() => update([{ op: "remove", path: "/canarySettings" }], "The canary was stopped")}>Stop</Button>
              <Button variant="default" loading={busy} onClick={promote}>Promote</Button>
            </>
          )}
          <Button onClick={save} loading={busy} disabled={!deployment}>{canary ? "Change" : "Start"}</Button>
        </Group>
      </Stack>
    </Card>
  );
}
