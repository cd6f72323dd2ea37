import { Anchor, Badge, Button, Drawer, Group, Select, Stack, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, type GatewayError } from "../../gateway/call";
import { Wrong } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { Diff } from "../../parts/Diff";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";

type Event = {
  EventId: string; EventName: string; EventTime: string; EventSource: string; Username: string; CloudTrailEvent: string;
  Resources: { ResourceType: string; ResourceName: string }[];
};
type Answered = { Events: Event[]; NextToken?: string };

const ATTRIBUTES = [
  { value: "EventName", label: "Operation" }, { value: "Username", label: "User" }, { value: "ResourceName", label: "Resource" },
  { value: "EventSource", label: "Service" }, { value: "EventId", label: "Request ID" },
];

/** Who changed what, when, from where: before and after. */
export default function Audit() {
  const [attribute, setAttribute] = useState("EventName");
  const [value, setValue] = useState("");
  const [asked, setAsked] = useState<{ AttributeKey: string; AttributeValue: string } | null>(null);
  const [chosen, setChosen] = useState<Event | null>(null);
  const events = useInfiniteQuery<Answered, GatewayError, { pages: Answered[] }, unknown[], string | undefined>({
    queryKey: ["cloudtrail", "LookupEvents", asked],
    initialPageParam: undefined,
    queryFn: ({ pageParam }) => call<Answered>("cloudtrail", "LookupEvents", { MaxResults: 50, NextToken: pageParam, LookupAttributes: asked ? [asked] : undefined }),
    getNextPageParam: (last) => last.NextToken,
  });
  const rows = events.data?.pages.flatMap((page) => page.Events) ?? [];
  return (
    <Page title="Audit" about="Every change anybody made, by boto3, the AWS CLI, Terraform or here">
      <Card flush>
        <Group p="sm" gap={8} align="flex-end" component="form" onSubmit={(event: React.FormEvent) => {
          event.preventDefault();
          setAsked(value.trim() ? { AttributeKey: attribute, AttributeValue: value.trim() } : null);
        }}>
          <Select size="xs" label="Where" data={ATTRIBUTES} value={attribute} onChange={(next) => setAttribute(next ?? "EventName")} allowDeselect={false} w={140} />
          <TextInput size="xs" label="Is" value={value} onChange={(event) => setValue(event.currentTarget.value)} w={240} />
          <Button size="xs" type="submit" variant="default">Look up</Button>
        </Group>
        {events.error && <Wrong error={events.error} />}
        {events.data && (
          <Rows
            label="events" rows={rows} id={(event) => event.EventId} search={false}
            empty={<Empty title={asked ? "No such change" : "Nothing was changed yet"}>{asked ? "Try another attribute, or none." : "Changes are listed here as they are made."}</Empty>}
            columns={[
              { head: "When", cell: (event) => <When at={event.EventTime} /> },
              { head: "Operation", cell: (event) => <Anchor component="button" type="button" size="sm" fw={550} onClick={() => setChosen(event)}>{event.EventName}</Anchor> },
              { head: "Service", cell: (event) => <Badge color="gray">{event.EventSource.split(".")[0]}</Badge> },
              { head: "Resources", cell: (event) => <span className="mono">{named(event)}</span> },
              { head: "Who", cell: (event) => event.Username },
            ]}
          />
        )}
        {events.hasNextPage && <Group justify="center" p="sm"><Button size="xs" variant="default" loading={events.isFetchingNextPage} onClick={() => events.fetchNextPage()}>Earlier ones</Button></Group>}
      </Card>
      <Drawer opened={chosen !== null} onClose={() => setChosen(null)} position="right" size="xl" title={chosen?.EventName} closeButtonProps={{ "aria-label": "Close" }}>
        {chosen && <Details event={chosen} />}
      </Drawer>
    </Page>
  );
}

function named(event: Event): string {
  const names = event.Resources.map((each) => each.ResourceName);
  return names.slice(0, 2).join(", ") + (names.length > 2 ? ` and ${names.length - 2} more` : "");
}

type Edit = { kind: string; id: string; before: unknown; after: unknown };

function Details({ event }: { event: Event }) {
  const told = JSON.parse(event.CloudTrailEvent);
  const edits: Edit[] = told.serviceEventDetails?.edits ?? [];
  const text = (value: unknown) => (value === null || value === undefined ? "" : JSON.stringify(value, null, 2));
  return (
    <Stack>
      {edits.map((edit) => (
        <Card key={edit.kind + edit.id} title={<span className="mono">{edit.kind} {edit.id}</span>} flush>
          <Diff before={text(edit.before)} after={text(edit.after)} label={`Change of ${edit.id}`} />
        </Card>
      ))}
      <Code label="The event" readOnly language="json" value={JSON.stringify({ ...told, serviceEventDetails: undefined }, null, 2)} height="420px" />
    </Stack>
  );
}
