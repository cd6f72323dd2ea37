import { Button, Group, Select, Stack, Textarea } from "@mantine/core";
import { useEffect, useState } from "react";
import { bytesOf } from "../../gateway/base64";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Card } from "../../parts/Page";

type Voice = { Id: string; Name: string; LanguageName: string; LanguageCode: string; Gender: string; SupportedEngines: string[] };

/** A text, spoken. */
export function Speech() {
  const voices = useCallAll<Voice>("polly", "DescribeVoices", {}, "Voices", ["NextToken", "NextToken"]);
  return <Answer of={voices}>{(found) => <Speak voices={found} />}</Answer>;
}

function Speak({ voices }: { voices: Voice[] }) {
  const [id, setId] = useState(voices.find((voice) => voice.LanguageCode === "en-US")?.Id ?? voices[0]?.Id ?? "");
  const voice = voices.find((each) => each.Id === id);
  const [engine, setEngine] = useState<string | null>(null);
  const [text, setText] = useState("Welcome to the gateway that runs anywhere.");
  const [audio, setAudio] = useState("");
  const act = useAct<{ AudioStream: string; ContentType: string }>();
  useEffect(() => () => URL.revokeObjectURL(audio), [audio]);
  const engines = voice?.SupportedEngines ?? [];
  const chosen = engine && engines.includes(engine) ? engine : (engines[0] ?? "standard");
  return (
    <Card title="Speak" actions={
      <Button size="xs" loading={act.isPending} disabled={!text.trim() || !id} onClick={() => act.mutate({
        service: "polly", operation: "SynthesizeSpeech",
        params: { Text: text, TextType: text.trimStart().startsWith("<speak") ? "ssml" : "text", VoiceId: id, Engine: chosen, OutputFormat: "mp3" },
        then: (answer) => setAudio(URL.createObjectURL(new Blob([bytesOf(answer.AudioStream)], { type: answer.ContentType }))),
      })}>
        Speak
      </Button>
    }>
      <Stack>
        <Group>
          <Select label="Voice" searchable w={280} value={id} onChange={(value) => setId(value ?? "")} allowDeselect={false}
            data={voices.map((each) => ({ value: each.Id, label: `${each.Name} · ${each.LanguageName}` }))} />
          <Select label="Engine" w={160} data={engines} value={chosen} onChange={setEngine} allowDeselect={false} />
        </Group>
        <Textarea label="Text or SSML" autosize minRows={5} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        {act.error && <Wrong error={act.error} />}
        {audio && <audio controls autoPlay src={audio} aria-label="The spoken text" style={{ width: "100%" }} />}
      </Stack>
    </Card>
  );
}
