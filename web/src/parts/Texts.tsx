import { Button, CloseButton, Group, Stack, Tabs, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { Code } from "./Code";
import type { Language } from "./Editor";

/** Texts by content type, such as mapping templates. */
export function Texts({ label, texts, onChange, language, hint }: {
  label: string;
  texts: Record<string, string>;
  onChange: (texts: Record<string, string>) => void;
  language: Language;
  hint?: string;
}) {
  const types = Object.keys(texts);
  const [shown, setShown] = useState<string | null>(null);
  const [fresh, setFresh] = useState("application/json");
  const active = shown && types.includes(shown) ? shown : (types[0] ?? null);

  function add() {
    if (!fresh || texts[fresh] !== undefined) return;
    onChange({ ...texts, [fresh]: "" });
    setShown(fresh);
  }

  return (
    <Stack gap={6} role="group" aria-label={label}>
      <Text size="sm" fw={550}>{label}</Text>
      {hint && <Text size="xs" c="dimmed">{hint}</Text>}
      {active !== null && (
        <Tabs value={active} onChange={setShown} keepMounted={false}>
          <Tabs.List>
            {types.map((type) => <Tabs.Tab key={type} value={type} className="mono">{type}</Tabs.Tab>)}
          </Tabs.List>
          {types.map((type) => (
            <Tabs.Panel key={type} value={type} pt={6}>
              <Code label={`${label} for ${type}`} language={language} value={texts[type] ?? ""}
                onChange={(text) => onChange({ ...texts, [type]: text })} />
              <Group justify="flex-end" mt={4}>
                <CloseButton size="sm" aria-label={`Remove ${type}`} onClick={() => {
                  const { [type]: _, ...rest } = texts;
                  onChange(rest);
                }} />
              </Group>
            </Tabs.Panel>
          ))}
        </Tabs>
      )}
      <Group gap={6}>
        <TextInput size="xs" value={fresh} onChange={(event) => setFresh(event.currentTarget.value)} aria-label={`${label}: content type`}
          classNames={{ input: "mono" }} w={200} />
        <Button size="xs" variant="default" onClick={add} disabled={!fresh || texts[fresh] !== undefined}>Add content type</Button>
      </Group>
    </Stack>
  );
}
