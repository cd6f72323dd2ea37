import { Tabs } from "@mantine/core";
import { Route, Switch, useLocation } from "wouter";
import { Page } from "../../parts/Page";
import { Invoices } from "./Invoices";
import { PortalList } from "./PortalList";
import { ProductList } from "./ProductList";
import { ProductView } from "./ProductView";
import { Requests } from "./Requests";

/** What developers outside are offered, and what they asked for. */
export default function Portals() {
  return (
    <Switch>
      <Route path="/portals/product/:id">{({ id }) => <ProductView id={id} />}</Route>
      <Route<{ tab?: string }> path="/portals/:tab?">{({ tab }) => <All tab={tab ?? "requests"} />}</Route>
    </Switch>
  );
}

function All({ tab }: { tab: string }) {
  const [, go] = useLocation();
  return (
    <Page title="Developer portal" about="Products for developers outside, their subscriptions and invoices">
      <Tabs value={tab} onChange={(value) => go(value === "requests" ? "/portals" : `/portals/${value}`)} keepMounted={false}>
        <Tabs.List mb={14}>
          <Tabs.Tab value="requests">Subscriptions</Tabs.Tab>
          <Tabs.Tab value="products">Products</Tabs.Tab>
          <Tabs.Tab value="portals">Portals</Tabs.Tab>
          <Tabs.Tab value="invoices">Invoices</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="requests"><Requests /></Tabs.Panel>
        <Tabs.Panel value="products"><ProductList /></Tabs.Panel>
        <Tabs.Panel value="portals"><PortalList /></Tabs.Panel>
        <Tabs.Panel value="invoices"><Invoices /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}
