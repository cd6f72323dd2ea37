import { Alert, Anchor, Button, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { useLocation } from "wouter";
import { ask, useSession } from "./ask";

type Step = "in" | "up" | "confirm" | "forgot" | "reset" | "challenge";
type Entered = { challenge?: string; session?: string };

const TITLES: Record<Step, string> = {
  in: "Sign in", up: "Create an account", confirm: "Confirm your mail address", forgot: "Forgotten password",
  reset: "Choose another password", challenge: "One more step",
};
const SENDS: Record<Step, string> = {
  in: "Sign in", up: "Create account", confirm: "Confirm", forgot: "Send a code", reset: "Set password", challenge: "Go on",
};

/** Signing in, signing up, and what a forgotten password needs. */
export function SignIn() {
  const { session, again } = useSession();
  const [step, setStep] = useState<Step>("in");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [asked, setAsked] = useState<Entered>({});
  const [wrong, setWrong] = useState("");
  const [told, setTold] = useState("");
  const [busy, setBusy] = useState(false);
  const [location, go] = useLocation();

  function to(next: Step, why = "") {
    setStep(next);
    setWrong("");
    setTold(why);
  }

  async function enter(answer?: string) {
    const body = answer === undefined ? { email, password } : { email, ...asked, answer };
    const found = await ask<Entered & { csrf?: string }>("session", "POST", body);
    if (found.challenge) {
      setAsked({ challenge: found.challenge, session: found.session });
      return to("challenge", found.challenge === "NEW_PASSWORD_REQUIRED" ? "Choose a password of your own." : "A code was sent to you, or your app shows it.");
    }
    await again();
    if (location === "/sign-in") go("/");
  }

  const acts: Record<Step, (form: FormData) => Promise<void>> = {
    in: () => enter().catch(async (error) => {
      if (error.code !== "UserNotConfirmedException") throw error;
      await ask("resend", "POST", { email });
      to("confirm", `A code was sent to ${email}.`);
    }),
    up: async (form) => {
      const made = await ask<{ confirmed: boolean; sentTo?: string }>("sign-up", "POST", { email, password, name: form.get("name") ?? "" });
      if (made.confirmed) return enter();
      to("confirm", `A code was sent to ${made.sentTo ?? email}.`);
    },
    confirm: async (form) => {
      await ask("confirm", "POST", { email, code: form.get("code") });
      if (password) return enter();
      to("in", "Your mail address is confirmed.");
    },
    forgot: async () => {
      await ask("forgot", "POST", { email });
      setPassword("");
      to("reset", "If there is such an account, a code was sent to its mail address.");
    },
    reset: async (form) => {
      await ask("reset", "POST", { email, code: form.get("code"), password });
      await enter();
    },
    challenge: (form) => enter(String(form.get("answer"))),
  };

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setBusy(true);
    setWrong("");
    try {
      await acts[step](new FormData(event.currentTarget));
    } catch (error) {
      setWrong((error as Error).message);
    }
    setBusy(false);
  }

  const secret = asked.challenge === "NEW_PASSWORD_REQUIRED";
  return (
    <Paper withBorder radius="lg" p="xl" w="100%" maw={420} mx="auto" mt="xl">
      <form onSubmit={submit} key={step}>
        <Stack>
          <div>
            <Title order={1}>{TITLES[step]}</Title>
            <Text c="dimmed" size="sm">{session.portal.name}</Text>
          </div>
          {wrong && <Alert color="red" variant="light" role="alert">{wrong}</Alert>}
          {told && <Alert color="lagoon" variant="light" role="status">{told}</Alert>}
          {step === "up" && <TextInput name="name" label="Name" autoComplete="name" />}
          {step !== "confirm" && step !== "challenge" && (
            <TextInput
              label="Mail address" type="email" required autoComplete="username" value={email} readOnly={step === "reset"}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
          )}
          {(step === "confirm" || step === "reset") && <TextInput name="code" label="Code" required autoComplete="one-time-code" inputMode="numeric" data-autofocus />}
          {(step === "in" || step === "up" || step === "reset") && (
            <PasswordInput
              label={step === "reset" ? "New password" : "Password"} required value={password} onChange={(event) => setPassword(event.currentTarget.value)}
              autoComplete={step === "in" ? "current-password" : "new-password"} visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
            />
          )}
          {step === "challenge" && (
            <TextInput name="answer" label={secret ? "New password" : "Code"} type={secret ? "password" : "text"} required autoComplete={secret ? "new-password" : "one-time-code"} />
          )}
          <Button type="submit" loading={busy} fullWidth>{SENDS[step]}</Button>
          <Group justify="space-between">
            {step === "in" && <Anchor component="button" type="button" size="sm" onClick={() => to("up")}>Create an account</Anchor>}
            {step === "in" && <Anchor component="button" type="button" size="sm" onClick={() => to("forgot")}>Forgotten password</Anchor>}
            {step !== "in" && <Anchor component="button" type="button" size="sm" onClick={() => to("in")}>Back to signing in</Anchor>}
            {step === "confirm" && (
              <Anchor component="button" type="button" size="sm" onClick={() => ask("resend", "POST", { email }).then(() => setTold("Another code was sent."), (error) => setWrong(error.message))}>
                Send another code
              </Anchor>
            )}
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}
