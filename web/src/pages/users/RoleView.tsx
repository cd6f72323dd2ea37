import { Button, Group } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCall } from "../../gateway/hooks";
import { Wrong } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { Confirm } from "../../parts/Confirm";
import { Card, Page } from "../../parts/Page";
import { documentOf, Policies } from "./Policies";
import type { Role } from "./Users";

export function RoleView({ name }: { name: string }) {
  const role = useCall<{ Role: Role }>("iam", "GetRole", { RoleName: name });
  const [, go] = useLocation();
  const act = useAct();
  if (role.error) return <Wrong error={role.error} />;
  return (
    <Page title={name} trail={[{ label: "Roles", path: "/users/roles" }]} about={role.data && <span className="mono">{role.data.Role.Arn}</span>}
      actions={
        <Confirm label="Delete role" title={`Delete ${name}?`} icon={<IconTrash size={14} />} act={() => act.mutate({
          service: "iam", operation: "DeleteRole", params: { RoleName: name }, done: `${name} was deleted`, then: () => go("/users/roles"),
        })}>
          Its policies must be gone first.
        </Confirm>
      }>
      {role.data && <Trust key={JSON.stringify(role.data)} name={name} text={documentOf(role.data.Role.AssumeRolePolicyDocument)} />}
      <Policies kind="Role" name={name} />
    </Page>
  );
}

function Trust({ name, text: was }: { name: string; text: string }) {
  const [text, setText] = useState(was);
  const act = useAct();
  return (
    <Card title="Who may act as it">
      <Code label="Trust policy" language="json" value={text} onChange={setText} height="220px" />
      <Group justify="flex-end" mt={10}>
        <Button loading={act.isPending} onClick={() => act.mutate({ service: "iam", operation: "UpdateAssumeRolePolicy", params: { RoleName: name, PolicyDocument: text }, done: "Saved" })}>Save</Button>
      </Group>
    </Card>
  );
}
