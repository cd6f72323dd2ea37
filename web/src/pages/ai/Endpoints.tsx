import { Badge, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "wouter";
import { call, type GatewayError } from "../../gateway/call";
import { useCallAll } from "../../gateway/hooks";
import { useSession } from "../../gateway/session";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { EndpointView } from "./EndpointView";

type Endpoint = { EndpointName: string; EndpointStatus: string; CreationTime?: string };

export const STATES: Record<string, string> = { InService: "teal", Creating: "gray", Updating: "gray", Deleting: "gray", Failed: "red" };

/** Models that users bring, behind SageMaker's endpoints. */
export function Endpoints() {
  const [, chosen] = (useParams<{ "*"?: string }>()["*"] ?? "").split("/");
  const endpoints = useCallAll<Endpoint>("sagemaker", "ListEndpoints", { MaxResults: 100 }, "Endpoints", ["NextToken", "NextToken"], { refetchInterval: 3000 });
  const [adding, setAdding] = useState(false);
  return (
    <div className="grid">
      <Card title="Model endpoints" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Serve a model</Button>}>
        <Answer of={endpoints}>
          {(rows) => (
            <Rows
              label="model endpoints" rows={rows} id={(each) => each.EndpointName} link={(each) => `/ai/endpoints/${encodeURIComponent(each.EndpointName)}`}
              empty={<Empty title="No endpoint yet">A container that answers /ping and /invocations, or inference code in a model.tar.gz of a bucket, is served as an endpoint.</Empty>}
              columns={[
                { head: "Name", cell: (each) => each.EndpointName, text: (each) => each.EndpointName },
                { head: "State", cell: (each) => <Badge color={STATES[each.EndpointStatus] ?? "gray"}>{each.EndpointStatus}</Badge> },
                { head: "Created", cell: (each) => <When at={each.CreationTime} /> },
              ]}
            />
          )}
        </Answer>
      </Card>
      {chosen && <EndpointView key={chosen} name={decodeURIComponent(chosen)} />}
      {adding && <Add close={() => setAdding(false)} />}
    </div>
  );
}

/** The three resources that an endpoint needs, under one name. */
async function serve(name: string, image: string, files: string, account: string) {
  await call("sagemaker", "CreateModel", {
    ModelName: name, ExecutionRoleArn: `arn:aws:iam::${account}:role/sagemaker`, PrimaryContainer: { Image: image, ModelDataUrl: files || undefined },
  });
  const variant = { VariantName: "all", ModelName: name, InitialInstanceCount: 1, InstanceType: "ml.m5.large" };
  await call("sagemaker", "CreateEndpointConfig", { EndpointConfigName: name, ProductionVariants: [variant] });
  await call("sagemaker", "CreateEndpoint", { EndpointName: name, EndpointConfigName: name });
}

function Add({ close }: { close: () => void }) {
  const { account } = useSession();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [image, setImage] = useState("");
  const [files, setFiles] = useState("");
  const act = useMutation<void, GatewayError>({
    mutationFn: () => serve(name, image, files, account),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["sagemaker"] });
      close();
    },
  });
  return (
    <Modal opened onClose={close} title="Serve a model" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => { event.preventDefault(); act.mutate(); }}>
        <TextInput label="Name" description="Of the model, its configuration and its endpoint" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <TextInput label="Container" description="The address of a container that runs (http://host:port), or a runtime such as python3.11 for inference code" required value={image} onChange={(event) => setImage(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <TextInput label="Files" description="For a runtime: s3://bucket/key of a model.tar.gz" value={files} onChange={(event) => setFiles(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <Text size="xs" c="dimmed">Variants, weights and asynchronous invocations: through the API.</Text>
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Serve</Button></Group>
      </Stack>
    </Modal>
  );
}
