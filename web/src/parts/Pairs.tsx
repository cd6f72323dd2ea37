import { ActionIcon, Button, Checkbox, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";

export type Pair = [name: string, value: string];

export function pairsOf(map: Record<string, string> | undefined): Pair[] {
  return Object.entries(map ?? {});
}

export function mapOf(pairs: Pair[]): Record<string, string> {
  return Object.fromEntries(pairs.filter(([name]) => name.trim()).map(([name, value]) => [name.trim(), value]));
}

/** Names and values, a line each. */
export function Pairs({ label, pairs, onChange, names = "Name", values = "Value", hint }: {
  label: string;
  pairs: Pair[];
  onChange: (pairs: Pair[]) => void;
  names?: string;
  values?: string;
  hint?: string;
}) {
  const set = (at: number, pair: Pair) => onChange(pairs.map((each, i) => (i === at ? pair : each)));
  return (
    <Stack gap={6} role="group" aria-label={label}>
      <Text size="sm" fw={550}>{label}</Text>
      {hint && <Text size="xs" c="dimmed">{hint}</Text>}
      {pairs.map(([name, value], at) => (
        <Group key={at} gap={6} wrap="nowrap">
          <TextInput flex={1} value={name} placeholder={names} aria-label={`${label}: name ${at + 1}`} classNames={{ input: "mono" }}
            onChange={(event) => set(at, [event.currentTarget.value, value])} />
          <TextInput flex={1} value={value} placeholder={values} aria-label={`${label}: value ${at + 1}`} classNames={{ input: "mono" }}
            onChange={(event) => set(at, [name, event.currentTarget.value])} />
          <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${name || "the line"}`}
            onClick={() => onChange(pairs.filter((_, i) => i !== at))}>
            <IconTrash size={15} />
          </ActionIcon>
        </Group>
      ))}
      <div>
        <Button size="compact-xs" variant="subtle" leftSection={<IconPlus size={13} />} onClick={() => onChange([...pairs, ["", ""]])}>
          Add
        </Button>
      </div>
    </Stack>
  );
}

/** Names that are required or not, a line each. */
export function Flags({ label, flags, onChange, names = "Name", flag = "Required" }: {
  label: string;
  flags: [string, boolean][];
  onChange: (flags: [string, boolean][]) => void;
  names?: string;
  flag?: string;
}) {
  const set = (at: number, pair: [string, boolean]) => onChange(flags.map((each, i) => (i === at ? pair : each)));
  return (
    <Stack gap={6} role="group" aria-label={label}>
      <Text size="sm" fw={550}>{label}</Text>
      {flags.map(([name, on], at) => (
        <Group key={at} gap={8} wrap="nowrap">
          <TextInput flex={1} value={name} placeholder={names} aria-label={`${label}: name ${at + 1}`} classNames={{ input: "mono" }}
            onChange={(event) => set(at, [event.currentTarget.value, on])} />
          <Checkbox label={flag} size="xs" checked={on} onChange={(event) => set(at, [name, event.currentTarget.checked])} />
          <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${name || "the line"}`}
            onClick={() => onChange(flags.filter((_, i) => i !== at))}>
            <IconTrash size={15} />
          </ActionIcon>
        </Group>
      ))}
      <div>
        <Button size="compact-xs" variant="subtle" leftSection={<IconPlus size={13} />} onClick={() => onChange([...flags, ["", false]])}>
          Add
        </Button>
      </div>
    </Stack>
  );
}
