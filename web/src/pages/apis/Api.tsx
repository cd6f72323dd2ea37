import { Button, Group, Menu, Tabs, Text } from "@mantine/core";
import { IconChevronDown, IconRocket } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCall } from "../../gateway/hooks";
import { Wrong } from "../../parts/Answer";
import { Copy } from "../../parts/Copy";
import { Page } from "../../parts/Page";
import { Authorizers } from "./Authorizers";
import { Deploy } from "./Deploy";
import { Deployments } from "./Deployments";
import { GatewayResponses } from "./GatewayResponses";
import { Models } from "./Models";
import { Resources } from "./Resources";
import { Settings } from "./Settings";
import { Stages } from "./Stages";
import type { RestApi } from "./types";

const TABS = [
  ["resources", "Resources"], ["stages", "Stages"], ["deployments", "Deployments"], ["models", "Models"],
  ["authorizers", "Authorizers"], ["responses", "Gateway responses"], ["settings", "Settings"],
] as const;

export function Api({ id, tab, item }: { id: string; tab: string; item?: string }) {
  const api = useCall<RestApi>("apigateway", "GetRestApi", { restApiId: id });
  const [, go] = useLocation();
  const [deploying, setDeploying] = useState(false);
  const act = useAct<{ id: string }>();
  if (api.error) return <Wrong error={api.error} />;
  return (
    <Page
      title={api.data?.name ?? "…"} trail={[{ label: "REST APIs", path: "/apis" }]}
      about={
        <Group gap={4}>
          <span className="mono">{id}</span><Copy value={id} label="Copy the API's ID" />
          {api.data?.description && <Text size="sm" c="dimmed">· {api.data.description}</Text>}
        </Group>
      }
      actions={
        <Group gap={0}>
          <Button leftSection={<IconRocket size={15} />} onClick={() => setDeploying(true)} style={{ borderTopRightRadius: 0, borderBottomRightRadius: 0 }}>
            Deploy
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <Button px={8} aria-label="More" style={{ borderTopLeftRadius: 0, borderBottomLeftRadius: 0, borderLeftColor: "#ffffff40" }}>
                <IconChevronDown size={15} />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => act.mutate({
                service: "apigateway", operation: "CreateDeployment", params: { restApiId: id }, done: "Deployed, to no stage yet",
              })}>
                Deploy to no stage
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      }
    >
      <Tabs value={tab} onChange={(value) => go(`/apis/${id}/${value}`)} keepMounted={false}>
        <Tabs.List mb={14}>
          {TABS.map(([value, label]) => <Tabs.Tab key={value} value={value}>{label}</Tabs.Tab>)}
        </Tabs.List>
        <Tabs.Panel value="resources"><Resources api={id} chosen={item} /></Tabs.Panel>
        <Tabs.Panel value="stages"><Stages api={id} chosen={item} /></Tabs.Panel>
        <Tabs.Panel value="deployments"><Deployments api={id} /></Tabs.Panel>
        <Tabs.Panel value="models"><Models api={id} chosen={item} /></Tabs.Panel>
        <Tabs.Panel value="authorizers"><Authorizers api={id} /></Tabs.Panel>
        <Tabs.Panel value="responses"><GatewayResponses api={id} chosen={item} /></Tabs.Panel>
        <Tabs.Panel value="settings">{api.data && <Settings api={api.data} />}</Tabs.Panel>
      </Tabs>
      <Deploy api={id} opened={deploying} close={() => setDeploying(false)} />
    </Page>
  );
}
