import { Button, Group, Select, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, type GatewayError } from "../../gateway/call";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";

type Event = { eventId: string; logStreamName: string; timestamp: number; message: string };

export const SPANS = [
  { value: "300", label: "5 minutes" }, { value: "3600", label: "1 hour" }, { value: "86400", label: "1 day" }, { value: "604800", label: "1 week" },
];

/** The lines of a group that fit a pattern, as they come. */
export function Search({ group }: { group: string }) {
  const [pattern, setPattern] = useState("");
  const [asked, setAsked] = useState("");
  const [span, setSpan] = useState("3600");
  const [follow, setFollow] = useState(true);
  const events = useQuery<Event[], GatewayError>({
    queryKey: ["logs", "FilterLogEvents", group, asked, span],
    queryFn: async () => {
      const found: Event[] = [];
      let nextToken: string | undefined;
      do {
        const page: { events: Event[]; nextToken?: string } = await call("logs", "FilterLogEvents", {
          logGroupName: group, filterPattern: asked || undefined, startTime: Date.now() - Number(span) * 1000, limit: 1000, nextToken,
        });
        found.push(...page.events);
        nextToken = page.nextToken;
      } while (nextToken && found.length < 2000);
      return found.slice(-1000);
    },
    refetchInterval: follow ? 2000 : false,
  });
  return (
    <Card title="Search" flush actions={<Switch size="xs" label="Follow" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />}>
      <Group p="sm" gap={8} align="flex-end" component="form" onSubmit={(event: React.FormEvent) => { event.preventDefault(); setAsked(pattern); }}>
        <TextInput flex={1} miw={220} label="Pattern" placeholder={'ERROR, "two words", { $.status = 500 }'} value={pattern} onChange={(event) => setPattern(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <Select w={130} label="Of the last" data={SPANS} value={span} onChange={(value) => setSpan(value ?? "3600")} allowDeselect={false} />
        <Button type="submit" variant="default">Search</Button>
      </Group>
      <Answer of={events}>
        {(found) => found.length === 0 ? <Empty title="No line fits">Try a wider span, or another pattern.</Empty> : (
          <div role="log" aria-label="Log lines" tabIndex={0} style={{ maxHeight: 480, overflow: "auto", padding: "4px 14px 12px" }}>
            {found.map((event) => (
              <div key={event.eventId} className="mono" style={{ display: "flex", gap: 12, padding: "2px 0", borderBottom: "1px solid var(--line)" }}>
                <time dateTime={new Date(event.timestamp).toISOString()} style={{ color: "var(--mantine-color-dimmed)", whiteSpace: "nowrap" }}>
                  {new Date(event.timestamp).toLocaleTimeString("en-GB", { hour12: false })}.{String(event.timestamp % 1000).padStart(3, "0")}
                </time>
                <span style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{event.message}</span>
              </div>
            ))}
          </div>
        )}
      </Answer>
    </Card>
  );
}
