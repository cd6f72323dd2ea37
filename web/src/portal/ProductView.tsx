import { Anchor, Badge, Button, Group, List, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { Answer } from "../parts/Answer";
import { Card, Page } from "../parts/Page";
import { base, useAct, useAsked, useSession } from "./ask";
import { Prose } from "./Prose";
import type { Api, Application, Plan, Product, Subscription } from "./types";
import { limited, Notice, priced } from "./words";

/** A product: what it says of itself, its APIs, its plans. */
export function ProductView({ id }: { id: string }) {
  const product = useAsked<Product>(`products/${id}`);
  return (
    <Answer of={product}>
      {(found) => (
        <Page title={found.name} about={found.description} trail={[{ label: "Products", path: "/" }]}>
          {found.apis.map((api) => api.lifecycle.deprecation && api.lifecycle.state !== "published" && (
            <Notice key={`${api.api}/${api.stage}`} of={api.lifecycle.deprecation} what={`${api.name} ${api.version}`} retired={api.lifecycle.state === "retired"} />
          ))}
          <div className="two">
            <div className="grid" style={{ alignContent: "start" }}>
              {found.pages.map((page) => <Card key={page.id} title={page.title}><Prose>{page.body}</Prose></Card>)}
              {found.apis.map((api) => <ApiCard key={`${api.api}/${api.stage}`} api={api} product={found} />)}
            </div>
            <Plans product={found} />
          </div>
        </Page>
      )}
    </Answer>
  );
}

const LANGUAGES: Record<string, string> = { python: "Python", typescript: "TypeScript" };

function ApiCard({ api, product }: { api: Api; product: Product }) {
  const { session } = useSession();
  const place = `${product.id}/${api.api}/${encodeURIComponent(api.stage)}`;
  const changes = api.lifecycle.changelog ?? [];
  return (
    <Card title={`${api.name} ${api.version}`} actions={<Badge color={api.lifecycle.state === "published" ? "lagoon" : "orange"}>{api.lifecycle.state}</Badge>}>
      <Stack gap="sm">
        <Group gap="xs">
          <Button component={Link} href={`/products/${place}`}>Read the reference</Button>
          {session.languages.map((language) => (
            <Button
              key={language} component="a" href={`${base}/api/sdk/${place}/${language}`} download variant="default"
              leftSection={<IconDownload size={15} />}
            >
              {LANGUAGES[language] ?? language} client
            </Button>
          ))}
        </Group>
        {(api.lifecycle.owners ?? []).length > 0 && (
          <Text size="sm">
            Ask {api.lifecycle.owners!.map((owner, i) => (
              <span key={owner.name}>{i > 0 && ", "}{owner.contact ? <Anchor href={owner.contact} size="sm" underline="always">{owner.name}</Anchor> : owner.name}</span>
            ))}
          </Text>
        )}
        {changes.length > 0 && (
          <List size="sm" spacing={4} aria-label="Changelog">
            {changes.slice(0, 10).map((change, i) => (
              <List.Item key={i}><Text span size="sm" c="dimmed">{change.date.slice(0, 10)}</Text> {change.text}</List.Item>
            ))}
          </List>
        )}
      </Stack>
    </Card>
  );
}

function Plans({ product }: { product: Product }) {
  const { session } = useSession();
  const [chosen, setChosen] = useState<Plan | null>(null);
  return (
    <div className="grid" style={{ alignContent: "start" }}>
      {product.plans.map((plan) => (
        <Card key={plan.usagePlanId} title={plan.name}>
          <Stack gap={6}>
            {plan.description && <Text size="sm">{plan.description}</Text>}
            <Text fw={600}>{priced(plan.price, session.currency)}</Text>
            <Text size="sm" c="dimmed">{limited(plan)}</Text>
            {session.who && <Button onClick={() => setChosen(plan)} mt={4}>Subscribe</Button>}
            {!session.who && session.signIn && <Button component={Link} href="/sign-in" variant="default" mt={4}>Sign in to subscribe</Button>}
          </Stack>
        </Card>
      ))}
      {chosen && <Subscribe product={product} plan={chosen} close={() => setChosen(null)} />}
    </div>
  );
}

function Subscribe({ product, plan, close }: { product: Product; plan: Plan; close: () => void }) {
  const applications = useAsked<{ applications: Application[] }>("applications");
  const [application, setApplication] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [, go] = useLocation();
  const { session } = useSession();
  const made = useAct<Application>();
  const asked = useAct<Subscription>();
  const known = applications.data?.applications ?? [];
  const first = applications.data !== undefined && known.length === 0;

  async function subscribe() {
    const id = first ? (await made.mutateAsync({ path: "applications", body: { name } })).id : application;
    asked.mutate({
      path: "subscriptions", body: { application: id, product: product.id, plan: plan.usagePlanId },
      done: product.approval === "automatic" ? "Subscribed: get your key" : "Asked for: you will see here when it is approved", then: () => go("/applications"),
    });
  }

  return (
    <Modal opened onClose={close} title={`Subscribe to ${product.name}`} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        subscribe().catch(() => {});
      }}>
        <Text size="sm">{plan.name}: {priced(plan.price, session.currency)}. {limited(plan)}.</Text>
        {first
          ? <TextInput label="Name of your application" description="Keys belong to an application" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          : <Select label="Application" required data={known.map((each) => ({ value: each.id, label: each.name }))} value={application} onChange={setApplication} />}
        <Group justify="flex-end"><Button type="submit" loading={made.isPending || asked.isPending} disabled={!first && !application}>{product.approval === "automatic" ? "Subscribe" : "Ask for it"}</Button></Group>
      </Stack>
    </Modal>
  );
}
