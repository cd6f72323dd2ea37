import { Badge, Button, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { useServed } from "../overview/Stages";
import { NewApi } from "./NewApi";
import type { RestApi } from "./types";

export function List() {
  const apis = useCallAll<RestApi>("apigateway", "GetRestApis", { limit: 500 }, "items");
  const served = useServed();
  const [opened, { open, close }] = useDisclosure(false);
  const files = (served.data ?? []).filter((each) => each.file);
  const stagesOf = (id: string) => (served.data ?? []).filter((each) => each.api === id && !each.file).map((each) => each.stage);

  return (
    <Page
      title="REST APIs"
      about="Made here, with boto3, the AWS CLI or Terraform, or described by files"
      actions={<Button leftSection={<IconPlus size={15} />} onClick={open}>Create API</Button>}
    >
      <Card flush>
        <Answer of={apis}>
          {(rows) => (
            <Rows
              label="REST APIs" rows={rows} id={(api) => api.id} link={(api) => `/apis/${api.id}`}
              empty={
                <Empty title="No API was created yet" action={<Button onClick={open}>Create API</Button>}>
                  Start from nothing, import an OpenAPI document, or take a copy of one that a file describes.
                </Empty>
              }
              columns={[
                { head: "Name", cell: (api) => api.name, text: (api) => api.name },
                { head: "ID", cell: (api) => <span className="mono">{api.id}</span>, text: (api) => api.id },
                { head: "Live stages", cell: (api) => stagesOf(api.id).map((stage) => <Badge key={stage} mr={4} color="teal">{stage}</Badge>) },
                { head: "Description", cell: (api) => api.description ?? "", text: (api) => api.description ?? "" },
                { head: "Created", cell: (api) => <When at={api.createdDate} /> },
              ]}
            />
          )}
        </Answer>
      </Card>
      {files.length > 0 && (
        <Card title="Described by files" flush actions={<Text size="xs" c="dimmed">Served as they are; changed by editing the file</Text>}>
          <Rows
            label="APIs described by files" rows={files} id={(each) => `${each.api}/${each.stage}`}
            link={(each) => `/apis/file/${each.api}/${encodeURIComponent(each.stage)}`}
            columns={[
              { head: "Name", cell: (each) => each.name, text: (each) => each.name },
              { head: "ID", cell: (each) => <span className="mono">{each.api}</span>, text: (each) => each.api },
              { head: "Stage", cell: (each) => <Badge color="teal">{each.stage}</Badge> },
              { head: "Kind", cell: (each) => each.kind, text: (each) => each.kind },
              { head: "File", cell: (each) => <span className="mono">{each.file}</span>, text: (each) => each.file ?? "" },
              { head: "Methods", right: true, cell: (each) => each.methods.length },
            ]}
          />
        </Card>
      )}
      <NewApi opened={opened} close={close} />
    </Page>
  );
}
