/** A chat with a model, as its answer comes. */
import { ask } from "../../gateway/call";

export type Message = { role: "system" | "user" | "assistant"; content: string };
export type Usage = { prompt_tokens: number; completion_tokens: number };
export type Asked = { model: string; messages: Message[]; temperature?: number; max_tokens?: number };
export type Told = { first: number | null; total: number; usage: Usage | null; provider: string };

export async function chat(asked: Asked, signal: AbortSignal, more: (text: string) => void): Promise<Told> {
  const began = performance.now();
  const told: Told = { first: null, total: 0, usage: null, provider: "" };
  const response = await ask("llm/v1/chat/completions", {
    method: "POST", signal, headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...asked, stream: true, stream_options: { include_usage: true } }),
  });
  told.provider = [response.headers.get("x-torana-provider"), response.headers.get("x-torana-model")].filter(Boolean).join(" / ");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data:") || line.includes("[DONE]")) continue;
      const event = JSON.parse(line.slice(5));
      if (event.error) throw new Error(event.error.message ?? "The stream broke off");
      const text = event.choices?.[0]?.delta?.content;
      if (text) {
        told.first ??= performance.now() - began;
        more(text);
      }
      if (event.usage) told.usage = event.usage;
    }
  }
  told.total = performance.now() - began;
  return told;
}
