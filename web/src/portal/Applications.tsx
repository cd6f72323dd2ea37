import { Alert, Badge, Button, Code, Group, Modal, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { Answer } from "../parts/Answer";
import { Confirm } from "../parts/Confirm";
import { Copy } from "../parts/Copy";
import { Empty } from "../parts/Empty";
import { When } from "../parts/figures";
import { Card, Page } from "../parts/Page";
import { Rows } from "../parts/Rows";
import { fresh, useAct, useAsked, useSession } from "./ask";
import type { Application, Key, Subscription } from "./types";
import { priced } from "./words";

const COLORS: Record<string, string> = { active: "teal", pending: "orange" };

/** Applications, what each is subscribed to, and its keys. */
export default function Applications() {
  const applications = useAsked<{ applications: Application[] }>("applications");
  const subscriptions = useAsked<{ subscriptions: Subscription[] }>("subscriptions", { refetchInterval: 5000 });
  const [adding, setAdding] = useState(false);
  return (
    <Page
      title="Applications" about="Keys belong to an application and open one product each"
      actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>New application</Button>}
    >
      <Answer of={applications}>
        {({ applications: found }) => found.length === 0
          ? <Empty title="No application yet">Make one, or subscribe to a product from <Link href="/">the products</Link>.</Empty>
          : found.map((each) => <One key={each.id} of={each} all={subscriptions.data?.subscriptions ?? []} />)}
      </Answer>
      {adding && <Add close={() => setAdding(false)} />}
    </Page>
  );
}

function One({ of, all }: { of: Application; all: Subscription[] }) {
  const own = all.filter((each) => each.applicationId === of.id);
  const act = useAct();
  return (
    <Card
      title={of.name} flush
      actions={!own.some((each) => COLORS[each.state]) && (
        <Confirm label="Delete application" title={`Delete ${of.name}?`} act={() => act.mutate({ path: `applications/${of.id}`, method: "DELETE", done: `${of.name} was deleted` })}>
          What it used stays in your invoices.
        </Confirm>
      )}
    >
      {own.length === 0 ? <Empty title="No subscription yet">Pick a plan of one of <Link href="/">the products</Link>.</Empty> : (
        <Stack p="md" gap="lg">{own.map((each) => <Subscribed key={each.id} of={each} />)}</Stack>
      )}
    </Card>
  );
}

function Subscribed({ of }: { of: Subscription }) {
  const { session } = useSession();
  const act = useAct();
  const [rotating, setRotating] = useState(false);
  const made = useAct<{ value: string; subscription: Subscription }>();
  const open = of.keys.filter((key) => !key.ended);
  const make = (overlapHours: number) => made.mutate({
    path: `keys/${of.id}`, body: { overlapHours },
    then: ({ value, subscription }) => {
      fresh.set(subscription.keys.at(-1)!.id, value);
      setRotating(false);
    },
  });
  return (
    <section aria-label={`${of.product}, ${of.plan}`}>
      <Group justify="space-between" mb={6}>
        <Group gap={8}>
          <Link href={`/products/${of.productId}`}>{of.product}</Link>
          <Text size="sm" c="dimmed">{of.plan} · {priced(of.price, session.currency)}</Text>
          <Badge color={COLORS[of.state] ?? "gray"}>{of.state}</Badge>
        </Group>
        <Group gap={8}>
          {of.state === "active" && open.length === 0 && <Button size="xs" loading={made.isPending} onClick={() => make(0)}>Get a key</Button>}
          {of.state === "active" && open.length > 0 && <Button size="xs" variant="default" onClick={() => setRotating(true)}>Rotate key</Button>}
          {COLORS[of.state] && (
            <Confirm label="Cancel" title={`Cancel ${of.product}?`} act={() => act.mutate({ path: `subscriptions/${of.id}`, method: "DELETE", done: "The subscription was cancelled" })}>
              Its keys open nothing from then on.
            </Confirm>
          )}
        </Group>
      </Group>
      {of.reason && <Text size="sm" c="dimmed">{of.reason}</Text>}
      {of.state === "pending" && <Text size="sm" c="dimmed">Waiting for approval</Text>}
      {open.length > 0 && <Keys of={of} keys={open} />}
      {rotating && <Rotate close={() => setRotating(false)} make={make} busy={made.isPending} hours={session.overlapHours} />}
      {made.data && (
        <Modal opened onClose={() => made.reset()} title="Your key" closeButtonProps={{ "aria-label": "Close" }}>
          <Stack>
            <Alert color="orange" title="Copy it now">The key is shown this once. Send it as <Code>x-api-key</Code>.</Alert>
            <Group gap={6} wrap="nowrap"><Code style={{ flex: 1 }} aria-label="The key">{made.data.value}</Code><Copy value={made.data.value} label="Copy the key" /></Group>
            <Group justify="flex-end"><Button onClick={() => made.reset()}>I have it</Button></Group>
          </Stack>
        </Modal>
      )}
    </section>
  );
}

function Keys({ of, keys }: { of: Subscription; keys: Key[] }) {
  const act = useAct();
  return (
    <Rows
      label={`keys for ${of.product}`} rows={keys} id={(key) => key.id} search={false}
      columns={[
        { head: "Key", cell: (key) => <span className="mono">…{key.hint}</span> },
        { head: "Made", cell: (key) => <When at={key.created} /> },
        { head: "Ends", cell: (key) => <When at={key.expires} /> },
        { head: "Act", quiet: true, right: true, cell: (key) => (
          <Confirm label="Revoke" title="Revoke this key?" act={() => act.mutate({ path: `keys/${of.id}/${key.id}`, method: "DELETE", done: "The key was revoked" })}>
            It opens nothing from then on.
          </Confirm>
        ) },
      ]}
    />
  );
}

function Rotate({ close, make, busy, hours }: { close: () => void; make: (hours: number) => void; busy: boolean; hours: number }) {
  const [overlap, setOverlap] = useState<number | string>(hours);
  return (
    <Modal opened onClose={close} title="Rotate the key" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        make(Number(overlap));
      }}>
        <NumberInput label="Hours that the old key goes on" description="0 ends it at once" min={0} max={720} required value={overlap} onChange={setOverlap} data-autofocus />
        <Group justify="flex-end"><Button type="submit" loading={busy}>Make the new key</Button></Group>
      </Stack>
    </Modal>
  );
}

function Add({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const act = useAct();
  return (
    <Modal opened onClose={close} title="New application" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({ path: "applications", body: { name, description }, done: `${name} was made`, then: close });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <TextInput label="What it is for" value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}
