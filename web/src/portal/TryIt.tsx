import { Alert, Badge, Button, Group, PasswordInput, Stack, Table, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useState } from "react";
import type { GatewayError } from "../gateway/call";
import { Copy } from "../parts/Copy";
import { bytes } from "../parts/figures";
import { ask, freshKey, useAsked, useSession } from "./ask";
import { json, sample, type Document, type Operation } from "./openapi";
import type { Subscription } from "./types";

type Answered = { status: number; headers: [string, string][]; milliseconds: number; bytes: number; text?: string; base64?: string };
type Where = { product: string; api: string; stage: string };

/** A request with one's own key, sent to the stage that is served. */
export function TryIt({ operation, document, where }: { operation: Operation; document: Document; where: Where }) {
  const { session } = useSession();
  const own = useAsked<{ subscriptions: Subscription[] }>("subscriptions", { enabled: session.who !== null });
  const keys = (own.data?.subscriptions ?? []).filter((each) => each.productId === where.product).flatMap((each) => each.keys);
  const [typed, setTyped] = useState<string | null>(null);
  const key = typed ?? freshKey(keys);
  const [values, setValues] = useState<Record<string, string>>({});
  const schema = json(operation.requestBody?.content);
  const [body, setBody] = useState(() => (operation.requestBody ? JSON.stringify(sample(schema, document), null, 2) : ""));
  const send = useMutation<Answered, GatewayError>({
    mutationFn: () => ask("try", "POST", { ...where, method: operation.method, path: pathOf(operation, values), headers: headersOf(operation, values, key, body), body }),
  });
  if (operation["x-try-it"] === false) return <Text size="sm" c="dimmed">This operation cannot be tried here.</Text>;
  if (!session.who && session.signIn) return <Text size="sm" c="dimmed">Sign in to try it with your own key.</Text>;
  const url = (operation.servers ?? document.servers)[0]!.url;
  const curl = curlOf(operation, url + pathOf(operation, values), headersOf(operation, values, operation.keyed ? "$API_KEY" : "", body), body);
  return (
    <Stack gap="sm" component="form" onSubmit={(event) => {
      event.preventDefault();
      send.mutate();
    }}>
      {operation.keyed && (
        <PasswordInput
          label="API key" required value={key} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off"
          description="Stays in this page" visibilityToggleButtonProps={{ "aria-label": "Show the key" }}
        />
      )}
      {operation.all.map((each) => (
        <TextInput
          key={`${each.in} ${each.name}`} label={each.name} description={each.in} required={each.required} value={values[`${each.in} ${each.name}`] ?? ""}
          onChange={(event) => {
            const value = event.currentTarget.value;
            setValues((before) => ({ ...before, [`${each.in} ${each.name}`]: value }));
          }}
        />
      ))}
      {operation.requestBody && (
        <Textarea label="Body" autosize minRows={3} maxRows={16} value={body} onChange={(event) => setBody(event.currentTarget.value)} classNames={{ input: "mono" }} />
      )}
      <Group gap="xs">
        <Button type="submit" loading={send.isPending} leftSection={<IconPlayerPlay size={14} />}>Send</Button>
        <Copy value={curl} label="Copy as curl" />
      </Group>
      {send.error && <Alert color="red" variant="light" role="alert" title={send.error.code}>{send.error.message}</Alert>}
      {send.data && <Shown of={send.data} />}
    </Stack>
  );
}

function Shown({ of }: { of: Answered }) {
  return (
    <Stack gap={8} role="region" aria-label="Answer">
      <Group gap={8}>
        <Badge color={of.status < 400 ? "teal" : "red"}>{of.status}</Badge>
        <Text size="sm" c="dimmed">{of.milliseconds} ms · {bytes(of.bytes)}</Text>
      </Group>
      <pre className="box-text" tabIndex={0} aria-label="Body of the answer">{of.text === undefined ? of.base64 : pretty(of.text)}</pre>
      <details>
        <summary>Headers</summary>
        <Table aria-label="Headers of the answer">
          <Table.Tbody>{of.headers.map(([name, value], i) => <Table.Tr key={i}><Table.Td><code>{name}</code></Table.Td><Table.Td><code>{value}</code></Table.Td></Table.Tr>)}</Table.Tbody>
        </Table>
      </details>
    </Stack>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function pathOf(operation: Operation, values: Record<string, string>): string {
  const path = operation.path.replace(/\{([^{}+]+)(\+?)\}/g, (_, name: string, greedy: string) => {
    const value = values[`path ${name}`] ?? "";
    return greedy ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const each of operation.all) {
    const value = each.in === "query" ? values[`query ${each.name}`] : "";
    if (value) query.append(each.name, value);
  }
  return query.size > 0 ? `${path}?${query}` : path;
}

type Field = { name: string; value: string };

function headersOf(operation: Operation, values: Record<string, string>, key: string, body: string): Field[] {
  const fields: Field[] = operation.all
    .filter((each) => each.in === "header" && values[`header ${each.name}`])
    .map((each) => ({ name: each.name, value: values[`header ${each.name}`]! }));
  if (operation.keyed && key) fields.push({ name: "x-api-key", value: key });
  if (operation.requestBody && body) fields.push({ name: "content-type", value: Object.keys(operation.requestBody.content ?? {})[0] ?? "application/json" });
  return fields;
}

function curlOf(operation: Operation, url: string, fields: Field[], body: string): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const shown = (each: Field) => (each.value === "$API_KEY" ? `-H "${each.name}: $API_KEY"` : `-H ${quoted(`${each.name}: ${each.value}`)}`);
  const parts = [`curl -X ${operation.method} ${quoted(url)}`, ...fields.map(shown)];
  if (operation.requestBody && body) parts.push(`--data ${quoted(body)}`);
  return parts.join(" \\\n  ");
}
