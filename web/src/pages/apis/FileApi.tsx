import { Badge, Button, Code as Inline } from "@mantine/core";
import { IconCopyPlus } from "@tabler/icons-react";
import { useLocation } from "wouter";
import { base64 } from "../../gateway/base64";
import { useAct } from "../../gateway/hooks";
import { stageUrl, useSession } from "../../gateway/session";
import { Answer } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { Copy } from "../../parts/Copy";
import { Empty } from "../../parts/Empty";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { useServed } from "../overview/Stages";
import { VERB_COLORS, type RestApi } from "./types";

/** An API that a file describes: to be read, tried, and copied. */
export function FileApi({ api, stage }: { api: string; stage: string }) {
  const served = useServed();
  const session = useSession();
  const [, go] = useLocation();
  const act = useAct<RestApi & { ApiId: string }>();
  const found = served.data?.find((each) => each.api === api && each.stage === stage);
  const url = stageUrl(session, api, stage, found?.kind);
  return (
    <Page
      title={found?.name ?? api} trail={[{ label: "REST APIs", path: "/apis" }]}
      about={<><Inline>{url}</Inline> <Copy value={url} label="Copy the address" /></>}
      actions={found?.document && (
        <Button
          variant="default" leftSection={<IconCopyPlus size={15} />} loading={act.isPending}
          onClick={() => act.mutate(found.kind === "HTTP" ? {
            service: "apigatewayv2", operation: "ImportApi", params: { Body: found.document! },
            done: "A copy was made; deploy it to serve it", then: (made) => go(`/http/${made.ApiId}`),
          } : {
            service: "apigateway", operation: "ImportRestApi", params: { body: base64(found.document!) },
            done: "A copy was made; deploy it to serve it", then: (made) => go(`/apis/${made.id}`),
          })}
        >
          Take a copy to edit
        </Button>
      )}
    >
      <Answer of={served}>
        {() => found ? (
          <>
            <Card title="Methods" flush>
              <Rows
                label="methods" rows={found.methods} id={(each) => `${each.method} ${each.path}`}
                columns={[
                  { head: "Method", cell: (each) => <Badge color={VERB_COLORS[each.method] ?? "gray"}>{each.method}</Badge>, text: (each) => each.method },
                  { head: "Path", cell: (each) => <span className="mono">{each.path}</span>, text: (each) => each.path },
                  { head: "Integration", cell: (each) => each.integration, text: (each) => each.integration },
                  { head: "Authorization", cell: (each) => each.authorization, text: (each) => each.authorization },
                  { head: "API key", cell: (each) => (each.apiKey ? "required" : "–") },
                ]}
              />
            </Card>
            <Card title={<span className="mono">{found.file}</span>}>
              <Code label="OpenAPI document" readOnly value={found.document ?? ""} height="480px"
                language={found.file?.endsWith(".json") ? "json" : "yaml"} />
            </Card>
          </>
        ) : <Empty title="This stage is not served any more">Its file was taken away or changed.</Empty>}
      </Answer>
    </Page>
  );
}
