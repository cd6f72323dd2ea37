import { Button, Group, NumberInput, Select, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { patchOf, type PatchOperation } from "../../../gateway/patch";
import { useAct } from "../../../gateway/hooks";
import { mapOf, Pairs, pairsOf } from "../../../parts/Pairs";
import { Texts } from "../../../parts/Texts";
import { texts, VERBS, type Integration } from "../types";
import type { Place } from "./MethodView";

const TYPES = [
  { value: "HTTP", label: "HTTP: a backend, with mapping" },
  { value: "HTTP_PROXY", label: "HTTP_PROXY: a backend, passed through" },
  { value: "AWS", label: "AWS: a service or function, with mapping" },
  { value: "AWS_PROXY", label: "AWS_PROXY: a function, passed through" },
  { value: "MOCK", label: "MOCK: no backend" },
];

/** Where the request goes, and what becomes of it on the way. */
export function IntegrationRequest({ place, integration }: { place: Place; integration?: Integration }) {
  const [type, setType] = useState(integration?.type ?? "HTTP_PROXY");
  const [verb, setVerb] = useState(integration?.httpMethod ?? (place.httpMethod === "ANY" ? "ANY" : place.httpMethod));
  const [uri, setUri] = useState(integration?.uri ?? "");
  const [credentials, setCredentials] = useState(integration?.credentials ?? "");
  const [passthrough, setPassthrough] = useState(integration?.passthroughBehavior ?? "WHEN_NO_MATCH");
  const [timeout, setTimeout] = useState<number | string>(integration?.timeoutInMillis ?? 29000);
  const [parameters, setParameters] = useState(pairsOf(integration?.requestParameters));
  const [templates, setTemplates] = useState(texts(integration?.requestTemplates));
  const act = useAct();
  const mock = type === "MOCK", aws = type.startsWith("AWS"), mapped = !type.endsWith("_PROXY");

  const save = () => {
    const said = { service: "apigateway", done: "Saved; deploy to serve it" };
    if (integration && integration.type === type) {
      const operations: PatchOperation[] = patchOf(
        {
          httpMethod: integration.httpMethod, uri: integration.uri, credentials: integration.credentials,
          passthroughBehavior: integration.passthroughBehavior, timeoutInMillis: integration.timeoutInMillis,
          requestParameters: integration.requestParameters ?? {}, requestTemplates: texts(integration.requestTemplates),
        },
        {
          ...(mock ? {} : { httpMethod: verb, uri }), ...(aws ? { credentials } : {}), passthroughBehavior: passthrough,
          timeoutInMillis: Number(timeout), requestParameters: mapOf(parameters), ...(mapped ? { requestTemplates: templates } : {}),
        },
      );
      act.mutate({ ...said, operation: "UpdateIntegration", params: { ...place, patchOperations: operations } });
    } else {
      act.mutate({
        ...said, operation: "PutIntegration",
        params: {
          ...place, type, integrationHttpMethod: mock ? undefined : verb, uri: mock ? undefined : uri, credentials: credentials || undefined,
          passthroughBehavior: passthrough, timeoutInMillis: Number(timeout), requestParameters: mapOf(parameters),
          requestTemplates: mapped ? templates : undefined,
        },
      });
    }
  };

  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select label="Type" data={TYPES} value={type} onChange={(value) => setType(value ?? "MOCK")} allowDeselect={false} />
        {!mock && <Select label="Backend’s method" data={aws ? ["POST", "GET", "PUT", "DELETE", "PATCH", "HEAD"] : VERBS} value={verb} onChange={(value) => setVerb(value ?? "GET")} allowDeselect={false} />}
      </SimpleGrid>
      {!mock && (
        <TextInput
          label={aws ? "Service or function" : "Endpoint"} required value={uri} onChange={(event) => setUri(event.currentTarget.value)} classNames={{ input: "mono" }}
          placeholder={aws ? "arn:aws:apigateway:us-east-1:comprehend:action/DetectSentiment" : "https://backend.example/{petId}"}
        />
      )}
      <SimpleGrid cols={{ base: 1, sm: aws ? 3 : 2 }}>
        {aws && <TextInput label="Role to act as" value={credentials} onChange={(event) => setCredentials(event.currentTarget.value)} classNames={{ input: "mono" }} placeholder="arn:aws:iam::…:role/…" />}
        <Select label="Without a fitting template" data={["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]} value={passthrough}
          onChange={(value) => setPassthrough(value ?? "WHEN_NO_MATCH")} allowDeselect={false} />
        <NumberInput label="Timeout" suffix=" ms" value={timeout} onChange={setTimeout} min={50} max={29000} step={1000} />
      </SimpleGrid>
      {!mock && (
        <Pairs label="Parameters" pairs={parameters} onChange={setParameters} names="integration.request.header.X-Name" values="method.request.header.X-Name or 'literal'" />
      )}
      {mapped && <Texts label="Mapping templates" texts={templates} onChange={setTemplates} language="velocity" hint="In Velocity, for each content type of the request." />}
      <Group justify="flex-end"><Button onClick={save} loading={act.isPending}>Save</Button></Group>
    </Stack>
  );
}
