import { Button, Group, Select, SimpleGrid, Stack, Switch } from "@mantine/core";
import { useState } from "react";
import { patchOf } from "../../../gateway/patch";
import { useAct, useCall } from "../../../gateway/hooks";
import { Flags, mapOf, Pairs, pairsOf, type Pair } from "../../../parts/Pairs";
import type { Authorizer, Method, Model, Validator } from "../types";
import type { Place } from "./MethodView";

const KINDS: Record<string, string[]> = { CUSTOM: ["TOKEN", "REQUEST"], COGNITO_USER_POOLS: ["COGNITO_USER_POOLS"] };

/** Who may call, and what a request must have. */
export function MethodRequest({ place, method }: { place: Place; method: Method }) {
  const api = { restApiId: place.restApiId, limit: 500 };
  const authorizers = useCall<{ items: Authorizer[] }>("apigateway", "GetAuthorizers", api);
  const validators = useCall<{ items: Validator[] }>("apigateway", "GetRequestValidators", api);
  const models = useCall<{ items: Model[] }>("apigateway", "GetModels", api);
  const [type, setType] = useState(method.authorizationType ?? "NONE");
  const [authorizer, setAuthorizer] = useState(method.authorizerId ?? null);
  const [key, setKey] = useState(method.apiKeyRequired ?? false);
  const [validator, setValidator] = useState(method.requestValidatorId ?? null);
  const [parameters, setParameters] = useState(Object.entries(method.requestParameters ?? {}));
  const [bodies, setBodies] = useState<Pair[]>(pairsOf(method.requestModels));
  const act = useAct();
  const fitting = (authorizers.data?.items ?? []).filter((each) => KINDS[type]?.includes(each.type));

  const save = () => {
    const operations = patchOf(
      {
        authorizationType: method.authorizationType, apiKeyRequired: method.apiKeyRequired ?? false,
        requestValidatorId: method.requestValidatorId, requestParameters: method.requestParameters ?? {}, requestModels: method.requestModels ?? {},
        authorizerId: method.authorizerId,
      },
      {
        authorizationType: type, apiKeyRequired: key, requestValidatorId: validator,
        requestParameters: Object.fromEntries(parameters.filter(([name]) => name)), requestModels: mapOf(bodies),
        ...(type in KINDS ? { authorizerId: authorizer } : {}),
      },
    );
    act.mutate({ service: "apigateway", operation: "UpdateMethod", params: { ...place, patchOperations: operations }, done: "Saved; deploy to serve it" });
  };

  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select label="Authorization" data={["NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"]} value={type} allowDeselect={false}
          onChange={(value) => setType(value ?? "NONE")} />
        {type in KINDS && (
          <Select label="Authorizer" data={fitting.map((each) => ({ value: each.id, label: each.name }))} value={authorizer} onChange={setAuthorizer}
            placeholder={fitting.length ? "Choose one" : "None of this kind yet: add one under Authorizers"} />
        )}
        <Select label="Validator" clearable placeholder="No validation" value={validator} onChange={setValidator}
          data={(validators.data?.items ?? []).map((each) => ({ value: each.id, label: each.name }))} />
        <Switch label="An API key is required" checked={key} onChange={(event) => setKey(event.currentTarget.checked)} mt={26} />
      </SimpleGrid>
      <Flags label="Parameters" flags={parameters} onChange={setParameters} names="method.request.querystring.q" />
      <Pairs label="Body models" pairs={bodies} onChange={setBodies} names="application/json" values="Model"
        hint={models.data ? `Models: ${models.data.items.map((each) => each.name).join(", ") || "none yet"}` : undefined} />
      <Group justify="flex-end"><Button onClick={save} loading={act.isPending}>Save</Button></Group>
    </Stack>
  );
}
