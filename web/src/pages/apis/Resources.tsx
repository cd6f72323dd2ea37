import { ActionIcon, Badge, Button, Group, Menu, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconDots, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { MethodView } from "./method/MethodView";
import { VERB_COLORS, VERBS, type Resource } from "./types";

/** The tree of paths, and the method that is chosen as `RESOURCE:VERB`. */
export function Resources({ api, chosen }: { api: string; chosen?: string }) {
  const resources = useCallAll<Resource>("apigateway", "GetResources", { restApiId: api, limit: 500, embed: ["methods"] }, "items");
  const [adding, setAdding] = useState<{ to: Resource; what: "resource" | "method" } | null>(null);
  const [id, verb] = (chosen ?? "").split(":");
  const resource = resources.data?.find((each) => each.id === id);
  const act = useAct();
  return (
    <div className="split">
      <Card title="Paths" flush>
        <Answer of={resources}>
          {(rows) => (
            <ul aria-label="Resources" style={{ listStyle: "none", margin: 0, padding: "6px 0" }}>
              {rows.toSorted((a, b) => (a.path < b.path ? -1 : 1)).map((each) => (
                <li key={each.id}>
                  <Group justify="space-between" wrap="nowrap" gap={4} px={10} py={2} pl={10 + (each.path === "/" ? 0 : (each.path.split("/").length - 1) * 14)}>
                    <Text size="sm" className="mono" fw={550} truncate>{each.pathPart ? `/${each.pathPart}` : "/"}</Text>
                    <Menu position="bottom-end">
                      <Menu.Target>
                        <ActionIcon size="sm" variant="subtle" color="gray" aria-label={`Change ${each.path}`}><IconDots size={15} /></ActionIcon>
                      </Menu.Target>
                      <Menu.Dropdown>
                        <Menu.Item onClick={() => setAdding({ to: each, what: "method" })}>Add a method</Menu.Item>
                        <Menu.Item onClick={() => setAdding({ to: each, what: "resource" })}>Add a path below</Menu.Item>
                        {each.path !== "/" && (
                          <Menu.Item color="red" onClick={() => act.mutate({
                            service: "apigateway", operation: "DeleteResource", params: { restApiId: api, resourceId: each.id }, done: `${each.path} was deleted`,
                          })}>
                            Delete the path
                          </Menu.Item>
                        )}
                      </Menu.Dropdown>
                    </Menu>
                  </Group>
                  {Object.keys(each.resourceMethods ?? {}).map((name) => {
                    const here = each.id === id && name === verb;
                    return (
                      <Link
                        key={name} href={`/apis/${api}/resources/${each.id}:${name}`} aria-current={here ? "true" : undefined}
                        style={{
                          display: "flex", padding: "3px 10px", paddingLeft: 24 + (each.path === "/" ? 0 : (each.path.split("/").length - 1) * 14),
                          background: here ? "var(--mantine-color-default-hover)" : undefined,
                        }}
                      >
                        <Badge color={VERB_COLORS[name] ?? "gray"} aria-label={`${name} ${each.path}`}>{name}</Badge>
                      </Link>
                    );
                  })}
                </li>
              ))}
            </ul>
          )}
        </Answer>
      </Card>
      {resource && verb && resource.resourceMethods?.[verb] ? (
        <MethodView key={chosen} api={api} resource={resource} verb={verb} />
      ) : (
        <Card>
          <Empty
            title="Choose a method"
            action={resources.data && (
              <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => setAdding({ to: resources.data.find((each) => each.path === "/")!, what: "resource" })}>
                Add a path
              </Button>
            )}
          >
            A method’s request, its integration and its responses are shown, edited and tried here.
          </Empty>
        </Card>
      )}
      {adding && <Add api={api} {...adding} close={() => setAdding(null)} />}
    </div>
  );
}

function Add({ api, to, what, close }: { api: string; to: Resource; what: "resource" | "method"; close: () => void }) {
  const [value, setValue] = useState(what === "method" ? "GET" : "");
  const [, go] = useLocation();
  const act = useAct<{ id: string }>();
  const add = () =>
    what === "resource"
      ? act.mutate({ service: "apigateway", operation: "CreateResource", params: { restApiId: api, parentId: to.id, pathPart: value }, then: close })
      : act.mutate({
          service: "apigateway", operation: "PutMethod",
          params: { restApiId: api, resourceId: to.id, httpMethod: value, authorizationType: "NONE" },
          then: () => { close(); go(`/apis/${api}/resources/${to.id}:${value}`); },
        });
  return (
    <Modal opened onClose={close} title={what === "resource" ? `A path below ${to.path}` : `A method of ${to.path}`} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => { event.preventDefault(); add(); }}>
        {what === "resource" ? (
          <TextInput label="Path part" description="Such as pets, {petId} or {proxy+}" required value={value} data-autofocus
            onChange={(event) => setValue(event.currentTarget.value)} />
        ) : (
          <Select label="Method" data={VERBS.filter((verb) => !to.resourceMethods?.[verb])} value={value} onChange={(next) => setValue(next ?? "GET")} />
        )}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Add</Button></Group>
      </Stack>
    </Modal>
  );
}
