import { Button, Group, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCall, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { V2, type Offer, type Product } from "./types";

/** Products, and what is offered of each. */
export function ProductList() {
  const products = useCallAll<Product>("apigatewayv2", "ListPortalProducts", {}, "Items", V2);
  const offers = useCall<{ offers: Offer[] }>("torana", "ListOffers");
  const [adding, setAdding] = useState(false);
  const offer = (id: string) => offers.data?.offers.find((each) => each.productId === id);
  return (
    <Card title="Products" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create product</Button>}>
      <Answer of={products}>
        {(rows) => (
          <Rows
            label="products" rows={rows} id={(each) => each.PortalProductId} link={(each) => `/portals/product/${each.PortalProductId}`}
            empty={<Empty title="No product yet">A product is APIs’ stages with pages, plans and prices.</Empty>}
            columns={[
              { head: "Name", cell: (each) => each.DisplayName, text: (each) => each.DisplayName },
              { head: "Stages", cell: (each) => (offer(each.PortalProductId)?.stages ?? []).join(", ") || "–" },
              { head: "Plans", cell: (each) => (offer(each.PortalProductId)?.plans ?? []).map((plan) => plan.name).join(", ") || "–" },
              { head: "Seen by", cell: (each) => offer(each.PortalProductId)?.visibility ?? "who is signed in" },
              { head: "Changed", cell: (each) => <When at={each.LastModified} /> },
            ]}
          />
        )}
      </Answer>
      {adding && <Add close={() => setAdding(false)} />}
    </Card>
  );
}

function Add({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [, go] = useLocation();
  const act = useAct<Product>();
  return (
    <Modal opened onClose={close} title="Create a product" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({ service: "apigatewayv2", operation: "CreatePortalProduct", params: { DisplayName: name, Description: about }, then: (made) => go(`/portals/product/${made.PortalProductId}`) });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Textarea label="Description" value={about} onChange={(event) => setAbout(event.currentTarget.value)} />
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}
