import { ActionIcon, Anchor, Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { useAct, useCall, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Confirm } from "../../parts/Confirm";
import { Empty } from "../../parts/Empty";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import type { RestApi, Stage } from "../apis/types";
import { NEXT, type Mapping } from "./types";

type HttpApi = { ApiId: string; Name: string };
type Known = { id: string; name: string; rest: boolean };

function useApis(): Known[] {
  const rest = useCallAll<RestApi>("apigateway", "GetRestApis", { limit: 500 }, "items");
  const http = useCallAll<HttpApi>("apigatewayv2", "GetApis", { MaxResults: "100" }, "Items", NEXT);
  return [
    ...(rest.data ?? []).map((each) => ({ id: each.id, name: each.name, rest: true })),
    ...(http.data ?? []).map((each) => ({ id: each.ApiId, name: each.Name, rest: false })),
  ];
}

/** What is reached under one name. */
export function DomainView({ name }: { name: string }) {
  const mappings = useCallAll<Mapping>("apigatewayv2", "GetApiMappings", { DomainName: name, MaxResults: "100" }, "Items", NEXT);
  const apis = useApis();
  const [adding, setAdding] = useState(false);
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Page
      title={name} trail={[{ label: "Domains and links", path: "/domains" }]} about="Which stages are reached under this name"
      actions={
        <Confirm label="Delete" title={`Delete ${name}?`} loading={act.isPending} act={() => act.mutate({
          service: "apigatewayv2", operation: "DeleteDomainName", params: { DomainName: name }, done: `${name} was deleted`, then: () => go("/domains"),
        })}>
          Its mappings go with it: whoever asks for the name reaches nothing.
        </Confirm>
      }
    >
      <Card title="Mappings" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Add a mapping</Button>}>
        <Answer of={mappings}>
          {(rows) => (
            <Rows
              label="mappings" rows={rows} id={(each) => each.ApiMappingId}
              empty={<Empty title="Nothing is reached under this name yet">A mapping leads a path to a stage of an API; the longest path that fits wins.</Empty>}
              columns={[
                { head: "Path", cell: (each) => <span className="mono">/{each.ApiMappingKey ?? ""}</span>, text: (each) => each.ApiMappingKey ?? "" },
                { head: "API", cell: (each) => <Api id={each.ApiId} apis={apis} />, text: (each) => each.ApiId },
                { head: "Stage", cell: (each) => each.Stage, text: (each) => each.Stage },
                { head: "Act", quiet: true, right: true, cell: (each) => (
                  <ActionIcon variant="subtle" color="gray" aria-label={`Delete the mapping of /${each.ApiMappingKey ?? ""}`} onClick={() => act.mutate({
                    service: "apigatewayv2", operation: "DeleteApiMapping", params: { DomainName: name, ApiMappingId: each.ApiMappingId }, done: "The mapping was deleted",
                  })}>
                    <IconTrash size={15} />
                  </ActionIcon>
                ) },
              ]}
            />
          )}
        </Answer>
      </Card>
      {adding && <Add name={name} apis={apis} close={() => setAdding(false)} />}
    </Page>
  );
}

function Api({ id, apis }: { id: string; apis: Known[] }) {
  const found = apis.find((each) => each.id === id);
  if (!found) return <span className="mono">{id}</span>;
  return <Anchor component={Link} size="sm" href={found.rest ? `/apis/${id}` : `/http/${id}`}>{found.name}</Anchor>;
}

function Add({ name, apis, close }: { name: string; apis: Known[]; close: () => void }) {
  const [api, setApi] = useState<string | null>(null);
  const [stage, setStage] = useState<string | null>(null);
  const [path, setPath] = useState("");
  const act = useAct();
  const rest = apis.find((each) => each.id === api)?.rest;
  const stages = useCall<{ item: Stage[] }>("apigateway", "GetStages", { restApiId: api }, { enabled: rest === true });
  const stagesV2 = useCallAll<{ StageName: string }>("apigatewayv2", "GetStages", { ApiId: api }, "Items", NEXT, { enabled: rest === false });
  const names = rest ? (stages.data?.item ?? []).map((each) => each.stageName) : (stagesV2.data ?? []).map((each) => each.StageName);
  return (
    <Modal opened onClose={close} title="Add a mapping" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "apigatewayv2", operation: "CreateApiMapping", done: "The mapping was added", then: close,
          params: { DomainName: name, ApiId: api, Stage: stage, ApiMappingKey: path || undefined },
        });
      }}>
        <Select label="API" required searchable data={apis.map((each) => ({ value: each.id, label: `${each.name} (${each.id})` }))} value={api} onChange={(value) => { setApi(value); setStage(null); }} />
        <Select label="Stage" required data={names} value={stage} onChange={setStage} disabled={!api} />
        <TextInput label="Path" description="Without a leading slash; empty: everything that no other mapping takes" value={path} onChange={(event) => setPath(event.currentTarget.value)} classNames={{ input: "mono" }} />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Add</Button></Group>
      </Stack>
    </Modal>
  );
}
