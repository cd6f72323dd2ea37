import { ActionIcon, Alert, Badge, Button, Code, Group, Modal, MultiSelect, NumberInput, Select, SimpleGrid, Stack, Switch, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { askJson, type GatewayError } from "../../gateway/call";
import { failed } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Chart, Legend, type Line } from "../../parts/Chart";
import { Copy } from "../../parts/Copy";
import { Empty } from "../../parts/Empty";
import { count, When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { useDeclared, type Declared } from "./models";

type Budget = { usd?: number | null; tokens?: number | null; period: string };
type Budgets = Budget | Budget[] | null;
type Holder = { name: string; declared?: boolean; enabled: boolean; models: string[]; team?: string; organization?: string; budget?: Budgets };
type Key = {
  name: string; hint: string; created: string; enabled: boolean; models: string[]; team: string; user?: string;
  requests_per_minute?: number | null; tokens_per_minute?: number | null; budget?: Budgets; secret?: string;
};
type Total = { group: Record<string, string>; requests: number; failed: number; input: number; output: number; usd: number; unpriced: number; hits: number; saved: number };
const SUMS = ["requests", "failed", "input", "output", "usd", "unpriced", "hits", "saved"] as const;

const BY = ["organization", "team", "user", "key", "model", "provider", "target"];
const SHADES: [string, string][] = [["#0b7285", "#45a9b8"], ["#b35c00", "#f0a94f"], ["#9c36b5", "#d08be0"], ["#2b8a3e", "#69db7c"], ["#c92a2a", "#ff8787"], ["#1864ab", "#74c0fc"]];
const dollars = (usd: number | null) => (usd === null ? "–" : usd !== 0 && usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`);
const budgets = (given?: Budgets) => [given ?? []].flat()
  .flatMap((each) => [each.usd != null && `${dollars(each.usd)} a ${each.period}`, each.tokens != null && `${count(each.tokens)} tokens a ${each.period}`]).filter(Boolean).join(" · ");
const day = (ago: number) => new Date(Date.now() - ago * 86400_000).toISOString().slice(0, 10);

/** Virtual keys, whose they are, and what was spent by whom. */
export default function Spend() {
  const declared = useDeclared();
  return (
    <Page title="LLM keys and spend" about="Virtual keys, their limits, and what they cost">
      <Answer of={declared}>
        {(found) => Object.keys(found.models).length === 0
          ? <Card><Empty title="No model is declared">Declare providers and models under [llm] in torana.toml, then start the gateway again.</Empty></Card>
          : <><Costs /><Keys declared={found} /><Holders /></>}
      </Answer>
    </Page>
  );
}

function Costs() {
  const [by, setBy] = useState("key");
  const usage = useQuery<Total[], GatewayError>({
    queryKey: ["llm", "usage", by],
    queryFn: async () => (await askJson<{ totals: Total[] }>(`desk/usage?from=${day(29)}&by=day,${by}`)).totals,
    refetchInterval: 15_000,
  });
  const { names, times, lines, rows } = useMemo(() => {
    const totals = usage.data ?? [];
    const rows = new Map<string, Total>();
    for (const total of totals) {
      const name = total.group[by] || "unknown";
      const row = rows.get(name) ?? { group: { [by]: name }, requests: 0, failed: 0, input: 0, output: 0, usd: 0, unpriced: 0, hits: 0, saved: 0 };
      for (const field of SUMS) row[field] += total[field];
      rows.set(name, row);
    }
    const names = [...rows.keys()].toSorted((a, b) => rows.get(b)!.usd - rows.get(a)!.usd).slice(0, 6);
    const days = Array.from({ length: 30 }, (_, i) => day(29 - i));
    const lines: Line[] = names.map((name, i) => ({
      label: name, color: SHADES[i]!, fill: true,
      values: days.map((each) => totals.filter((total) => total.group.day === each && (total.group[by] || "unknown") === name).reduce((all, total) => all + total.usd, 0)),
    }));
    return { names, times: days.map((each) => Date.parse(each) / 1000), lines, rows: [...rows.values()].toSorted((a, b) => b.usd - a.usd) };
  }, [usage.data, by]);
  return (
    <Card title="Spend, last 30 days" flush actions={<Select size="xs" w={130} data={BY} value={by} onChange={(value) => setBy(value ?? "key")} allowDeselect={false} aria-label="By" />}>
      <Answer of={usage}>
        {() => names.length === 0 ? <Empty title="Nothing was asked yet">Every question to a model is written to the ledger, with its tokens and its price.</Empty> : (
          <>
            <div className="inside"><Legend lines={lines} /><Chart label="Dollars a day" times={times} lines={lines} format={dollars} days /></div>
            <Rows
              label="spend" rows={rows} id={(row) => row.group[by]!} search={false}
              columns={[
                { head: by, cell: (row) => row.group[by] },
                { head: "Requests", right: true, cell: (row) => count(row.requests) },
                { head: "Failed", right: true, cell: (row) => count(row.failed) },
                { head: "Tokens in", right: true, cell: (row) => count(row.input) },
                { head: "Tokens out", right: true, cell: (row) => count(row.output) },
                { head: "From the cache", right: true, cell: (row) => `${count(row.hits)}${row.saved > 0 ? ` (saved ${dollars(row.saved)})` : ""}` },
                { head: "Cost", right: true, cell: (row) => <><b>{dollars(row.usd)}</b>{row.unpriced > 0 && ` and ${count(row.unpriced)} without a price`}</> },
              ]}
            />
          </>
        )}
      </Answer>
    </Card>
  );
}

function useChange<T>(then?: (answer: T) => void) {
  const client = useQueryClient();
  return useMutation<T, GatewayError, { path: string; method: string; body?: unknown }>({
    mutationFn: ({ path, method, body }) => askJson<T>(`desk/${path}`, method, body),
    onSuccess: async (answer) => {
      await client.invalidateQueries({ queryKey: ["llm"] });
      then?.(answer);
    },
    onError: failed,
  });
}

function Keys({ declared }: { declared: Declared }) {
  const keys = useQuery<Key[], GatewayError>({ queryKey: ["llm", "keys"], queryFn: async () => (await askJson<{ keys: Key[] }>("desk/keys")).keys });
  const [adding, setAdding] = useState(false);
  const change = useChange();
  return (
    <Card title="Virtual keys" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Create key</Button>}>
      <Answer of={keys}>
        {(rows) => (
          <Rows
            label="virtual keys" rows={rows} id={(key) => key.name}
            empty={<Empty title="No key was made here yet">{declared.keys.length ? `The settings declare ${declared.keys.join(", ")}.` : "Clients of the LLM API show one instead of a provider’s."}</Empty>}
            columns={[
              { head: "Name", cell: (key) => key.name, text: (key) => key.name },
              { head: "Ends in", cell: (key) => <span className="mono">…{key.hint}</span> },
              { head: "Of", cell: (key) => [key.user, key.team].filter(Boolean).join(" · ") || "–", text: (key) => `${key.user ?? ""} ${key.team}` },
              { head: "Models", cell: (key) => (key.models.length ? key.models.map((each) => <Badge key={each} mr={4} color="gray">{each}</Badge>) : "all") },
              { head: "Limits", cell: (key) => [key.requests_per_minute && `${count(key.requests_per_minute)} requests/min`, key.tokens_per_minute && `${count(key.tokens_per_minute)} tokens/min`, budgets(key.budget)].filter(Boolean).join(" · ") || "none" },
              { head: "Made", cell: (key) => <When at={key.created} /> },
              { head: "Enabled", cell: (key) => <Switch size="xs" checked={key.enabled} aria-label={`${key.name} is enabled`} onChange={(event) => change.mutate({ path: `keys/${key.name}`, method: "PATCH", body: { enabled: event.currentTarget.checked } })} /> },
              { head: "Act", quiet: true, right: true, cell: (key) => <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${key.name}`} onClick={() => change.mutate({ path: `keys/${key.name}`, method: "DELETE" })}><IconTrash size={15} /></ActionIcon> },
            ]}
          />
        )}
      </Answer>
      {adding && <Add declared={declared} close={() => setAdding(false)} />}
    </Card>
  );
}

function Add({ declared, close }: { declared: Declared; close: () => void }) {
  const [name, setName] = useState("");
  const [models, setModels] = useState<string[]>([]);
  const [of, setOf] = useState<string | null>(null);
  const holders = useHolders().data ?? [];
  const [tokens, setTokens] = useState<number | string>("");
  const [usd, setUsd] = useState<number | string>("");
  const [period, setPeriod] = useState("month");
  const change = useChange<Key>();
  const made = change.data;
  const owners = ["team", "user"].map((kind) => ({ group: `${kind}s`, items: holders.filter((each) => each.kind === `${kind}s`).map(({ name }) => ({ value: `${kind}/${name}`, label: name })) })).filter(({ items }) => items.length > 0);
  return (
    <Modal opened onClose={close} title="Create a virtual key" closeButtonProps={{ "aria-label": "Close" }}>
      {made ? (
        <Stack>
          <Alert color="orange" title="Copy it now">The key is shown this once: the gateway keeps only a hash of it.</Alert>
          <Group gap={6} wrap="nowrap"><Code style={{ flex: 1 }} aria-label="The key">{made.secret}</Code><Copy value={made.secret!} label="Copy the key" /></Group>
          <Group justify="flex-end"><Button onClick={close}>I have it</Button></Group>
        </Stack>
      ) : (
        <Stack component="form" onSubmit={(event) => {
          event.preventDefault();
          change.mutate({
            path: "keys", method: "POST",
            body: {
              name, models, ...(of ? { [of.slice(0, of.indexOf("/"))]: of.slice(of.indexOf("/") + 1) } : {}), ...(tokens !== "" ? { tokens_per_minute: Number(tokens) } : {}),
              ...(usd !== "" ? { budget: { usd: Number(usd), period } } : {}),
            },
          });
        }}>
          <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <MultiSelect label="Models" placeholder={models.length ? undefined : "all"} data={Object.keys(declared.models)} value={models} onChange={setModels} />
          {owners.length > 0 && <Select label="Of" clearable data={owners} value={of} onChange={setOf} />}
          <SimpleGrid cols={3}>
            <NumberInput label="Tokens a minute" placeholder="no limit" min={1} value={tokens} onChange={setTokens} />
            <NumberInput label="Budget" prefix="$" placeholder="none" min={0} decimalScale={2} value={usd} onChange={setUsd} />
            <Select label="For a" data={["day", "week", "month"]} value={period} onChange={(value) => setPeriod(value ?? "month")} allowDeselect={false} />
          </SimpleGrid>
          {change.error && <Wrong error={change.error} />}
          <Group justify="flex-end"><Button type="submit" loading={change.isPending}>Create</Button></Group>
        </Stack>
      )}
    </Modal>
  );
}

/** Organizations, teams and users, those of the settings and those made at run time. */
function useHolders() {
  return useQuery<(Holder & { kind: string })[], GatewayError>({
    queryKey: ["llm", "holders"],
    queryFn: async () => {
      const found = await Promise.all(["organizations", "teams", "users"].map(async (kind) =>
        (await askJson<Record<string, Holder[]>>(`desk/${kind}`))[kind]!.map((each) => ({ ...each, kind }))));
      return found.flat();
    },
  });
}

function Holders() {
  const change = useChange();
  const holders = useHolders();
  if (holders.data?.length === 0) return null;
  return (
    <Card title="Organizations, teams and users" flush>
      <Answer of={holders}>
        {(rows) => (
          <Rows
            label="organizations, teams and users" rows={rows} id={(each) => `${each.kind}/${each.name}`}
            columns={[
              { head: "Name", cell: (each) => each.name, text: (each) => each.name },
              { head: "Kind", cell: (each) => each.kind.slice(0, -1), text: (each) => each.kind },
              { head: "Of", cell: (each) => each.team || each.organization || "–", text: (each) => `${each.team ?? ""} ${each.organization ?? ""}` },
              { head: "Models", cell: (each) => each.models.join(", ") || "all" },
              { head: "Budget", cell: (each) => budgets(each.budget) || "none" },
              { head: "Enabled", cell: (each) => <Switch size="xs" checked={each.enabled} disabled={each.declared} aria-label={`${each.name} is enabled`} onChange={(event) => change.mutate({ path: `${each.kind}/${encodeURIComponent(each.name)}`, method: "PATCH", body: { enabled: event.currentTarget.checked } })} /> },
            ]}
          />
        )}
      </Answer>
    </Card>
  );
}
