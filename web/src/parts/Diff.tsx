import { Text } from "@mantine/core";
import { structuredPatch } from "diff";

/** What changed between two texts, line by line. */
export function Diff({ before, after, label }: { before: string; after: string; label: string }) {
  const { hunks } = structuredPatch("", "", before, after, "", "", { context: 3 });
  if (hunks.length === 0) return <Text size="sm" c="dimmed">Nothing differs.</Text>;
  return (
    <div className="diff" role="region" aria-label={label} tabIndex={0}>
      {hunks.map((hunk, at) => (
        <div key={at} style={{ padding: 0 }}>
          <div className="far">@@ line {hunk.newStart} @@</div>
          {hunk.lines.filter((line) => !line.startsWith("\\")).map((line, i) => (
            <div key={i} className={line.startsWith("+") ? "add" : line.startsWith("-") ? "cut" : undefined}>{line}</div>
          ))}
        </div>
      ))}
    </div>
  );
}
