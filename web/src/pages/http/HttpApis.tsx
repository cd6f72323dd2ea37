import { Badge, Button, FileButton, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Copy } from "../../parts/Copy";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { HttpApiView } from "./HttpApiView";

export type Api = {
  ApiId: string; Name: string; ProtocolType: "HTTP" | "WEBSOCKET"; ApiEndpoint?: string; Description?: string; CreatedDate: string;
  RouteSelectionExpression?: string; CorsConfiguration?: Record<string, unknown>;
};

/** HTTP and WebSocket APIs. */
export default function HttpApis() {
  return (
    <Switch>
      <Route path="/http" component={List} />
      <Route<{ id: string; tab?: string }> path="/http/:id/:tab?">{({ id, tab }) => <HttpApiView id={id} tab={tab ?? "routes"} />}</Route>
    </Switch>
  );
}

function List() {
  const apis = useCallAll<Api>("apigatewayv2", "GetApis", { MaxResults: "500" }, "Items", ["NextToken", "NextToken"]);
  const [adding, setAdding] = useState(false);
  const [, go] = useLocation();
  const act = useAct<Api>();
  return (
    <Page title="HTTP and WebSocket APIs" about="Routes to backends and functions, with JWT and Lambda authorizers, CORS, automatic deployments"
      actions={
        <>
          <FileButton accept=".yaml,.yml,.json" onChange={async (file) => file && act.mutate({
            service: "apigatewayv2", operation: "ImportApi", params: { Body: await file.text() }, done: "The document was imported", then: (api) => go(`/http/${api.ApiId}`),
          })}>
            {(props) => <Button {...props} variant="default" loading={act.isPending}>Import OpenAPI</Button>}
          </FileButton>
          <Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>Create API</Button>
        </>
      }>
      <Card flush>
        {act.error && <Wrong error={act.error} />}
        <Answer of={apis}>
          {(rows) => (
            <Rows
              label="HTTP and WebSocket APIs" rows={rows} id={(api) => api.ApiId} link={(api) => `/http/${api.ApiId}`}
              empty={<Empty title="No API was created yet" action={<Button onClick={() => setAdding(true)}>Create API</Button>}>An HTTP API passes requests to a backend or a function with less ceremony than a REST API; a WebSocket API keeps connections.</Empty>}
              columns={[
                { head: "Name", cell: (api) => api.Name, text: (api) => api.Name },
                { head: "Kind", cell: (api) => <Badge color={api.ProtocolType === "HTTP" ? "blue" : "grape"}>{api.ProtocolType}</Badge>, text: (api) => api.ProtocolType },
                { head: "ID", cell: (api) => <span className="mono">{api.ApiId}</span>, text: (api) => api.ApiId },
                { head: "Endpoint", cell: (api) => <><span className="mono">{api.ApiEndpoint}</span> {api.ApiEndpoint && <Copy value={api.ApiEndpoint} label={`Copy the endpoint of ${api.Name}`} />}</> },
                { head: "Created", cell: (api) => <When at={api.CreatedDate} /> },
              ]}
            />
          )}
        </Answer>
      </Card>
      {adding && <Add close={() => setAdding(false)} />}
    </Page>
  );
}

function Add({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState("HTTP");
  const [target, setTarget] = useState("");
  const [expression, setExpression] = useState("$request.body.action");
  const [, go] = useLocation();
  const act = useAct<Api>();
  return (
    <Modal opened onClose={close} title="Create an API" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "apigatewayv2", operation: "CreateApi", done: `${name} was created`, then: (api) => go(`/http/${api.ApiId}`),
          params: { Name: name, ProtocolType: kind, ...(kind === "HTTP" ? { Target: target || undefined } : { RouteSelectionExpression: expression }) },
        });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select label="Kind" data={["HTTP", "WEBSOCKET"]} value={kind} onChange={(value) => setKind(value ?? "HTTP")} allowDeselect={false} />
        {kind === "HTTP"
          ? <TextInput label="Backend" description="An address or a function’s ARN: gets a default route and stage. Empty: no route yet." value={target} onChange={(event) => setTarget(event.currentTarget.value)} classNames={{ input: "mono" }} placeholder="https://backend.example" />
          : <TextInput label="Route selection" required value={expression} onChange={(event) => setExpression(event.currentTarget.value)} classNames={{ input: "mono" }} />}
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}
