import { Alert, Badge, Button, FileButton, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { base64, textOf } from "../../gateway/base64";
import { useAct, useCall } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Code, pretty } from "../../parts/Code";
import { Confirm } from "../../parts/Confirm";
import { milliseconds } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { STATES } from "./Endpoints";

type Described = { EndpointStatus: string; FailureReason?: string; ProductionVariants?: { VariantName: string; CurrentWeight: number; CurrentInstanceCount: number }[] };
type Invoked = { Body: string; ContentType?: string; InvokedProductionVariant?: string };

/** One endpoint, and a try of it. */
export function EndpointView({ name }: { name: string }) {
  const endpoint = useCall<Described>("sagemaker", "DescribeEndpoint", { EndpointName: name }, { refetchInterval: 3000 });
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Card title={name} actions={
      <Confirm label="Delete" title={`Delete ${name}?`} act={() => act.mutate({
        service: "sagemaker", operation: "DeleteEndpoint", params: { EndpointName: name }, done: `${name} was deleted`, then: () => go("/ai/endpoints"),
      })}>
        Its processes end. The model and its configuration are kept.
      </Confirm>
    }>
      <Answer of={endpoint}>
        {({ EndpointStatus, FailureReason, ProductionVariants = [] }) => (
          <Stack>
            <Group gap={10}>
              <Badge size="lg" color={STATES[EndpointStatus] ?? "gray"}>{EndpointStatus}</Badge>
              {ProductionVariants.map((each) => <Text key={each.VariantName} size="sm" c="dimmed">{each.VariantName}: weight {each.CurrentWeight}, {each.CurrentInstanceCount} running</Text>)}
            </Group>
            {FailureReason && <Alert color="red" variant="light">{FailureReason}</Alert>}
            {EndpointStatus === "InService" && <Try name={name} />}
          </Stack>
        )}
      </Answer>
    </Card>
  );
}

function Try({ name }: { name: string }) {
  const [type, setType] = useState("application/json");
  const [body, setBody] = useState("[[1, 2]]");
  const [took, setTook] = useState(0);
  const act = useAct<Invoked>();
  const invoke = (content: string | ArrayBuffer, ContentType: string) => {
    const began = performance.now();
    act.mutate({
      service: "sagemaker-runtime", operation: "InvokeEndpoint", params: { EndpointName: name, ContentType, Body: base64(content) },
      then: () => setTook(performance.now() - began),
    });
  };
  return (
    <Stack gap={10}>
      <Code label="Input" language="json" value={body} onChange={setBody} height="120px" />
      <Group align="flex-end" gap={8}>
        <TextInput label="Content type" value={type} onChange={(event) => setType(event.currentTarget.value)} classNames={{ input: "mono" }} w={220} />
        <Button leftSection={<IconPlayerPlay size={15} />} onClick={() => invoke(body, type)} loading={act.isPending}>Invoke</Button>
        <FileButton onChange={async (file) => file && invoke(await file.arrayBuffer(), file.type || "application/octet-stream")}>
          {(props) => <Button variant="default" {...props}>With a file</Button>}
        </FileButton>
      </Group>
      {act.error && <Wrong error={act.error} />}
      {act.data && (
        <Stack gap={8} role="region" aria-label="Result">
          <Text size="sm" c="dimmed">{act.data.ContentType}, by {act.data.InvokedProductionVariant}, in {milliseconds(took / 1000)}</Text>
          <Code label="Answer" readOnly language="json" value={pretty(textOf(act.data.Body))} height="150px" />
        </Stack>
      )}
    </Stack>
  );
}
