import { ActionIcon, Alert, Button, Code, Group, Modal, Stack, Switch } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCall, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Confirm } from "../../parts/Confirm";
import { Copy } from "../../parts/Copy";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { Policies } from "./Policies";
import { PAGES, type User } from "./Users";

type Key = { AccessKeyId: string; Status: string; CreateDate: string };
type Fresh = { AccessKey: { AccessKeyId: string; SecretAccessKey: string } };

export function UserView({ name }: { name: string }) {
  const user = useCall<{ User: User }>("iam", "GetUser", { UserName: name });
  const [, go] = useLocation();
  const act = useAct();
  if (user.error) return <Wrong error={user.error} />;
  return (
    <Page title={name} trail={[{ label: "Users", path: "/users" }]} about={user.data && <span className="mono">{user.data.User.Arn}</span>}
      actions={
        <Confirm label="Delete user" title={`Delete ${name}?`} icon={<IconTrash size={14} />} act={() => act.mutate({
          service: "iam", operation: "DeleteUser", params: { UserName: name }, done: `${name} was deleted`, then: () => go("/users"),
        })}>
          Its access keys and policies must be gone first.
        </Confirm>
      }>
      <Keys name={name} />
      <Policies kind="User" name={name} />
    </Page>
  );
}

function Keys({ name }: { name: string }) {
  const keys = useCallAll<Key>("iam", "ListAccessKeys", { UserName: name }, "AccessKeyMetadata", PAGES);
  const [fresh, setFresh] = useState<Fresh["AccessKey"] | null>(null);
  const make = useAct<Fresh>();
  const act = useAct();
  return (
    <Card title="Access keys" flush actions={
      <Button size="xs" leftSection={<IconPlus size={14} />} loading={make.isPending} onClick={() => make.mutate({ service: "iam", operation: "CreateAccessKey", params: { UserName: name }, then: ({ AccessKey }) => setFresh(AccessKey) })}>
        Create access key
      </Button>
    }>
      <Answer of={keys}>
        {(rows) => (
          <Rows
            label="access keys" rows={rows} id={(key) => key.AccessKeyId} search={false} empty={<Empty title="No access key yet">One signs in here, and signs the calls of boto3 and the AWS CLI.</Empty>}
            columns={[
              { head: "ID", cell: (key) => <span className="mono">{key.AccessKeyId}</span> },
              { head: "Created", cell: (key) => <When at={key.CreateDate} /> },
              { head: "Active", cell: (key) => (
                <Switch size="xs" checked={key.Status === "Active"} aria-label={`${key.AccessKeyId} is active`} onChange={(event) => act.mutate({
                  service: "iam", operation: "UpdateAccessKey", params: { UserName: name, AccessKeyId: key.AccessKeyId, Status: event.currentTarget.checked ? "Active" : "Inactive" },
                })} />
              ) },
              { head: "Act", quiet: true, right: true, cell: (key) => (
                <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${key.AccessKeyId}`} onClick={() => act.mutate({ service: "iam", operation: "DeleteAccessKey", params: { UserName: name, AccessKeyId: key.AccessKeyId } })}><IconTrash size={15} /></ActionIcon>
              ) },
            ]}
          />
        )}
      </Answer>
      <Modal opened={fresh !== null} onClose={() => setFresh(null)} title="The new access key" closeButtonProps={{ "aria-label": "Close" }}>
        {fresh && (
          <Stack>
            <Alert color="orange" title="Copy it now">The secret is shown this once.</Alert>
            <Group gap={6} wrap="nowrap"><Code style={{ flex: 1 }} aria-label="The access key ID">{fresh.AccessKeyId}</Code><Copy value={fresh.AccessKeyId} label="Copy the ID" /></Group>
            <Group gap={6} wrap="nowrap"><Code style={{ flex: 1 }} aria-label="The secret access key">{fresh.SecretAccessKey}</Code><Copy value={fresh.SecretAccessKey} label="Copy the secret" /></Group>
            <Group justify="flex-end"><Button onClick={() => setFresh(null)}>I have it</Button></Group>
          </Stack>
        )}
      </Modal>
    </Card>
  );
}
