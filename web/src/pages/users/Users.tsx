import { Button, Group, Modal, Stack, Tabs, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { useAct, useCallAll } from "../../gateway/hooks";
import { useSession } from "../../gateway/session";
import { Answer } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { RoleView } from "./RoleView";
import { UserView } from "./UserView";

export type User = { UserName: string; UserId: string; Arn: string; CreateDate: string };
export type Role = { RoleName: string; RoleId: string; Arn: string; CreateDate: string; Description?: string; AssumeRolePolicyDocument?: unknown };
export type Policy = { PolicyName: string; Arn: string; AttachmentCount?: number; Description?: string };
export const PAGES: [string, string] = ["Marker", "Marker"];

/** Who may do what. */
export default function Users() {
  return (
    <Switch>
      <Route path="/users/user/:name">{({ name }) => <UserView name={decodeURIComponent(name)} />}</Route>
      <Route path="/users/role/:name">{({ name }) => <RoleView name={decodeURIComponent(name)} />}</Route>
      <Route<{ tab?: string }> path="/users/:tab?">{({ tab }) => <Lists tab={tab ?? "users"} />}</Route>
    </Switch>
  );
}

function Lists({ tab }: { tab: string }) {
  const [, go] = useLocation();
  return (
    <Page title="Users and roles" about="Whose access keys are let in, and what they may do">
      <Tabs value={tab} onChange={(value) => go(value === "users" ? "/users" : `/users/${value}`)} keepMounted={false}>
        <Tabs.List mb={14}>
          <Tabs.Tab value="users">Users</Tabs.Tab>
          <Tabs.Tab value="roles">Roles</Tabs.Tab>
          <Tabs.Tab value="policies">Policies</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="users"><UserList /></Tabs.Panel>
        <Tabs.Panel value="roles"><RoleList /></Tabs.Panel>
        <Tabs.Panel value="policies"><PolicyList /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function UserList() {
  const users = useCallAll<User>("iam", "ListUsers", { MaxItems: 500 }, "Users", PAGES);
  const [name, setName] = useState("");
  const [adding, setAdding] = useState(false);
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Card title="Users" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create user</Button>}>
      <Answer of={users}>
        {(rows) => (
          <Rows
            label="users" rows={rows} id={(user) => user.UserName} link={(user) => `/users/user/${encodeURIComponent(user.UserName)}`}
            empty={<Empty title="No user yet">The root key may do everything. Give people and programs users of their own.</Empty>}
            columns={[
              { head: "Name", cell: (user) => user.UserName, text: (user) => user.UserName },
              { head: "ARN", cell: (user) => <span className="mono">{user.Arn}</span>, text: (user) => user.Arn },
              { head: "Created", cell: (user) => <When at={user.CreateDate} /> },
            ]}
          />
        )}
      </Answer>
      <Modal opened={adding} onClose={() => setAdding(false)} title="Create a user" closeButtonProps={{ "aria-label": "Close" }}>
        <Stack component="form" onSubmit={(event) => {
          event.preventDefault();
          act.mutate({ service: "iam", operation: "CreateUser", params: { UserName: name }, then: () => go(`/users/user/${encodeURIComponent(name)}`) });
        }}>
          <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
        </Stack>
      </Modal>
    </Card>
  );
}

function RoleList() {
  const session = useSession();
  const roles = useCallAll<Role>("iam", "ListRoles", { MaxItems: 500 }, "Roles", PAGES);
  const [name, setName] = useState("");
  const [trust, setTrust] = useState(JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${session.account}:root` }, Action: "sts:AssumeRole" }] }, null, 2));
  const [adding, setAdding] = useState(false);
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Card title="Roles" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create role</Button>}>
      <Answer of={roles}>
        {(rows) => (
          <Rows
            label="roles" rows={rows} id={(role) => role.RoleName} link={(role) => `/users/role/${encodeURIComponent(role.RoleName)}`}
            empty={<Empty title="No role yet">Functions, integrations and people act as roles.</Empty>}
            columns={[
              { head: "Name", cell: (role) => role.RoleName, text: (role) => role.RoleName },
              { head: "ARN", cell: (role) => <span className="mono">{role.Arn}</span>, text: (role) => role.Arn },
              { head: "Description", cell: (role) => role.Description || "–" },
              { head: "Created", cell: (role) => <When at={role.CreateDate} /> },
            ]}
          />
        )}
      </Answer>
      <Modal opened={adding} onClose={() => setAdding(false)} title="Create a role" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
        <Stack component="form" onSubmit={(event) => {
          event.preventDefault();
          act.mutate({ service: "iam", operation: "CreateRole", params: { RoleName: name, AssumeRolePolicyDocument: trust }, then: () => go(`/users/role/${encodeURIComponent(name)}`) });
        }}>
          <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Text size="sm" fw={550}>Who may act as it</Text>
          <Code label="Trust policy" language="json" value={trust} onChange={setTrust} height="220px" />
          <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
        </Stack>
      </Modal>
    </Card>
  );
}

function PolicyList() {
  const policies = useCallAll<Policy>("iam", "ListPolicies", { MaxItems: 500 }, "Policies", PAGES);
  return (
    <Card title="Managed policies" flush>
      <Answer of={policies}>
        {(rows) => (
          <Rows
            label="policies" rows={rows} id={(policy) => policy.Arn} empty={<Empty title="No managed policy yet">Inline policies are written with a user or a role.</Empty>}
            columns={[
              { head: "Name", cell: (policy) => policy.PolicyName, text: (policy) => policy.PolicyName },
              { head: "ARN", cell: (policy) => <span className="mono">{policy.Arn}</span>, text: (policy) => policy.Arn },
              { head: "Attached", right: true, cell: (policy) => policy.AttachmentCount ?? 0 },
              { head: "Description", cell: (policy) => policy.Description || "–" },
            ]}
          />
        )}
      </Answer>
    </Card>
  );
}
