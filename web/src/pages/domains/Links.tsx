import { ActionIcon, Badge, Button, Group, Modal, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { NEXT } from "./types";

type Link = { id: string; name: string; targetArns?: string[]; status: string; statusMessage?: string };
type LinkV2 = { VpcLinkId: string; Name: string; SubnetIds?: string[]; VpcLinkStatus: string; VpcLinkStatusMessage?: string };

const STATES: Record<string, string> = { AVAILABLE: "teal", PENDING: "gray", DELETING: "gray", FAILED: "red" };

/** Ways to private backends: where each leads is said in the gateway's settings. */
export function Links() {
  const rest = useCallAll<Link>("apigateway", "GetVpcLinks", { limit: 500 }, "items", undefined, { refetchInterval: 5000 });
  const http = useCallAll<LinkV2>("apigatewayv2", "GetVpcLinks", { MaxResults: "100" }, "Items", NEXT, { refetchInterval: 5000 });
  const [adding, setAdding] = useState(false);
  const act = useAct();
  const links = [
    ...(rest.data ?? []).map((each) => ({ ...each, to: each.targetArns?.join(", ") ?? "", rest: true, why: each.statusMessage })),
    ...(http.data ?? []).map((each) => ({ id: each.VpcLinkId, name: each.Name, status: each.VpcLinkStatus, to: each.SubnetIds?.join(", ") ?? "", rest: false, why: each.VpcLinkStatusMessage })),
  ];
  return (
    <Card title="VPC links" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create a link</Button>}>
      <Answer of={rest}>
        {() => (
          <Rows
            label="VPC links" rows={links} id={(each) => each.id}
            empty={<Empty title="No link yet">Integrations go through a link to backends that are not reachable from everywhere. The settings say where it leads: [vpc_links.NAME] target.</Empty>}
            columns={[
              { head: "Name", cell: (each) => each.name, text: (each) => each.name },
              { head: "ID", cell: (each) => <span className="mono">{each.id}</span>, text: (each) => each.id },
              { head: "For", cell: (each) => (each.rest ? "REST APIs" : "HTTP APIs") },
              { head: "To", cell: (each) => <span className="mono">{each.to}</span>, text: (each) => each.to },
              { head: "State", cell: (each) => <Badge color={STATES[each.status] ?? "gray"} title={each.why}>{each.status}</Badge> },
              { head: "Act", quiet: true, right: true, cell: (each) => (
                <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${each.name}`} onClick={() => act.mutate({
                  service: each.rest ? "apigateway" : "apigatewayv2", operation: "DeleteVpcLink", done: `${each.name} is being deleted`,
                  params: each.rest ? { vpcLinkId: each.id } : { VpcLinkId: each.id },
                })}>
                  <IconTrash size={15} />
                </ActionIcon>
              ) },
            ]}
          />
        )}
      </Answer>
      {adding && <Add close={() => setAdding(false)} />}
    </Card>
  );
}

function Add({ close }: { close: () => void }) {
  const [kind, setKind] = useState("rest");
  const [name, setName] = useState("");
  const [target, setTarget] = useState("");
  const act = useAct();
  const rest = kind === "rest";
  return (
    <Modal opened onClose={close} title="Create a VPC link" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: rest ? "apigateway" : "apigatewayv2", operation: "CreateVpcLink", done: `${name} is being made`, then: close,
          params: rest ? { name, targetArns: [target] } : { Name: name, SubnetIds: target.split(/[\s,]+/).filter(Boolean) },
        });
      }}>
        <SegmentedControl data={[{ value: "rest", label: "For REST APIs" }, { value: "http", label: "For HTTP APIs" }]} value={kind} onChange={setKind} aria-label="Kind" />
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <TextInput
          label={rest ? "Load balancer" : "Subnets"} required value={target} onChange={(event) => setTarget(event.currentTarget.value)} classNames={{ input: "mono" }}
          description={rest ? "The ARN of a Network Load Balancer; its name is looked up in [vpc_links]" : "IDs of subnets; the link’s name is looked up in [vpc_links]"}
        />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}
