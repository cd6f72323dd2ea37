/** Asking the portal, in the name of who is signed in. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { notifications } from "@mantine/notifications";
import { createContext, useContext } from "react";
import { GatewayError } from "../gateway/call";
import { failed } from "../gateway/hooks";
import type { Key, Session } from "./types";

/** What stands before every address of this portal. */
export const base = document.querySelector<HTMLMetaElement>('meta[name="portal-base"]')?.content ?? "";

let csrf = "";

export function setCsrf(token: string | null) {
  csrf = token ?? "";
}

/** Throws `GatewayError`. */
export async function ask<T>(path: string, method = "GET", body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`${base}/api/${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(method === "GET" ? {} : { "x-torana-csrf": csrf }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new GatewayError(0, "Unreachable", "The portal does not answer.");
  }
  const said = await response.json().catch(() => ({}));
  if (response.ok) return said as T;
  throw new GatewayError(response.status, said.code ?? String(response.status), said.message ?? response.statusText);
}

/** What the portal answers, kept until something is changed. */
export function useAsked<T>(path: string, more: { refetchInterval?: number; enabled?: boolean } = {}) {
  return useQuery<T, GatewayError>({ queryKey: ["portal", path], queryFn: () => ask<T>(path), ...more });
}

type Act<T> = { path: string; method?: string; body?: unknown; done?: string; then?: (answer: T) => void };

/** Something that changes things: everything is read again then. */
export function useAct<T = unknown>() {
  const client = useQueryClient();
  return useMutation<T, GatewayError, Act<T>>({
    mutationFn: ({ path, method = "POST", body }) => ask<T>(path, method, body),
    onSuccess: async (answer, { done, then }) => {
      await client.invalidateQueries({ queryKey: ["portal"] });
      if (done) notifications.show({ message: done, color: "teal" });
      then?.(answer);
    },
    onError: (error) => failed(error),
  });
}

export const SessionContext = createContext<{ session: Session; again: () => Promise<void> } | null>(null);

export function useSession() {
  const found = useContext(SessionContext);
  if (!found) throw new Error("no portal");
  return found;
}

/** Keys that were made since the page was loaded: nobody keeps them longer. */
export const fresh = new Map<string, string>();

/** One that opens a product, if there is one. */
export function freshKey(keys: Key[]): string {
  return keys.map((key) => fresh.get(key.id)).find(Boolean) ?? "";
}
