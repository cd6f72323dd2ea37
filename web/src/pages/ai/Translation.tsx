import { ActionIcon, Button, Group, Select, SimpleGrid, Text, Textarea } from "@mantine/core";
import { IconArrowsExchange } from "@tabler/icons-react";
import { useState } from "react";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Card } from "../../parts/Page";

type Translated = { TranslatedText: string; SourceLanguageCode: string; TargetLanguageCode: string };
type Language = { LanguageName: string; LanguageCode: string };

export function Translation() {
  const languages = useCallAll<Language>("translate", "ListLanguages", {}, "Languages", ["NextToken", "NextToken"]);
  const [from, setFrom] = useState("en");
  const [to, setTo] = useState("de");
  const [text, setText] = useState("The weather is nice today.");
  const act = useAct<Translated>();
  return (
    <Answer of={languages}>
      {(found) => {
        const choices = found.map((each) => ({ value: each.LanguageCode, label: `${each.LanguageName} (${each.LanguageCode})` }));
        return (
          <Card title="Translate" actions={
            <Button size="xs" loading={act.isPending} disabled={!text.trim()} onClick={() => act.mutate({
              service: "translate", operation: "TranslateText", params: { Text: text, SourceLanguageCode: from, TargetLanguageCode: to },
            })}>
              Translate
            </Button>
          }>
            <Group align="flex-end" mb="sm" wrap="nowrap">
              <Select flex={1} label="From" data={choices} value={from} onChange={(value) => setFrom(value ?? "en")} searchable allowDeselect={false} />
              <ActionIcon variant="default" size="lg" aria-label="The other way round" onClick={() => { setFrom(to); setTo(from); if (act.data) setText(act.data.TranslatedText); act.reset(); }}>
                <IconArrowsExchange size={16} />
              </ActionIcon>
              <Select flex={1} label="To" data={choices} value={to} onChange={(value) => setTo(value ?? "de")} searchable allowDeselect={false} />
            </Group>
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <Textarea label="Text" autosize minRows={7} value={text} onChange={(event) => setText(event.currentTarget.value)} />
              <div>
                <Text size="sm" fw={500} mb={2}>Translation</Text>
                {act.error ? <Wrong error={act.error} /> : (
                  <Text aria-live="polite" aria-label="Translation" role="region" style={{ whiteSpace: "pre-wrap" }} p={8}>{act.data?.TranslatedText}</Text>
                )}
              </div>
            </SimpleGrid>
          </Card>
        );
      }}
    </Answer>
  );
}
