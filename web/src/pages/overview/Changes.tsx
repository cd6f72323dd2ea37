import { Anchor } from "@mantine/core";
import { Link } from "wouter";
import { useCall } from "../../gateway/hooks";
import { useSession } from "../../gateway/session";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";

type Event = { EventId: string; EventName: string; EventTime: string; EventSource: string; Username: string; Resources: { ResourceName: string }[] };

/** Who changed something lately. */
export function Changes() {
  const session = useSession();
  const events = useCall<{ Events: Event[] }>("cloudtrail", "LookupEvents", { MaxResults: 8 }, {
    enabled: session.services.includes("cloudtrail"), refetchInterval: 15_000,
  });
  if (!session.services.includes("cloudtrail")) return null;
  return (
    <Card title="Changes" flush actions={<Anchor component={Link} href="/audit" size="sm">All of them</Anchor>}>
      <Answer of={events}>
        {({ Events }) => (
          <Rows
            label="changes" rows={Events} id={(event) => event.EventId} search={false}
            empty={<Empty title="Nothing was changed yet">What anybody changes with boto3, the CLI, Terraform or here is listed.</Empty>}
            columns={[
              { head: "What", cell: (event) => event.EventName, text: (event) => event.EventName },
              { head: "Of", cell: (event) => <span className="mono">{event.Resources[0]?.ResourceName ?? "–"}</span> },
              { head: "Who", cell: (event) => event.Username },
              { head: "When", cell: (event) => <When at={event.EventTime} /> },
            ]}
          />
        )}
      </Answer>
    </Card>
  );
}
