import { Anchor, Badge, Table, Text } from "@mantine/core";
import { modelName, type Schema } from "./openapi";

/** A schema: what kind it is, and its members in a table. */
export function SchemaView({ of, label }: { of: Schema; label: string }) {
  const object = of.properties ?? of.items?.properties;
  return (
    <>
      <Text size="sm" component="div"><Kind of={of} />{of.description && <> · {of.description}</>}</Text>
      {object && <Members of={of.properties ? of : of.items!} label={label} />}
    </>
  );
}

export function Members({ of, label }: { of: Schema; label: string }) {
  const required = new Set(of.required ?? []);
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={`Members of ${label}`}>
      <Table aria-label={`Members of ${label}`}>
        <Table.Thead><Table.Tr><Table.Th>Name</Table.Th><Table.Th>Type</Table.Th><Table.Th>About</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {Object.entries(of.properties ?? {}).map(([name, each]) => (
            <Table.Tr key={name}>
              <Table.Td><code>{name}</code> {required.has(name) && <Badge color="gray">required</Badge>}</Table.Td>
              <Table.Td><Kind of={each} /></Table.Td>
              <Table.Td>{[each.description, bounds(each)].filter(Boolean).join(" · ") || "–"}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

/** A type, in words; a model is a link to it. */
export function Kind({ of }: { of?: Schema }) {
  if (!of) return <>anything</>;
  if (of.$ref) return <Anchor href={`#model-${modelName(of.$ref)}`} size="sm" underline="always">{modelName(of.$ref)}</Anchor>;
  const either = of.oneOf ?? of.anyOf ?? of.allOf;
  if (either) return <>{either.map((each, i) => <span key={i}>{i > 0 && (of.allOf ? " and " : " or ")}<Kind of={each} /></span>)}</>;
  if (of.enum) return <>{of.enum.map((each) => JSON.stringify(each)).join(" or ")}</>;
  if (of.type === "array") return <>list of <Kind of={of.items} /></>;
  if (typeof of.additionalProperties === "object") return <>map of <Kind of={of.additionalProperties} /></>;
  const type = Array.isArray(of.type) ? of.type.join(" or ") : of.type;
  return <>{type ?? "anything"}{of.format && ` (${of.format})`}</>;
}

function bounds(of: Schema): string {
  const said: string[] = [];
  if (of.minimum !== undefined) said.push(`at least ${of.minimum}`);
  if (of.maximum !== undefined) said.push(`at most ${of.maximum}`);
  if (of.minLength !== undefined) said.push(`${of.minLength} characters or more`);
  if (of.maxLength !== undefined) said.push(`up to ${of.maxLength} characters`);
  if (of.pattern) said.push(`like ${of.pattern}`);
  return said.join(", ");
}
