/** Patch operations of the API Gateway control plane: from what was to what shall be. */

export type PatchOperation = { op: "add" | "remove" | "replace" | "copy"; path: string; value?: string; from?: string };

type Value = string | number | boolean | null | undefined | Record<string, string | boolean>;

const escape = (name: string) => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** Members that are maps are compared entry by entry, all others as text. */
export function patchOf(before: Record<string, Value>, after: Record<string, Value>): PatchOperation[] {
  const operations: PatchOperation[] = [];
  for (const [name, now] of Object.entries(after)) {
    const was = before[name];
    if (typeof now === "object" && now !== null) {
      operations.push(...mapPatch(`/${name}`, (was ?? {}) as Record<string, string | boolean>, now));
    } else if (String(was ?? "") !== String(now ?? "")) {
      operations.push({ op: "replace", path: `/${name}`, value: String(now ?? "") });
    }
  }
  return operations;
}

export function mapPatch(
  path: string, before: Record<string, string | boolean>, after: Record<string, string | boolean>, change: "add" | "replace" = "replace",
): PatchOperation[] {
  const operations: PatchOperation[] = [];
  for (const name of Object.keys(before)) {
    if (!(name in after)) operations.push({ op: "remove", path: `${path}/${escape(name)}` });
  }
  for (const [name, value] of Object.entries(after)) {
    if (!(name in before)) operations.push({ op: "add", path: `${path}/${escape(name)}`, value: String(value) });
    else if (String(before[name]) !== String(value)) operations.push({ op: change, path: `${path}/${escape(name)}`, value: String(value) });
  }
  return operations;
}
