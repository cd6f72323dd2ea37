import { Tabs } from "@mantine/core";
import { Route, Switch, useLocation } from "wouter";
import { Page } from "../../parts/Page";
import { Certificates } from "./Certificates";
import { DomainView } from "./DomainView";
import { Links } from "./Links";
import { Names } from "./Names";

/** Under which names APIs are reached, and how they reach private backends. */
export default function Domains() {
  return (
    <Switch>
      <Route path="/domains/name/:name">{({ name }) => <DomainView name={decodeURIComponent(name)} />}</Route>
      <Route<{ tab?: string }> path="/domains/:tab?">{({ tab }) => <Lists tab={tab ?? "names"} />}</Route>
    </Switch>
  );
}

function Lists({ tab }: { tab: string }) {
  const [, go] = useLocation();
  return (
    <Page title="Domains and links" about="Under which names APIs are reached, and how they reach private backends">
      <Tabs value={tab} onChange={(value) => go(value === "names" ? "/domains" : `/domains/${value}`)} keepMounted={false}>
        <Tabs.List mb={14}>
          <Tabs.Tab value="names">Domain names</Tabs.Tab>
          <Tabs.Tab value="certificates">Certificates</Tabs.Tab>
          <Tabs.Tab value="links">VPC links</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="names"><Names /></Tabs.Panel>
        <Tabs.Panel value="certificates"><Certificates /></Tabs.Panel>
        <Tabs.Panel value="links"><Links /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}
