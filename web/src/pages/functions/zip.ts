/** A function's code: a zip as files that can be edited, and back. */
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import type { Language } from "../../parts/Editor";

/** By path; null: no text, kept as it is. */
export type Files = Record<string, string | null>;

const LONGEST = 512 * 1024;

export function opened(zip: Uint8Array): { files: Files; raw: Record<string, Uint8Array> } {
  const raw = unzipSync(zip);
  const files: Files = {};
  for (const [path, content] of Object.entries(raw)) {
    if (path.endsWith("/")) continue;
    files[path] = content.length < LONGEST && !content.subarray(0, 4096).includes(0) ? strFromU8(content) : null;
  }
  return { files, raw };
}

export function zipped(files: Files, raw: Record<string, Uint8Array> = {}): Uint8Array<ArrayBuffer> {
  const content: Record<string, Uint8Array> = {};
  for (const [path, text] of Object.entries(files)) {
    const kept = raw[path];
    if (text !== null) content[path] = strToU8(text);
    else if (kept) content[path] = kept;
  }
  return zipSync(content, { mtime: new Date("1980-01-01T00:00:00") }) as Uint8Array<ArrayBuffer>;
}

export function languageOf(path: string): Language {
  if (path.endsWith(".py")) return "python";
  if (/\.(m|c)?js$/.test(path)) return "javascript";
  if (path.endsWith(".json")) return "json";
  return /\.ya?ml$/.test(path) ? "yaml" : "text";
}

export const BEGINNINGS: Record<string, { runtime: string; handler: string; file: string; text: string }> = {
  Python: {
    runtime: "python3.11", handler: "app.handler", file: "app.py",
    text: 'import json\n\n\ndef handler(event, context):\n    name = event.get("name", "world")\n    print(f"greeting {name}")\n    return {"statusCode": 200, "body": json.dumps({"say": f"hello, {name}"})}\n',
  },
  "Node.js": {
    runtime: "nodejs20.x", handler: "index.handler", file: "index.mjs",
    text: 'export const handler = async (event) => {\n  const name = event.name ?? "world";\n  console.log(`greeting ${name}`);\n  return { statusCode: 200, body: JSON.stringify({ say: `hello, ${name}` }) };\n};\n',
  },
};
