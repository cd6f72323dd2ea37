import { Alert, Button, Code, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { askJson } from "../gateway/call";
import logo from "../torana.svg";

export function SignIn({ entered, trouble }: { entered: () => Promise<void>; trouble: string }) {
  const [wrong, setWrong] = useState(trouble);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    try {
      await askJson("session", "POST", {
        accessKeyId: form.get("id"),
        secretAccessKey: form.get("secret"),
      });
      await entered();
    } catch (error) {
      setWrong((error as Error).message);
      setBusy(false);
    }
  }

  return (
    <main style={{ minHeight: "100vh", display: "grid", placeItems: "center", padding: 16 }}>
      <Paper withBorder radius="lg" p="xl" w="100%" maw={400} shadow="sm">
        <form onSubmit={submit}>
          <Stack>
            <Group gap="sm">
              <img src={logo} width={36} height={36} alt="" />
              <div>
                <Title order={1}>Torana</Title>
                <Text c="dimmed" size="sm">The AWS AI gateway that runs anywhere</Text>
              </div>
            </Group>
            {wrong && <Alert color="red" variant="light" role="alert">{wrong}</Alert>}
            <TextInput
              name="id" label="Access key ID" required autoFocus autoComplete="username" spellCheck={false}
              placeholder="AKIA…" classNames={{ input: "mono" }}
            />
            <PasswordInput
              name="secret" label="Secret access key" required autoComplete="current-password"
              visibilityToggleButtonProps={{ "aria-label": "Show the secret" }}
            />
            <Button type="submit" loading={busy} fullWidth mt={4}>Sign in</Button>
            <Text size="xs" c="dimmed">
              The first start wrote an access key to <Code>credentials</Code> in the gateway's data folder
              (<Code>data/credentials</Code> with <Code>make run</Code>).
            </Text>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
