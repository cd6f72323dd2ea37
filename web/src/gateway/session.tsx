import { createContext, useContext } from "react";

/** Who is signed in, and what the gateway has. */
export type Session = {
  arn: string;
  accessKeyId: string;
  account: string;
  region: string;
  csrf: string;
  ends: number;
  front: string;
  suffix: string;
  services: string[];
  llm: boolean;
  version: string;
};

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("not signed in");
  return session;
}

/** Where a stage answers, with no DNS. */
export function stageUrl(session: Session, api: string, stage: string, kind: "REST" | "HTTP" = "REST"): string {
  if (kind === "HTTP") return `${session.front}/apis/${api}/${stage}`;
  return `${session.front}/restapis/${api}/${stage}/_user_request_`;
}
