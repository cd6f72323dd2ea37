import { Badge, Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { mapOf, Pairs, pairsOf } from "../../parts/Pairs";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";

type GatewayResponse = {
  responseType: string; statusCode?: string; responseParameters?: Record<string, string>; responseTemplates?: Record<string, string>; defaultResponse?: boolean;
};

/** What the gateway itself says where no integration answers. */
export function GatewayResponses({ api, chosen }: { api: string; chosen?: string }) {
  const responses = useCallAll<GatewayResponse>("apigateway", "GetGatewayResponses", { restApiId: api, limit: 500 }, "items");
  const response = responses.data?.find((each) => each.responseType === chosen);
  return (
    <div className="grid">
      <Card title="Gateway responses" flush>
        <Answer of={responses}>
          {(rows) => (
            <Rows
              label="gateway responses" rows={rows} id={(each) => each.responseType} link={(each) => `/apis/${api}/responses/${each.responseType}`}
              columns={[
                { head: "Type", cell: (each) => <span className="mono">{each.responseType}</span>, text: (each) => each.responseType },
                { head: "Status", cell: (each) => each.statusCode ?? "as it comes", text: (each) => each.statusCode ?? "" },
                { head: "Is", cell: (each) => each.defaultResponse ? "the service’s own" : <Badge color="lagoon">changed</Badge> },
              ]}
            />
          )}
        </Answer>
      </Card>
      {response && <Edit key={JSON.stringify(response)} api={api} response={response} />}
    </div>
  );
}

function Edit({ api, response }: { api: string; response: GatewayResponse }) {
  const templates = response.responseTemplates ?? {};
  const [status, setStatus] = useState(response.statusCode ?? "");
  const [headers, setHeaders] = useState(pairsOf(response.responseParameters));
  const [texts, setTexts] = useState(Object.keys(templates).length ? templates : { "application/json": "" });
  const [type, setType] = useState(Object.keys(texts)[0]!);
  const [, go] = useLocation();
  const act = useAct();
  const place = { restApiId: api, responseType: response.responseType };
  return (
    <Card title={<span className="mono">{response.responseType}</span>}>
      <Stack>
        <TextInput label="Status" description="Empty: whatever the error has" value={status} onChange={(event) => setStatus(event.currentTarget.value)} w={200} />
        <Pairs
          label="Headers" names="gatewayresponse.header.Name" values="'text' or method.request.header.Name" pairs={headers} onChange={setHeaders}
          hint="gatewayresponse.header.Access-Control-Allow-Origin to '*', for browsers of other origins"
        />
        <Select label="Template for" data={Object.keys(texts)} value={type} onChange={(value) => value && setType(value)} allowDeselect={false} w={260} />
        <Code label="What is said" value={texts[type] ?? ""} onChange={(text) => setTexts((before) => ({ ...before, [type]: text }))} height="140px" />
        <Group justify="flex-end">
          {!response.defaultResponse && (
            <Button variant="default" onClick={() => act.mutate({
              service: "apigateway", operation: "DeleteGatewayResponse", params: place, done: `${response.responseType} is the service’s own again`,
              then: () => go(`/apis/${api}/responses`),
            })}>
              Back to the service’s own
            </Button>
          )}
          <Button loading={act.isPending} onClick={() => act.mutate({
            service: "apigateway", operation: "PutGatewayResponse", done: "Saved; deploy to serve it",
            params: { ...place, statusCode: status || undefined, responseParameters: mapOf(headers), responseTemplates: texts },
          })}>
            Save
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}
