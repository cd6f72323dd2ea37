import { ActionIcon, Button, Group, Modal, NumberInput, Progress, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useAct, useCallAll } from "../../gateway/hooks";
import { useSession } from "../../gateway/session";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { dollars } from "./Costs";

type Budget = {
  BudgetName: string; TimeUnit: string; BudgetLimit?: { Amount: string };
  CalculatedSpend?: { ActualSpend?: { Amount: string }; ForecastedSpend?: { Amount: string } };
};
const UNITS = [{ value: "DAILY", label: "Day" }, { value: "MONTHLY", label: "Month" }, { value: "QUARTERLY", label: "Quarter" }, { value: "ANNUALLY", label: "Year" }];

/** Limits that tell somebody when they are passed. */
export function Budgets() {
  const { account } = useSession();
  const budgets = useCallAll<Budget>("budgets", "DescribeBudgets", { AccountId: account }, "Budgets", ["NextToken", "NextToken"]);
  const [adding, setAdding] = useState(false);
  const act = useAct();
  return (
    <Card title="Budgets" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create a budget</Button>}>
      <Answer of={budgets}>
        {(rows) => (
          <Rows
            label="budgets" rows={rows} id={(each) => each.BudgetName}
            empty={<Empty title="No budget yet">A budget tells a topic when what was spent, or is foretold, passes a limit.</Empty>}
            columns={[
              { head: "Name", cell: (each) => each.BudgetName, text: (each) => each.BudgetName },
              { head: "A", cell: (each) => UNITS.find((unit) => unit.value === each.TimeUnit)?.label ?? each.TimeUnit },
              { head: "Limit", right: true, cell: (each) => dollars(limitOf(each)) },
              { head: "Spent", right: true, cell: (each) => dollars(spentOf(each)) },
              { head: "Foretold", right: true, cell: (each) => dollars(amountOf(each.CalculatedSpend?.ForecastedSpend)) },
              { head: "Share", cell: (each) => <Share budget={each} /> },
              { head: "Act", quiet: true, right: true, cell: (each) => (
                <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${each.BudgetName}`} onClick={() => act.mutate({
                  service: "budgets", operation: "DeleteBudget", params: { AccountId: account, BudgetName: each.BudgetName }, done: `${each.BudgetName} was deleted`,
                })}>
                  <IconTrash size={15} />
                </ActionIcon>
              ) },
            ]}
          />
        )}
      </Answer>
      {adding && <Add account={account} close={() => setAdding(false)} />}
    </Card>
  );
}

const amountOf = (spend: { Amount: string } | undefined) => (spend ? Number(spend.Amount) : null);
const limitOf = (budget: Budget) => amountOf(budget.BudgetLimit);
const spentOf = (budget: Budget) => amountOf(budget.CalculatedSpend?.ActualSpend);

function Share({ budget }: { budget: Budget }) {
  const share = ((spentOf(budget) ?? 0) / (limitOf(budget) || 1)) * 100;
  return <Progress value={Math.min(share, 100)} color={share >= 100 ? "red" : share >= 80 ? "yellow" : "teal"} miw={80} aria-label={`${share.toFixed(0)}% of ${budget.BudgetName} is spent`} />;
}

function Add({ account, close }: { account: string; close: () => void }) {
  const [name, setName] = useState("");
  const [amount, setAmount] = useState<number | string>(100);
  const [unit, setUnit] = useState("MONTHLY");
  const [topic, setTopic] = useState("");
  const act = useAct();
  return (
    <Modal opened onClose={close} title="Create a budget" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        const tell = { NotificationType: "ACTUAL", ComparisonOperator: "GREATER_THAN", Threshold: 80, ThresholdType: "PERCENTAGE" };
        act.mutate({
          service: "budgets", operation: "CreateBudget", done: `${name} was created`, then: close,
          params: {
            AccountId: account, Budget: { BudgetName: name, BudgetType: "COST", TimeUnit: unit, BudgetLimit: { Amount: String(amount), Unit: "USD" } },
            ...(topic ? { NotificationsWithSubscribers: [{ Notification: tell, Subscribers: [{ SubscriptionType: "SNS", Address: topic }] }] } : {}),
          },
        });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Group grow>
          <NumberInput label="Dollars" required min={0.01} value={amount} onChange={setAmount} />
          <Select label="A" data={UNITS} value={unit} onChange={(value) => value && setUnit(value)} allowDeselect={false} />
        </Group>
        <TextInput label="Tell at 80%" description="A topic’s ARN; empty: nobody" value={topic} onChange={(event) => setTopic(event.currentTarget.value)} classNames={{ input: "mono" }} />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}
