import { ActionIcon, Button, Checkbox, Group, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { call } from "../../gateway/call";
import { failed, useAct, useCall, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Confirm } from "../../parts/Confirm";
import { Empty } from "../../parts/Empty";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { OfferForm } from "./OfferForm";
import { V2, type Offer, type Portal, type Product } from "./types";

/** A product: its offer, its pages, the portals that it is in. */
export function ProductView({ id }: { id: string }) {
  const product = useCall<Product>("apigatewayv2", "GetPortalProduct", { PortalProductId: id });
  const offers = useCall<{ offers: Offer[] }>("torana", "ListOffers");
  const [, go] = useLocation();
  const act = useAct();
  if (product.error) return <Wrong error={product.error} />;
  return (
    <Page
      title={product.data?.DisplayName ?? "…"} about={product.data?.Description} trail={[{ label: "Products", path: "/portals/products" }]}
      actions={(
        <Confirm label="Delete product" title="Delete this product?" icon={<IconTrash size={14} />} act={() => act.mutate({
          service: "apigatewayv2", operation: "DeletePortalProduct", params: { PortalProductId: id }, done: "The product was deleted", then: () => go("/portals/products"),
        })}>
          Take it out of its portals first. Subscriptions stay until they are revoked.
        </Confirm>
      )}
    >
      <div className="two">
        <Card title="Offer">
          <Answer of={offers}>
            {({ offers: found }) => <OfferForm key={id} product={id} offer={found.find((each) => each.productId === id)} />}
          </Answer>
        </Card>
        <div className="grid" style={{ alignContent: "start" }}>
          {product.data && <In product={product.data} />}
          <Pages product={id} />
        </div>
      </div>
    </Page>
  );
}

function In({ product }: { product: Product }) {
  const portals = useCallAll<Portal>("apigatewayv2", "ListPortals", {}, "Items", V2);
  const act = useAct();
  const arn = product.PortalProductArn;
  const set = async (portal: Portal, on: boolean) => {
    const rest = portal.IncludedPortalProductArns.filter((each) => each !== arn);
    await call("apigatewayv2", "UpdatePortal", { PortalId: portal.PortalId, IncludedPortalProductArns: on ? [...rest, arn] : rest });
    act.mutate({ service: "apigatewayv2", operation: "PublishPortal", params: { PortalId: portal.PortalId }, done: `${portal.PortalContent.DisplayName} is published` });
  };
  return (
    <Card title="In portals">
      <Answer of={portals}>
        {(rows) => rows.length === 0 ? <Empty title="No portal yet">Create one first.</Empty> : (
          <Stack gap={8}>
            {rows.map((each) => (
              <Checkbox
                key={each.PortalId} label={each.PortalContent.DisplayName} checked={each.IncludedPortalProductArns.includes(arn)}
                onChange={(event) => set(each, event.currentTarget.checked).catch(failed)}
              />
            ))}
          </Stack>
        )}
      </Answer>
    </Card>
  );
}

type Text = { ProductPageId: string; PageTitle: string };

function Pages({ product }: { product: string }) {
  const pages = useCallAll<Text>("apigatewayv2", "ListProductPages", { PortalProductId: product }, "Items", V2);
  const [editing, setEditing] = useState<string | null>(null);
  const act = useAct();
  return (
    <Card title="Pages" flush actions={<Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => setEditing("")}>New page</Button>}>
      <Answer of={pages}>
        {(rows) => (
          <Rows
            label="pages" rows={rows} id={(each) => each.ProductPageId} search={false} empty={<Empty title="No page yet">Say how to begin, in Markdown. Pages are seen when the portal is published.</Empty>}
            columns={[
              { head: "Title", cell: (each) => each.PageTitle },
              { head: "Act", quiet: true, right: true, cell: (each) => (
                <Group gap={6} justify="flex-end">
                  <Button size="xs" variant="default" onClick={() => setEditing(each.ProductPageId)}>Edit</Button>
                  <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${each.PageTitle}`} onClick={() => act.mutate({
                    service: "apigatewayv2", operation: "DeleteProductPage", params: { PortalProductId: product, ProductPageId: each.ProductPageId }, done: "The page was deleted",
                  })}><IconTrash size={15} /></ActionIcon>
                </Group>
              ) },
            ]}
          />
        )}
      </Answer>
      {editing !== null && <Edit product={product} page={editing} close={() => setEditing(null)} />}
    </Card>
  );
}

function Edit({ product, page, close }: { product: string; page: string; close: () => void }) {
  const found = useCall<{ DisplayContent: { Title: string; Body: string } }>("apigatewayv2", "GetProductPage", { PortalProductId: product, ProductPageId: page }, { enabled: page !== "" });
  const [title, setTitle] = useState<string | null>(null);
  const [body, setBody] = useState<string | null>(null);
  const act = useAct();
  const content = { Title: title ?? found.data?.DisplayContent.Title ?? "", Body: body ?? found.data?.DisplayContent.Body ?? "" };
  return (
    <Modal opened onClose={close} title={page ? "Edit the page" : "New page"} size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        const place = { PortalProductId: product, DisplayContent: content };
        act.mutate(page
          ? { service: "apigatewayv2", operation: "UpdateProductPage", params: { ...place, ProductPageId: page }, done: "The page was changed", then: close }
          : { service: "apigatewayv2", operation: "CreateProductPage", params: place, done: "The page was made", then: close });
      }}>
        <TextInput label="Title" required value={content.Title} onChange={(event) => setTitle(event.currentTarget.value)} data-autofocus />
        <Textarea label="Text, in Markdown" required autosize minRows={10} maxRows={24} value={content.Body} onChange={(event) => setBody(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Save</Button></Group>
      </Stack>
    </Modal>
  );
}
