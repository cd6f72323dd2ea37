import { Badge, Button, Group } from "@mantine/core";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Confirm } from "../../parts/Confirm";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import type { Subscription } from "./types";

const COLORS: Record<string, string> = { active: "teal", pending: "orange" };

/** Who subscribed to what; those that wait for a decision come first. */
export function Requests() {
  const found = useCallAll<Subscription>("torana", "ListSubscriptions", {}, "subscriptions", ["nextToken", "nextToken"], { refetchInterval: 5000 });
  const act = useAct();
  const decide = (of: Subscription, decision: string, done: string) =>
    act.mutate({ service: "torana", operation: "DecideSubscription", params: { subscriptionId: of.id, decision }, done });
  return (
    <Card title="Subscriptions" flush>
      <Answer of={found}>
        {(subscriptions) => (
          <Rows
            label="subscriptions" id={(each) => each.id} rows={[...subscriptions].sort((a, b) => Number(b.state === "pending") - Number(a.state === "pending"))}
            empty={<Empty title="No subscription yet">Developers subscribe to plans of products in a portal. What needs approval waits here.</Empty>}
            columns={[
              { head: "Developer", cell: (each) => each.email, text: (each) => each.email },
              { head: "Application", cell: (each) => each.application, text: (each) => each.application },
              { head: "Product", cell: (each) => `${each.product} · ${each.plan}`, text: (each) => `${each.product} ${each.plan}` },
              { head: "State", cell: (each) => <Badge color={COLORS[each.state] ?? "gray"}>{each.state}</Badge>, text: (each) => each.state },
              { head: "Keys", right: true, cell: (each) => (each.keys ?? []).filter((key) => !key.ended).length },
              { head: "Asked", cell: (each) => <When at={each.asked} />, text: (each) => each.asked },
              { head: "Act", quiet: true, right: true, cell: (each) => (
                <Group gap={6} justify="flex-end" wrap="nowrap">
                  {each.state === "pending" && <Button size="xs" onClick={() => decide(each, "approve", `${each.email} may get a key`)}>Approve</Button>}
                  {each.state === "pending" && <Button size="xs" variant="default" onClick={() => decide(each, "reject", "The subscription was rejected")}>Reject</Button>}
                  {each.state === "active" && (
                    <Confirm label="Revoke" title={`Revoke ${each.product} of ${each.email}?`} act={() => decide(each, "revoke", "The subscription was revoked")}>
                      Its keys open nothing from then on.
                    </Confirm>
                  )}
                </Group>
              ) },
            ]}
          />
        )}
      </Answer>
    </Card>
  );
}
