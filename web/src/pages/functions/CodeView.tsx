import { Button, FileButton, Group, Select, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { base64 } from "../../gateway/base64";
import { ask, type GatewayError } from "../../gateway/call";
import { useAct } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { languageOf, opened, zipped, type Files } from "./zip";

/** The files of a function's zip, edited in place. */
export function CodeView({ name, sha, editable }: { name: string; sha: string; editable: boolean }) {
  const code = useQuery<ReturnType<typeof opened>, GatewayError>({
    queryKey: ["lambda", "code", name, sha],
    queryFn: async () => opened(new Uint8Array(await (await ask(`code/${encodeURIComponent(name)}`)).arrayBuffer())),
    enabled: editable,
  });
  const act = useAct();
  const send = (zip: ArrayBuffer) =>
    act.mutate({ service: "lambda", operation: "UpdateFunctionCode", params: { FunctionName: name, ZipFile: base64(zip) }, done: "The code was saved" });
  if (!editable) return <Card title="Code"><Empty title="The code lies in a folder">torana.toml names it; change it there, and reload the gateway.</Empty></Card>;
  return (
    <Card
      title="Code"
      actions={
        <FileButton accept=".zip" onChange={async (file) => file && send(await file.arrayBuffer())}>
          {(props) => <Button {...props} size="xs" variant="default" loading={act.isPending}>Send a zip</Button>}
        </FileButton>
      }
    >
      <Answer of={code}>{({ files, raw }) => <Edit key={sha} files={files} save={(changed) => send(zipped(changed, raw).buffer)} busy={act.isPending} />}</Answer>
    </Card>
  );
}

function Edit({ files, save, busy }: { files: Files; save: (files: Files) => void; busy: boolean }) {
  const [changed, setChanged] = useState(files);
  const paths = Object.keys(files).sort();
  const [path, setPath] = useState(paths.find((each) => /\.(py|m?js)$/.test(each)) ?? paths[0] ?? "");
  const text = changed[path];
  return (
    <Stack gap={8}>
      <Group justify="space-between" wrap="nowrap">
        <Select aria-label="File" data={paths} value={path} onChange={(value) => setPath(value ?? "")} allowDeselect={false} searchable flex={1} maw={320} />
        <Button onClick={() => save(changed)} disabled={changed === files} loading={busy}>Save</Button>
      </Group>
      {typeof text === "string"
        ? <Code label={`Code of ${path}`} language={languageOf(path)} value={text} onChange={(next) => setChanged({ ...changed, [path]: next })} height="400px" />
        : <Text c="dimmed" size="sm">This file is no text.</Text>}
    </Stack>
  );
}
