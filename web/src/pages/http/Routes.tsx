import { ActionIcon, Badge, Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, type GatewayError } from "../../gateway/call";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { VERB_COLORS } from "../apis/types";
import type { Api } from "./HttpApis";

type RouteV2 = { RouteId: string; RouteKey: string; Target?: string; AuthorizationType?: string; AuthorizerId?: string; ApiKeyRequired?: boolean };
type IntegrationV2 = { IntegrationId: string; IntegrationType: string; IntegrationUri?: string; IntegrationMethod?: string; PayloadFormatVersion?: string };
type AuthorizerV2 = { AuthorizerId: string; Name: string; AuthorizerType: string };

const PAGES: [string, string] = ["NextToken", "NextToken"];

/** What leads where, and who may go. */
export function Routes({ api }: { api: Api }) {
  const ask = { ApiId: api.ApiId, MaxResults: "500" };
  const routes = useCallAll<RouteV2>("apigatewayv2", "GetRoutes", ask, "Items", PAGES);
  const integrations = useCallAll<IntegrationV2>("apigatewayv2", "GetIntegrations", ask, "Items", PAGES);
  const authorizers = useCallAll<AuthorizerV2>("apigatewayv2", "GetAuthorizers", ask, "Items", PAGES);
  const [adding, setAdding] = useState(false);
  const act = useAct();
  const target = (route: RouteV2) => integrations.data?.find((each) => `integrations/${each.IntegrationId}` === route.Target);
  return (
    <div className="grid">
      <Card title="Routes" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Add a route</Button>}>
        <Answer of={routes}>
          {(rows) => (
            <Rows
              label="routes" rows={rows.toSorted((a, b) => (a.RouteKey.split(" ").at(-1)! < b.RouteKey.split(" ").at(-1)! ? -1 : 1))} id={(route) => route.RouteId}
              empty={<Empty title="No route yet">{api.ProtocolType === "HTTP" ? "A route is a method and a path, such as GET /pets/{id}, or $default." : "A route is what the selection expression gives, such as $connect or a message’s action."}</Empty>}
              columns={[
                { head: "Route", cell: (route) => <Key of={route.RouteKey} />, text: (route) => route.RouteKey },
                { head: "Integration", cell: (route) => <>{target(route)?.IntegrationType ?? "none"}</> },
                { head: "Goes to", cell: (route) => <span className="mono">{target(route)?.IntegrationUri ?? "–"}</span>, text: (route) => target(route)?.IntegrationUri ?? "" },
                { head: "Authorization", cell: (route) => route.AuthorizationType === "NONE" || !route.AuthorizationType ? "–"
                  : `${route.AuthorizationType}${route.AuthorizerId ? ` · ${authorizers.data?.find((each) => each.AuthorizerId === route.AuthorizerId)?.Name ?? route.AuthorizerId}` : ""}` },
                { head: "Act", quiet: true, right: true, cell: (route) => (
                  <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${route.RouteKey}`} onClick={() => act.mutate({
                    service: "apigatewayv2", operation: "DeleteRoute", params: { ApiId: api.ApiId, RouteId: route.RouteId }, done: `${route.RouteKey} was deleted`,
                  })}><IconTrash size={15} /></ActionIcon>
                ) },
              ]}
            />
          )}
        </Answer>
      </Card>
      {adding && <Add api={api} integrations={integrations.data ?? []} authorizers={authorizers.data ?? []} close={() => setAdding(false)} />}
    </div>
  );
}

function Key({ of }: { of: string }) {
  const [verb, path] = of.split(" ");
  return path ? <Group gap={6} wrap="nowrap"><Badge color={VERB_COLORS[verb!] ?? "gray"}>{verb}</Badge><span className="mono">{path}</span></Group> : <span className="mono">{of}</span>;
}

function Add({ api, integrations, authorizers, close }: { api: Api; integrations: IntegrationV2[]; authorizers: AuthorizerV2[]; close: () => void }) {
  const http = api.ProtocolType === "HTTP";
  const [key, setKey] = useState(http ? "GET /" : "$default");
  const [type, setType] = useState("HTTP_PROXY");
  const [existing, setExisting] = useState<string | null>(null);
  const [uri, setUri] = useState("");
  const [authorizer, setAuthorizer] = useState<string | null>(null);
  const client = useQueryClient();
  const act = useMutation<unknown, GatewayError>({
    mutationFn: async () => {
      let integration = existing;
      if (!integration) {
        const made = await call<IntegrationV2>("apigatewayv2", "CreateIntegration", {
          ApiId: api.ApiId, IntegrationType: type, IntegrationUri: type === "MOCK" ? undefined : uri,
          ...(http ? { PayloadFormatVersion: type === "AWS_PROXY" ? "2.0" : "1.0" } : {}),
          ...(type === "HTTP_PROXY" ? { IntegrationMethod: http ? "ANY" : "POST" } : {}), ...(type === "AWS_PROXY" ? { IntegrationMethod: "POST" } : {}),
        });
        integration = made.IntegrationId;
      }
      const chosen = authorizers.find((each) => each.AuthorizerId === authorizer);
      const AuthorizationType = chosen ? (chosen.AuthorizerType === "JWT" ? "JWT" : "CUSTOM") : authorizer === "AWS_IAM" ? "AWS_IAM" : "NONE";
      await call("apigatewayv2", "CreateRoute", { ApiId: api.ApiId, RouteKey: key, Target: `integrations/${integration}`, AuthorizationType, AuthorizerId: chosen?.AuthorizerId });
      await client.invalidateQueries({ queryKey: ["apigatewayv2"] });
      close();
    },
  });
  const types = http ? ["HTTP_PROXY", "AWS_PROXY"] : ["HTTP_PROXY", "AWS_PROXY", "HTTP", "AWS", "MOCK"];
  return (
    <Modal opened onClose={close} title="Add a route" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => { event.preventDefault(); act.mutate(); }}>
        <TextInput label="Route" required value={key} onChange={(event) => setKey(event.currentTarget.value)} classNames={{ input: "mono" }} data-autofocus />
        {integrations.length > 0 && (
          <Select label="Integration" placeholder="A new one" clearable value={existing} onChange={setExisting}
            data={integrations.map((each) => ({ value: each.IntegrationId, label: `${each.IntegrationType} ${each.IntegrationUri ?? ""}` }))} />
        )}
        {!existing && <Select label="Type" data={types} value={type} onChange={(value) => setType(value ?? "HTTP_PROXY")} allowDeselect={false} />}
        {!existing && type !== "MOCK" && <TextInput label="Goes to" required value={uri} onChange={(event) => setUri(event.currentTarget.value)} classNames={{ input: "mono" }} placeholder={type === "AWS_PROXY" ? "arn:aws:lambda:…:function:name" : "https://backend.example/{path}"} />}
        <Select label="Authorization" placeholder="Anybody" clearable value={authorizer} onChange={setAuthorizer}
          data={[{ value: "AWS_IAM", label: "AWS_IAM" }, ...authorizers.map((each) => ({ value: each.AuthorizerId, label: `${each.Name} (${each.AuthorizerType})` }))]} />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Add</Button></Group>
      </Stack>
    </Modal>
  );
}
