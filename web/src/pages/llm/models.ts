import { useQuery } from "@tanstack/react-query";
import { askJson, type GatewayError } from "../../gateway/call";

export type Declared = {
  models: Record<string, { targets: string[]; fallbacks: string[]; routing: string; guardrails: string[]; cacheSeconds: number }>;
  providers: Record<string, { type: string; baseUrl: string }>;
  teams: Record<string, { models: string[] }>;
  keys: string[];
};

export function useDeclared() {
  return useQuery<Declared, GatewayError>({ queryKey: ["llm", "declared"], queryFn: () => askJson("llm") });
}
