import { Badge, Button, FileButton, Group, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { base64 } from "../../gateway/base64";
import { call, type GatewayError } from "../../gateway/call";
import { Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";

type Box = { Left: number; Top: number; Width: number; Height: number };
type Finding = { name: string; confidence: number; box?: Box; color: string };

const KINDS = {
  Labels: async (Image: object): Promise<Finding[]> => {
    type Answer = { Labels: { Name: string; Confidence: number; Instances?: { BoundingBox: Box }[] }[] };
    const { Labels } = await call<Answer>("rekognition", "DetectLabels", { Image, MaxLabels: 15 });
    return Labels.map((each) => ({ name: each.Name, confidence: each.Confidence, box: each.Instances?.[0]?.BoundingBox, color: "#1864ab" }));
  },
  Faces: async (Image: object): Promise<Finding[]> => {
    const { FaceDetails } = await call<{ FaceDetails: { BoundingBox: Box; Confidence: number }[] }>("rekognition", "DetectFaces", { Image });
    return FaceDetails.map((each, i) => ({ name: `Face ${i + 1}`, confidence: each.Confidence, box: each.BoundingBox, color: "#9c36b5" }));
  },
  Text: async (Image: object): Promise<Finding[]> => {
    type Answer = { TextDetections: { DetectedText: string; Type: string; Confidence: number; Geometry: { BoundingBox: Box } }[] };
    const { TextDetections } = await call<Answer>("rekognition", "DetectText", { Image });
    return TextDetections.filter((each) => each.Type === "LINE").map((each) => ({
      name: each.DetectedText, confidence: each.Confidence, box: each.Geometry.BoundingBox, color: "#0b7285",
    }));
  },
};
type Kind = keyof typeof KINDS;

/** What is in a picture, drawn onto it. */
export function Pictures() {
  const [picture, setPicture] = useState<{ url: string; bytes: string } | null>(null);
  const [kind, setKind] = useState<Kind>("Labels");
  const act = useMutation<Finding[], GatewayError, { kind: Kind; bytes: string }>({ mutationFn: ({ kind, bytes }) => KINDS[kind]({ Bytes: bytes }) });
  const look = (kind: Kind, bytes: string | undefined) => {
    setKind(kind);
    if (bytes) act.mutate({ kind, bytes });
  };
  const take = async (file: File | null) => {
    if (!file) return;
    const bytes = base64(await file.arrayBuffer());
    setPicture((before) => {
      if (before) URL.revokeObjectURL(before.url);
      return { url: URL.createObjectURL(file), bytes };
    });
    look(kind, bytes);
  };
  const found = act.data ?? [];
  return (
    <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 420px), 1fr))" }}>
      <Card title="Picture" actions={
        <Group gap={4}>
          {(Object.keys(KINDS) as Kind[]).map((each) => (
            <Button key={each} size="compact-xs" variant={kind === each ? "filled" : "default"} aria-pressed={kind === each} onClick={() => look(each, picture?.bytes)}>{each}</Button>
          ))}
          <FileButton accept="image/png,image/jpeg" onChange={take}>
            {(props) => <Button {...props} size="compact-xs" variant="default">Choose a picture</Button>}
          </FileButton>
        </Group>
      }>
        {picture ? (
          <div style={{ position: "relative", lineHeight: 0 }}>
            <img src={picture.url} alt="The chosen one" style={{ width: "100%", borderRadius: 8 }} />
            {found.map((each, i) => each.box && (
              <div key={i} data-box={each.name} title={each.name} style={{
                position: "absolute", left: `${each.box.Left * 100}%`, top: `${each.box.Top * 100}%`, width: `${each.box.Width * 100}%`,
                height: `${each.box.Height * 100}%`, border: `2px solid ${each.color}`, borderRadius: 3, boxShadow: "0 0 0 1px #ffffffb0",
              }} />
            ))}
          </div>
        ) : <Empty title="No picture yet">Choose a PNG or JPEG: it goes to this gateway only.</Empty>}
      </Card>
      <Card title="What is in it" flush>
        {act.error && <Wrong error={act.error} />}
        {act.isPending && <Text c="dimmed" p="md" size="sm">Looking…</Text>}
        {act.isSuccess && (
          <Rows
            label="findings" rows={found} id={(each) => each.name + found.indexOf(each)} search={false}
            empty={<Empty title={`No ${kind.toLowerCase()} found`} />}
            columns={[
              { head: "Found", cell: (each) => <Group gap={6}><span className="swatch" style={{ background: each.color }} />{each.name}</Group> },
              { head: "Sure", right: true, cell: (each) => <Badge color="gray">{each.confidence.toFixed(1)}%</Badge> },
            ]}
          />
        )}
        {act.isIdle && <Stack p="md"><Text c="dimmed" size="sm">Labels, faces and text are found by models of this gateway.</Text></Stack>}
      </Card>
    </div>
  );
}
