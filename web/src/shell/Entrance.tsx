import { Center, Loader } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { askJson, onSignedOut, setCsrf } from "../gateway/call";
import { forgetLive } from "../gateway/live";
import { SessionContext, type Session } from "../gateway/session";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

/** The console for who is signed in, the form for who is not. */
export function Entrance() {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [trouble, setTrouble] = useState("");
  const client = useQueryClient();

  const leave = useCallback(() => {
    forgetLive();
    client.clear();
    setSession(null);
  }, [client]);

  const enter = useCallback(async () => {
    try {
      const found = await askJson<Session | null>("session");
      setCsrf(found?.csrf ?? "");
      setSession(found);
      setTrouble("");
    } catch (error) {
      setTrouble((error as Error).message);
      setSession(null);
    }
  }, []);

  useEffect(() => {
    onSignedOut(leave);
    void enter();
  }, [enter, leave]);

  if (session === undefined) {
    return (
      <Center h="100vh">
        <Loader aria-label="Loading" />
      </Center>
    );
  }
  if (session === null) return <SignIn entered={enter} trouble={trouble} />;
  return (
    <SessionContext value={session}>
      <Shell left={leave} />
    </SessionContext>
  );
}
