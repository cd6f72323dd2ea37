import { Table, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { Empty } from "./Empty";

export type Column<T> = {
  head: string;
  /** The head is only for who reads with the ear. */
  quiet?: boolean;
  cell: (row: T) => ReactNode;
  /** What is searched and sorted by. */
  text?: (row: T) => string | number;
  right?: boolean;
};

/** A table that is searched, sorted, and leads somewhere. */
export function Rows<T>({ rows, columns, id, link, empty, label, search = rows.length > 8 }: {
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string;
  link?: (row: T) => string;
  empty?: ReactNode;
  label: string;
  search?: boolean;
}) {
  const [wanted, setWanted] = useState("");
  const [, go] = useLocation();
  if (rows.length === 0) return <>{empty ?? <Empty title="Nothing here yet" />}</>;
  const found = rows.filter((row) =>
    columns.some((column) => String(column.text?.(row) ?? "").toLowerCase().includes(wanted.toLowerCase())),
  );
  return (
    <>
      {search && (
        <TextInput
          value={wanted} onChange={(event) => setWanted(event.currentTarget.value)} placeholder="Find in this list" p={8}
          aria-label={`Find in ${label}`} leftSection={<IconSearch size={14} />} size="xs" maw={320}
        />
      )}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
        <Table className="rows">
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column.head} ta={column.right ? "right" : undefined}>
                  {column.quiet ? <VisuallyHidden>{column.head}</VisuallyHidden> : column.head}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.slice(0, 500).map((row) => (
              <Table.Tr
                key={id(row)} data-link={link ? true : undefined}
                onClick={(event) => {
                  const target = event.target as HTMLElement;
                  if (link && !target.closest("a,button,input,label")) go(link(row));
                }}
              >
                {columns.map((column, at) => (
                  <Table.Td key={column.head} ta={column.right ? "right" : undefined} className={column.right ? "tabular" : undefined}>
                    {at === 0 && link ? <Link href={link(row)} style={{ fontWeight: 550 }}>{column.cell(row)}</Link> : column.cell(row)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
      {found.length === 0 && <Text c="dimmed" p="md" size="sm">Nothing fits “{wanted}”.</Text>}
    </>
  );
}
