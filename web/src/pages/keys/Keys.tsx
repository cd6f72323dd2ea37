import { Tabs } from "@mantine/core";
import { Route, Switch, useLocation } from "wouter";
import { Page } from "../../parts/Page";
import { ApiKeys } from "./ApiKeys";
import { PlanView } from "./PlanView";
import { Plans } from "./Plans";

/** Who may call what, how often. */
export default function Keys() {
  return (
    <Switch>
      <Route path="/keys/plans/:id">{({ id }) => <PlanView id={id} />}</Route>
      <Route<{ tab?: string }> path="/keys/:tab?">{({ tab }) => <Both tab={tab ?? "keys"} />}</Route>
    </Switch>
  );
}

function Both({ tab }: { tab: string }) {
  const [, go] = useLocation();
  return (
    <Page title="API keys and usage plans" about="A key in a plan may call the plan’s stages, as often as the plan says">
      <Tabs value={tab} onChange={(value) => go(value === "keys" ? "/keys" : `/keys/${value}`)} keepMounted={false}>
        <Tabs.List mb={14}>
          <Tabs.Tab value="keys">API keys</Tabs.Tab>
          <Tabs.Tab value="plans">Usage plans</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="keys"><ApiKeys /></Tabs.Panel>
        <Tabs.Panel value="plans"><Plans /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}
