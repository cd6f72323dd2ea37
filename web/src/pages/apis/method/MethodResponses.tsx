import { Accordion, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { patchOf } from "../../../gateway/patch";
import { useAct } from "../../../gateway/hooks";
import { Empty } from "../../../parts/Empty";
import { Flags, mapOf, Pairs, pairsOf } from "../../../parts/Pairs";
import type { Method, MethodResponse } from "../types";
import type { Place } from "./MethodView";

/** What the method promises to answer. */
export function MethodResponses({ place, method }: { place: Place; method: Method }) {
  const [status, setStatus] = useState("");
  const [open, setOpen] = useState<string | null>(null);
  const act = useAct();
  const found = Object.values(method.methodResponses ?? {});
  return (
    <Stack>
      {found.length === 0 && <Empty title="Nothing is promised yet">Add the statuses that clients may get.</Empty>}
      <Accordion variant="separated" value={open ?? found[0]?.statusCode ?? null} onChange={(value) => setOpen(value ?? "")}>
        {found.map((each) => (
          <Accordion.Item key={each.statusCode} value={each.statusCode}>
            <Accordion.Control><Text fw={600} size="sm">{each.statusCode}</Text></Accordion.Control>
            <Accordion.Panel><One key={JSON.stringify(each)} place={place} response={each} /></Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
      <Group align="flex-end" gap={8}>
        <TextInput label="Status" placeholder="200" value={status} onChange={(event) => setStatus(event.currentTarget.value)} w={110} />
        <Button variant="default" disabled={!status} onClick={() => act.mutate({
          service: "apigateway", operation: "PutMethodResponse", params: { ...place, statusCode: status }, then: () => { setStatus(""); setOpen(status); },
        })}>
          Add
        </Button>
      </Group>
    </Stack>
  );
}

function One({ place, response }: { place: Place; response: MethodResponse }) {
  const [headers, setHeaders] = useState(Object.entries(response.responseParameters ?? {}));
  const [models, setModels] = useState(pairsOf(response.responseModels));
  const act = useAct();
  const where = { ...place, statusCode: response.statusCode };
  const save = () => {
    const operations = patchOf(
      { responseParameters: response.responseParameters ?? {}, responseModels: response.responseModels ?? {} },
      { responseParameters: Object.fromEntries(headers.filter(([name]) => name)), responseModels: mapOf(models) },
    );
    act.mutate({ service: "apigateway", operation: "UpdateMethodResponse", params: { ...where, patchOperations: operations }, done: "Saved; deploy to serve it" });
  };
  return (
    <Stack>
      <Flags label="Headers" flags={headers} onChange={setHeaders} names="method.response.header.X-Name" />
      <Pairs label="Body models" pairs={models} onChange={setModels} names="application/json" values="Model" />
      <Group justify="flex-end">
        <Button variant="default" c="var(--mantine-color-error)" onClick={() => act.mutate({ service: "apigateway", operation: "DeleteMethodResponse", params: where })}>Delete</Button>
        <Button onClick={save} loading={act.isPending}>Save</Button>
      </Group>
    </Stack>
  );
}
