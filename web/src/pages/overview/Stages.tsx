import { Badge, Code } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { askJson, type GatewayError } from "../../gateway/call";
import { percentile, sum, type Sample } from "../../gateway/live";
import { stageUrl, useSession } from "../../gateway/session";
import { Answer } from "../../parts/Answer";
import { Copy } from "../../parts/Copy";
import { Empty } from "../../parts/Empty";
import { count, milliseconds, percent } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";

export type Served = {
  api: string;
  name: string;
  stage: string;
  kind: "REST" | "HTTP";
  file: string | null;
  document: string | null;
  methods: { method: string; path: string; integration: string; authorization: string; apiKey: boolean }[];
};

export function useServed() {
  return useQuery<Served[], GatewayError>({
    queryKey: ["apigateway", "served"],
    queryFn: async () => (await askJson<{ stages: Served[] }>("served")).stages,
  });
}

function addressOf(row: Served): string {
  if (row.file) return `/apis/file/${row.api}/${encodeURIComponent(row.stage)}`;
  return row.kind === "HTTP" ? `/http/${row.api}/stages` : `/apis/${row.api}/stages/${row.stage}`;
}

/** Every stage that answers, the busiest first. */
export function Stages({ samples, buckets, seconds }: { samples: Sample[]; buckets: number[]; seconds: number }) {
  const served = useServed();
  const session = useSession();
  const rows = samples.flatMap((sample) => sample.rows);
  const figures = (api: string, stage: string) => sum(rows.filter((row) => row.api === api && row.stage === stage));
  return (
    <Card title="Stages" flush>
      <Answer of={served}>
        {(stages) => (
          <Rows
            label="stages" search={stages.length > 20}
            rows={stages.map((each) => ({ ...each, ...figures(each.api, each.stage) })).sort((a, b) => b.count - a.count)}
            id={(row) => `${row.api}/${row.stage}`}
            link={addressOf}
            empty={
              <Empty title="No stage is live">
                Create an API or import an OpenAPI document under REST APIs, then deploy it to a stage.
              </Empty>
            }
            columns={[
              { head: "API", cell: (row) => row.name, text: (row) => `${row.name} ${row.api}` },
              { head: "Stage", cell: (row) => row.stage, text: (row) => row.stage },
              { head: "File", quiet: true, cell: (row) => (row.file ? <Badge color="gray">{row.file}</Badge> : null), text: (row) => row.file ?? "" },
              { head: "Req/s", right: true, cell: (row) => count(row.count / seconds) },
              { head: "p95", right: true, cell: (row) => milliseconds(percentile(row.latency, buckets, 0.95)) },
              { head: "5XX", right: true, cell: (row) => percent(row.count ? row.serverErrors / row.count : 0) },
              { head: "Address", quiet: true, right: true, cell: (row) => <Copy value={stageUrl(session, row.api, row.stage, row.kind)} label={`Copy the address of ${row.name}`} /> },
            ]}
          />
        )}
      </Answer>
      {served.data?.length === 0 && <div className="inside"><Code>boto3.client("apigateway", endpoint_url="{location.origin}")</Code></div>}
    </Card>
  );
}
