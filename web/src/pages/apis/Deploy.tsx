import { Autocomplete, Button, Checkbox, Group, Modal, NumberInput, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCall } from "../../gateway/hooks";
import { Wrong } from "../../parts/Answer";
import type { Stage } from "./types";

/** Freezes the API and has a stage, or its canary, serve it. */
export function Deploy({ api, opened, close }: { api: string; opened: boolean; close: () => void }) {
  const stages = useCall<{ item: Stage[] }>("apigateway", "GetStages", { restApiId: api }, { enabled: opened });
  const [stage, setStage] = useState("prod");
  const [description, setDescription] = useState("");
  const [canary, setCanary] = useState(false);
  const [percent, setPercent] = useState<number | string>(10);
  const [, go] = useLocation();
  const act = useAct();
  const names = (stages.data?.item ?? []).map((each) => each.stageName);
  const deploy = () =>
    act.mutate({
      service: "apigateway", operation: "CreateDeployment", done: `Deployed to ${stage}`,
      params: {
        restApiId: api, stageName: stage, description: description || undefined,
        canarySettings: canary && names.includes(stage) ? { percentTraffic: Number(percent) } : undefined,
      },
      then: () => { close(); go(`/apis/${api}/stages/${stage}`); },
    });
  return (
    <Modal opened={opened} onClose={close} title="Deploy" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => { event.preventDefault(); deploy(); }}>
        <Autocomplete label="Stage" description="One that there is, or a new one" required data={names} value={stage} onChange={setStage} data-autofocus />
        <TextInput label="What changed" value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        {names.includes(stage) && (
          <>
            <Checkbox label="As a canary: part of the traffic first" checked={canary} onChange={(event) => setCanary(event.currentTarget.checked)} />
            {canary && <NumberInput label="Percent of the traffic" min={0} max={100} value={percent} onChange={setPercent} />}
          </>
        )}
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Deploy</Button></Group>
      </Stack>
    </Modal>
  );
}
