import { Group, Text } from "@mantine/core";

/** A number that matters, and one beside it. */
export function Figure({ label, value, more, bad }: { label: string; value: string; more: string; bad?: boolean }) {
  return (
    <div className="card kpi">
      <Text size="xs" c="dimmed" truncate>{label}</Text>
      <Group gap={6} className="value tabular" c={bad ? "var(--mantine-color-error)" : undefined}>{value}</Group>
      <Text size="xs" c="dimmed" className="tabular" truncate>{more}</Text>
    </div>
  );
}
