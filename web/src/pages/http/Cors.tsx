import { Button, Group, NumberInput, Stack, Switch, TagsInput } from "@mantine/core";
import { useState } from "react";
import { useAct } from "../../gateway/hooks";
import { Card } from "../../parts/Page";
import type { Api } from "./HttpApis";

type CorsConfiguration = { AllowOrigins?: string[]; AllowMethods?: string[]; AllowHeaders?: string[]; ExposeHeaders?: string[]; MaxAge?: number; AllowCredentials?: boolean };

/** Which pages of other sites may call. */
export function Cors({ api }: { api: Api }) {
  const given = (api.CorsConfiguration ?? {}) as CorsConfiguration;
  const [origins, setOrigins] = useState(given.AllowOrigins ?? []);
  const [methods, setMethods] = useState(given.AllowMethods ?? []);
  const [headers, setHeaders] = useState(given.AllowHeaders ?? []);
  const [exposed, setExposed] = useState(given.ExposeHeaders ?? []);
  const [age, setAge] = useState<number | string>(given.MaxAge ?? "");
  const [credentials, setCredentials] = useState(given.AllowCredentials ?? false);
  const act = useAct();
  return (
    <Card title="Pages of other sites">
      <Stack>
        <TagsInput label="Origins" placeholder="https://app.example" value={origins} onChange={setOrigins} />
        <TagsInput label="Methods" data={["*", "GET", "POST", "PUT", "PATCH", "DELETE"]} value={methods} onChange={setMethods} />
        <TagsInput label="Headers they may send" value={headers} onChange={setHeaders} />
        <TagsInput label="Headers they may read" value={exposed} onChange={setExposed} />
        <Group align="flex-end">
          <NumberInput label="Remembered for" suffix=" s" min={0} max={86400} value={age} onChange={setAge} w={160} />
          <Switch label="With cookies" checked={credentials} onChange={(event) => setCredentials(event.currentTarget.checked)} mb={8} />
        </Group>
        <Group justify="flex-end">
          {api.CorsConfiguration && (
            <Button variant="default" c="var(--mantine-color-error)" onClick={() => act.mutate({
              service: "apigatewayv2", operation: "DeleteCorsConfiguration", params: { ApiId: api.ApiId }, done: "Nothing is let in any more",
            })}>
              Take it away
            </Button>
          )}
          <Button loading={act.isPending} onClick={() => act.mutate({
            service: "apigatewayv2", operation: "UpdateApi", done: "Saved",
            params: {
              ApiId: api.ApiId,
              CorsConfiguration: { AllowOrigins: origins, AllowMethods: methods, AllowHeaders: headers, ExposeHeaders: exposed, AllowCredentials: credentials, ...(age !== "" ? { MaxAge: Number(age) } : {}) },
            },
          })}>
            Save
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}
