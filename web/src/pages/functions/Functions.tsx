import { Badge, Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { base64 } from "../../gateway/base64";
import { useAct, useCallAll } from "../../gateway/hooks";
import { useSession } from "../../gateway/session";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { bytes, When } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { FunctionView } from "./FunctionView";
import { BEGINNINGS, zipped } from "./zip";

export type Configuration = {
  FunctionName: string;
  FunctionArn: string;
  Runtime?: string;
  Handler?: string;
  Role?: string;
  CodeSize?: number;
  Description?: string;
  Timeout?: number;
  MemorySize?: number;
  LastModified?: string;
  CodeSha256?: string;
  Version?: string;
  Environment?: { Variables?: Record<string, string> };
};

export default function Functions() {
  return (
    <Switch>
      <Route path="/functions" component={List} />
      <Route path="/functions/:name">{({ name }) => <FunctionView name={decodeURIComponent(name)} />}</Route>
    </Switch>
  );
}

function List() {
  const functions = useCallAll<Configuration>("lambda", "ListFunctions", {}, "Functions", ["NextMarker", "Marker"]);
  const [adding, setAdding] = useState(false);
  return (
    <Page title="Functions" about="Lambda functions, each in a box of its own"
      actions={<Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>Create function</Button>}>
      <Card flush>
        <Answer of={functions}>
          {(rows) => (
            <Rows
              label="functions" rows={rows} id={(each) => each.FunctionName} link={(each) => `/functions/${encodeURIComponent(each.FunctionName)}`}
              empty={<Empty title="No function yet" action={<Button onClick={() => setAdding(true)}>Create function</Button>}>Write one here, or send a zip with boto3, the AWS CLI or Terraform.</Empty>}
              columns={[
                { head: "Name", cell: (each) => each.FunctionName, text: (each) => each.FunctionName },
                { head: "Runtime", cell: (each) => <Badge color="gray">{each.Runtime}</Badge>, text: (each) => each.Runtime ?? "" },
                { head: "Handler", cell: (each) => <span className="mono">{each.Handler}</span> },
                { head: "Memory", right: true, cell: (each) => `${each.MemorySize} MB` },
                { head: "Timeout", right: true, cell: (each) => `${each.Timeout} s` },
                { head: "Code", right: true, cell: (each) => (each.CodeSize ? bytes(each.CodeSize) : "a folder") },
                { head: "Changed", cell: (each) => <When at={each.LastModified?.replace(/\+0000$/, "Z")} /> },
              ]}
            />
          )}
        </Answer>
      </Card>
      {adding && <Add close={() => setAdding(false)} />}
    </Page>
  );
}

function Add({ close }: { close: () => void }) {
  const session = useSession();
  const [name, setName] = useState("");
  const [kind, setKind] = useState("Python");
  const [, go] = useLocation();
  const act = useAct();
  const beginning = BEGINNINGS[kind]!;
  return (
    <Modal opened onClose={close} title="Create a function" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "lambda", operation: "CreateFunction", done: `${name} was created`, then: () => go(`/functions/${name}`),
          params: {
            FunctionName: name, Runtime: beginning.runtime, Handler: beginning.handler, Timeout: 10, MemorySize: 256,
            Role: `arn:aws:iam::${session.account}:role/${name}`,
            Code: { ZipFile: base64(zipped({ [beginning.file]: beginning.text }).buffer) },
          },
        });
      }}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select label="Language" data={Object.keys(BEGINNINGS)} value={kind} onChange={(value) => setKind(value ?? "Python")} allowDeselect={false} />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Create</Button></Group>
      </Stack>
    </Modal>
  );
}
