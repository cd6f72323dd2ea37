import { Button, Group, Tabs } from "@mantine/core";
import { IconDownload, IconTrash } from "@tabler/icons-react";
import { useLocation } from "wouter";
import { download, textOf } from "../../gateway/base64";
import { call } from "../../gateway/call";
import { failed, useAct, useCall } from "../../gateway/hooks";
import { Wrong } from "../../parts/Answer";
import { Confirm } from "../../parts/Confirm";
import { Copy } from "../../parts/Copy";
import { Page } from "../../parts/Page";
import { Cors } from "./Cors";
import type { Api } from "./HttpApis";
import { Routes } from "./Routes";
import { StagesV2 } from "./StagesV2";

export function HttpApiView({ id, tab }: { id: string; tab: string }) {
  const api = useCall<Api>("apigatewayv2", "GetApi", { ApiId: id });
  const [, go] = useLocation();
  const act = useAct();
  if (api.error) return <Wrong error={api.error} />;
  const http = api.data?.ProtocolType === "HTTP";
  const take = async () => {
    try {
      const { body } = await call<{ body: string }>("apigatewayv2", "ExportApi", { ApiId: id, Specification: "OAS30", OutputType: "YAML" });
      download(`${id}.yaml`, textOf(body));
    } catch (error) {
      failed(error as Error);
    }
  };
  return (
    <Page
      title={api.data?.Name ?? "…"} trail={[{ label: "HTTP and WebSocket APIs", path: "/http" }]}
      about={api.data?.ApiEndpoint && <Group gap={4}><span className="mono">{api.data.ApiEndpoint}</span><Copy value={api.data.ApiEndpoint} label="Copy the endpoint" /></Group>}
      actions={
        <>
          {http && <Button size="xs" variant="default" leftSection={<IconDownload size={14} />} onClick={take}>OpenAPI</Button>}
          <Confirm label="Delete API" title={`Delete ${api.data?.Name}?`} icon={<IconTrash size={14} />} act={() => act.mutate({
            service: "apigatewayv2", operation: "DeleteApi", params: { ApiId: id }, done: "The API was deleted", then: () => go("/http"),
          })}>
            All of its stages stop answering at once.
          </Confirm>
        </>
      }
    >
      {api.data && (
        <Tabs value={tab} onChange={(value) => go(`/http/${id}/${value}`)} keepMounted={false}>
          <Tabs.List mb={14}>
            <Tabs.Tab value="routes">Routes</Tabs.Tab>
            <Tabs.Tab value="stages">Stages</Tabs.Tab>
            {http && <Tabs.Tab value="cors">CORS</Tabs.Tab>}
          </Tabs.List>
          <Tabs.Panel value="routes"><Routes api={api.data} /></Tabs.Panel>
          <Tabs.Panel value="stages"><StagesV2 api={api.data} /></Tabs.Panel>
          {http && <Tabs.Panel value="cors"><Cors key={JSON.stringify(api.data.CorsConfiguration)} api={api.data} /></Tabs.Panel>}
        </Tabs>
      )}
    </Page>
  );
}
