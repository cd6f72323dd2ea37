import { Badge, Button, Group, Modal, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { notifications } from "@mantine/notifications";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { call, type GatewayError } from "../../gateway/call";
import { failed, useAct, useCallAll } from "../../gateway/hooks";
import { useSession } from "../../gateway/session";
import { Answer } from "../../parts/Answer";
import { Confirm } from "../../parts/Confirm";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { V2, type Portal } from "./types";

const THEME = Object.fromEntries(["Accent", "Background", "ErrorValidation", "Header", "Navigation", "Text"].map((each) => [`${each}Color`, "#0b7285"]));

/** Portals, each at its address. */
export function PortalList() {
  const portals = useCallAll<Portal>("apigatewayv2", "ListPortals", {}, "Items", V2);
  const session = useSession();
  const [adding, setAdding] = useState(false);
  const act = useAct();
  return (
    <Card title="Portals" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create portal</Button>}>
      <Answer of={portals}>
        {(rows) => (
          <Rows
            label="portals" rows={rows} id={(each) => each.PortalId}
            empty={<Empty title="No portal yet">A portal shows products to developers. It is served once the settings have <code>[portal]</code>.</Empty>}
            columns={[
              { head: "Name", text: (each) => each.PortalContent.DisplayName, cell: (each) => (
                each.PublishStatus === "PUBLISHED"
                  ? <a href={`${session.front}/portal/${each.PortalId}/`} target="_blank" rel="noreferrer">{each.PortalContent.DisplayName}</a>
                  : each.PortalContent.DisplayName
              ) },
              { head: "ID", cell: (each) => <span className="mono">{each.PortalId}</span> },
              { head: "Products", right: true, cell: (each) => each.IncludedPortalProductArns.length },
              { head: "State", cell: (each) => <Badge color={each.PublishStatus === "PUBLISHED" ? "teal" : "gray"}>{each.PublishStatus.toLowerCase()}</Badge> },
              { head: "Published", cell: (each) => <When at={each.LastPublished} /> },
              { head: "Act", quiet: true, right: true, cell: (each) => (
                <Group gap={6} justify="flex-end" wrap="nowrap">
                  <Button size="xs" variant="default" onClick={() => act.mutate({ service: "apigatewayv2", operation: "PublishPortal", params: { PortalId: each.PortalId }, done: "The portal shows what is there now" })}>Publish</Button>
                  {each.PublishStatus === "PUBLISHED" ? (
                    <Confirm label="Disable" title={`Disable ${each.PortalContent.DisplayName}?`} act={() => act.mutate({ service: "apigatewayv2", operation: "DisablePortal", params: { PortalId: each.PortalId }, done: "The portal is not served any more" })}>
                      Developers cannot reach it until it is published again. Their keys go on.
                    </Confirm>
                  ) : (
                    <Confirm label="Delete" icon={<IconTrash size={14} />} title={`Delete ${each.PortalContent.DisplayName}?`} act={() => act.mutate({ service: "apigatewayv2", operation: "DeletePortal", params: { PortalId: each.PortalId }, done: "The portal was deleted" })}>
                      Products and subscriptions stay.
                    </Confirm>
                  )}
                </Group>
              ) },
            ]}
          />
        )}
      </Answer>
      {adding && <Add close={() => setAdding(false)} />}
    </Card>
  );
}

const NEW = "a new pool";

function Add({ close }: { close: () => void }) {
  const pools = useCallAll<{ Id: string; Name: string }>("cognito-idp", "ListUserPools", { MaxResults: 60 }, "UserPools", V2);
  const session = useSession();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [pool, setPool] = useState<string>(NEW);
  const make = useMutation<void, GatewayError>({
    mutationFn: async () => {
      const id = pool === NEW ? await newPool(name) : pool;
      const app = await call<{ UserPoolClient: { ClientId: string } }>("cognito-idp", "CreateUserPoolClient", {
        UserPoolId: id, ClientName: `Portal ${name}`.slice(0, 128), ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        PreventUserExistenceErrors: "ENABLED",
      });
      const made = await call<Portal>("apigatewayv2", "CreatePortal", {
        Authorization: { CognitoConfig: {
          AppClientId: app.UserPoolClient.ClientId, UserPoolArn: `arn:aws:cognito-idp:${session.region}:${session.account}:userpool/${id}`,
          UserPoolDomain: `https://${id.toLowerCase()}.auth.${session.region}.amazoncognito.com`,
        } },
        EndpointConfiguration: { None: {} },
        PortalContent: { DisplayName: name, ...(about ? { Description: about } : {}), Theme: { CustomColors: THEME } },
      });
      await call("apigatewayv2", "PublishPortal", { PortalId: made.PortalId });
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["apigatewayv2"] });
      notifications.show({ message: `${name} is published`, color: "teal" });
      close();
    },
    onError: failed,
  });
  return (
    <Modal opened onClose={close} title="Create a portal" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}>
        <TextInput label="Name" required minLength={3} value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Textarea label="Description" value={about} onChange={(event) => setAbout(event.currentTarget.value)} />
        <Select
          label="Developers sign up at" value={pool} onChange={(value) => value && setPool(value)} allowDeselect={false}
          data={[NEW, ...(pools.data ?? []).map((each) => ({ value: each.Id, label: each.Name }))]}
        />
        <Group justify="flex-end"><Button type="submit" loading={make.isPending}>Create and publish</Button></Group>
      </Stack>
    </Modal>
  );
}

async function newPool(name: string): Promise<string> {
  const made = await call<{ UserPool: { Id: string } }>("cognito-idp", "CreateUserPool", {
    PoolName: `${name.replace(/[^\w\s+=,.@-]/g, "")} developers`.trim().slice(0, 128), UsernameAttributes: ["email"], AutoVerifiedAttributes: ["email"],
  });
  return made.UserPool.Id;
}
