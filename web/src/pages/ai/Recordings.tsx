import { Button, FileButton, Group, Loader, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { base64, textOf } from "../../gateway/base64";
import { call, GatewayError } from "../../gateway/call";
import { Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";

type Item = { type: string; start_time?: string; end_time?: string; alternatives: { content: string; confidence: string }[] };
type Transcript = { results: { transcripts: { transcript: string }[]; items: Item[] } };
type Job = { TranscriptionJob: { TranscriptionJobStatus: string; FailureReason?: string } };

const BUCKET = "torana-console";

/** A recording goes to a bucket, a job reads it, its words come back. */
async function transcribe(file: File): Promise<Transcript> {
  const name = `console-${Date.now().toString(36)}`;
  const key = `recordings/${name}-${file.name.replaceAll(/[^\w.-]/g, "_")}`;
  await call("s3", "CreateBucket", { Bucket: BUCKET }).catch((error: GatewayError) => {
    if (!error.code.startsWith("BucketAlready")) throw error;
  });
  await call("s3", "PutObject", { Bucket: BUCKET, Key: key, Body: base64(await file.arrayBuffer()) });
  await call("transcribe", "StartTranscriptionJob", {
    TranscriptionJobName: name, LanguageCode: "en-US", Media: { MediaFileUri: `s3://${BUCKET}/${key}` }, OutputBucketName: BUCKET, OutputKey: `transcripts/${name}.json`,
  });
  for (;;) {
    const { TranscriptionJob: job } = await call<Job>("transcribe", "GetTranscriptionJob", { TranscriptionJobName: name });
    if (job.TranscriptionJobStatus === "FAILED") throw new GatewayError(400, "FAILED", job.FailureReason ?? "The job failed");
    if (job.TranscriptionJobStatus === "COMPLETED") break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const { Body } = await call<{ Body: string }>("s3", "GetObject", { Bucket: BUCKET, Key: `transcripts/${name}.json` });
  return JSON.parse(textOf(Body));
}

export function Recordings() {
  const [audio, setAudio] = useState("");
  const act = useMutation<Transcript, GatewayError, File>({ mutationFn: transcribe });
  useEffect(() => () => URL.revokeObjectURL(audio), [audio]);
  const take = (file: File | null) => {
    if (!file) return;
    setAudio(URL.createObjectURL(file));
    act.mutate(file);
  };
  const words = act.data?.results.items ?? [];
  return (
    <Card title="Transcribe" actions={
      <FileButton accept="audio/*,video/mp4,.flac,.ogg" onChange={take}>
        {(props) => <Button {...props} size="xs" loading={act.isPending}>Choose a recording</Button>}
      </FileButton>
    }>
      {!audio ? <Empty title="No recording yet">Choose one in English. It is kept in the bucket {BUCKET}, with its transcript.</Empty> : (
        <Stack>
          <audio controls src={audio} aria-label="The recording" style={{ width: "100%" }} />
          {act.isPending && <Group gap={8}><Loader size="xs" /><Text size="sm" c="dimmed">Listening…</Text></Group>}
          {act.error && <Wrong error={act.error} />}
          {act.data && (
            <div role="region" aria-label="Transcript" style={{ lineHeight: 1.8 }}>
              {words.length === 0 && <Text c="dimmed">Nothing was said.</Text>}
              {words.map((word, i) => {
                const sure = Number(word.alternatives[0]?.confidence ?? 1);
                const punctuation = word.type === "punctuation";
                return (
                  <span key={i} title={punctuation ? undefined : `${word.start_time} s, ${(sure * 100).toFixed(0)}% sure`}
                    style={{ textDecoration: !punctuation && sure < 0.5 ? "underline dotted" : undefined }}>
                    {punctuation || i === 0 ? "" : " "}{word.alternatives[0]?.content}
                  </span>
                );
              })}
            </div>
          )}
        </Stack>
      )}
    </Card>
  );
}
