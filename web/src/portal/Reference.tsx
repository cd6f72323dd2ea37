import { Badge, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { Answer } from "../parts/Answer";
import { Copy } from "../parts/Copy";
import { Empty } from "../parts/Empty";
import { Card, Page } from "../parts/Page";
import { useAsked } from "./ask";
import { json, operations, wordsOf, wordsOfModel, type Document, type Operation, type Schema } from "./openapi";
import { Prose } from "./Prose";
import { Kind, SchemaView } from "./SchemaView";
import { TryIt } from "./TryIt";
import type { Product } from "./types";
import { Notice } from "./words";

const COLORS: Record<string, string> = { GET: "lagoon", POST: "teal", PUT: "orange", PATCH: "orange", DELETE: "red" };

/** What an API takes and answers, searched by any word of it. */
export default function Reference({ product, api, stage, operation }: { product: string; api: string; stage: string; operation?: string }) {
  const place = `${product}/${api}/${encodeURIComponent(stage)}`;
  const document = useAsked<Document>(`definition/${place}`);
  const about = useAsked<Product>(`products/${product}`);
  return (
    <Answer of={document}>
      {(found) => (
        <Page
          title={`${found.info.title} ${found.info.version}`} trail={[{ label: "Products", path: "/" }, { label: about.data?.name ?? "…", path: `/products/${product}` }]}
          about={<Group gap={4} wrap="nowrap"><code>{found.servers[0]!.url}</code><Copy value={found.servers[0]!.url} label="Copy the address" /></Group>}
        >
          <Whole document={found} place={place} where={{ product, api, stage }} at={operation} sections={about.data?.sections ?? []} />
        </Page>
      )}
    </Answer>
  );
}

type Where = { product: string; api: string; stage: string };

function Whole({ document, place, where, at, sections }: { document: Document; place: string; where: Where; at?: string; sections: Product["sections"] }) {
  const [wanted, setWanted] = useState("");
  const all = useMemo(() => operations(document).map((each) => ({ ...each, words: wordsOf(each) })), [document]);
  const models = useMemo(() => Object.entries(document.components?.schemas ?? {}), [document]);
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((each) => words.every((word) => each.words.includes(word)));
  const foundModels = models.filter(([name, schema]) => words.every((word) => wordsOfModel(name, schema).includes(word)));
  const shown = all.find((each) => each.id === at) ?? found[0] ?? all[0];
  return (
    <div className="split">
      <nav className="card" aria-label="Operations and models">
        <div className="inside">
          <TextInput
            aria-label="Search the reference" placeholder="Operations, models, words" value={wanted} onChange={(event) => setWanted(event.currentTarget.value)}
            leftSection={<IconSearch size={14} />} mb="sm"
          />
          {grouped(found, sections, where).map(([name, operations]) => (
            <div key={name}>
              <Text size="xs" c="dimmed" fw={550} py={4}>{name}</Text>
              {operations.map((each) => (
                <Link
                  key={each.id} href={`/products/${place}/${encodeURIComponent(each.id)}`} className="nav-link operation" style={{ color: "inherit" }}
                  data-active={each.id === shown?.id || undefined} aria-current={each.id === shown?.id ? "page" : undefined}
                >
                  <Badge color={COLORS[each.method] ?? "gray"} size="xs">{each.method}</Badge>
                  <span>{each.name}</span>
                </Link>
              ))}
            </div>
          ))}
          {foundModels.length > 0 && <Text size="xs" c="dimmed" fw={550} py={4}>Models</Text>}
          {foundModels.map(([name]) => <a key={name} href={`#model-${name}`} className="nav-link operation" style={{ color: "inherit" }}>{name}</a>)}
          {found.length + foundModels.length === 0 && <Text size="sm" c="dimmed" role="status">Nothing has these words.</Text>}
        </div>
      </nav>
      <div className="grid">
        {document.info.description && !at && <Card><Prose>{document.info.description}</Prose></Card>}
        {shown ? <OperationView key={shown.id} of={shown} document={document} where={where} /> : <Empty title="There is no operation" />}
        {models.length > 0 && <Models of={words.length > 0 && foundModels.length > 0 ? foundModels : models} />}
      </div>
    </div>
  );
}

/** By the product's sections, then by tags. */
function grouped<T extends Operation>(found: T[], sections: Product["sections"], where: Where): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const section of sections) {
    for (const each of section.operations) {
      if (each.api !== where.api || each.stage !== where.stage) continue;
      for (const one of found.filter((operation) => operation.path === each.path && (each.method === "ANY" || operation.method === each.method))) {
        groups.set(section.name, [...(groups.get(section.name) ?? []), one]);
      }
    }
  }
  const placed = new Set([...groups.values()].flat());
  for (const one of found.filter((each) => !placed.has(each))) {
    const name = one.tags?.[0] ?? "Operations";
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups];
}

function OperationView({ of, document, where }: { of: Operation; document: Document; where: Where }) {
  const schema = json(of.requestBody?.content);
  return (
    <Card title={<Group gap={8}><Badge color={COLORS[of.method] ?? "gray"}>{of.method}</Badge><span>{of.name}</span></Group>}>
      <div className="two">
        <Stack gap="sm">
          <code>{of.path}</code>
          {of.deprecated && <Notice of={of["x-deprecation"] ?? {}} what="This operation" />}
          {of.description && of.description !== of.name && <Prose>{of.description}</Prose>}
          {of.all.length > 0 && <Parameters of={of} />}
          {of.requestBody && (
            <section>
              <Title order={3} mb={4}>Body</Title>
              {schema ? <SchemaView of={schema} label="the body" /> : <Text size="sm">Anything</Text>}
            </section>
          )}
          <section>
            <Title order={3} mb={4}>Answers</Title>
            <Stack gap={8}>
              {Object.entries(of.responses ?? {}).map(([status, each]) => {
                const answer = json(each.content);
                return (
                  <div key={status}>
                    <Group gap={8}><Badge color={status < "400" ? "teal" : "gray"}>{status}</Badge><Text size="sm">{each.description}</Text></Group>
                    {answer && <SchemaView of={answer} label={`the answer ${status}`} />}
                  </div>
                );
              })}
            </Stack>
          </section>
        </Stack>
        <section>
          <Title order={3} mb={8}>Try it</Title>
          <TryIt operation={of} document={document} where={where} />
        </section>
      </div>
    </Card>
  );
}

function Parameters({ of }: { of: Operation }) {
  return (
    <section>
      <Title order={3} mb={4}>Parameters</Title>
      <Stack gap={4} component="ul" m={0} pl="md">
        {of.all.map((each) => (
          <li key={`${each.in} ${each.name}`}>
            <code>{each.name}</code> <Text span size="sm" c="dimmed">in {each.in}{each.required ? ", required" : ""}, <Kind of={each.schema ?? { type: "string" }} /></Text>
            {each.description && <Text size="sm">{each.description}</Text>}
          </li>
        ))}
      </Stack>
    </section>
  );
}

function Models({ of }: { of: [string, Schema][] }) {
  return (
    <Card title="Models">
      <Stack gap="lg">
        {of.map(([name, schema]) => (
          <section key={name} id={`model-${name}`} tabIndex={-1}>
            <Title order={3} mb={4}>{name}</Title>
            <SchemaView of={schema} label={name} />
          </section>
        ))}
      </Stack>
    </Card>
  );
}
