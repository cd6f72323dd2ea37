import { Badge, Text } from "@mantine/core";
import { useCall } from "../../gateway/hooks";

interface Change {
  level: "breaking" | "compatible" | "documentation";
  operation: string;
  text: string;
  pointer: string;
}

const COLOURS = { breaking: "red", compatible: "teal", documentation: "gray" };

/** What clients notice of the difference of two definitions, what breaks them first. */
export function Changes({ before, after }: { before: string; after: string }) {
  const found = useCall<{ changes: Change[] }>("torana", "CompareDefinitions", { old: { document: before }, new: { document: after } });
  const changes = found.data?.changes ?? [];
  if (changes.length === 0) return null;
  return (
    <ul aria-label="What clients notice" style={{ margin: 0, paddingLeft: 0, listStyle: "none" }}>
      {changes.map((each, at) => (
        <li key={at} title={each.pointer}>
          <Badge color={COLOURS[each.level]} mr={8}>{each.level}</Badge>
          <span className="mono">{each.operation}</span> <Text span size="sm">{each.text}</Text>
        </li>
      ))}
    </ul>
  );
}
