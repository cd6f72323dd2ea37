/** An OpenAPI document, as far as its reference shows it. */

export type Schema = {
  $ref?: string; type?: string | string[]; format?: string; description?: string; enum?: unknown[]; default?: unknown; example?: unknown;
  items?: Schema; properties?: Record<string, Schema>; required?: string[]; additionalProperties?: boolean | Schema;
  oneOf?: Schema[]; anyOf?: Schema[]; allOf?: Schema[]; minimum?: number; maximum?: number; minLength?: number; maxLength?: number; pattern?: string;
};
type Content = Record<string, { schema?: Schema }>;
export type Parameter = { name: string; in: string; required?: boolean; description?: string; schema?: Schema };
type Raw = {
  operationId?: string; summary?: string; description?: string; tags?: string[]; deprecated?: boolean; parameters?: Parameter[];
  requestBody?: { required?: boolean; content?: Content }; responses?: Record<string, { description?: string; content?: Content }>;
  security?: Record<string, string[]>[]; servers?: { url: string }[];
  "x-try-it"?: boolean; "x-deprecation"?: Record<string, string>;
};
export type Document = {
  info: { title: string; version: string; description?: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Raw> & { parameters?: Parameter[] }>;
  security?: Record<string, string[]>[];
  components?: { schemas?: Record<string, Schema>; securitySchemes?: Record<string, { type: string; name?: string; in?: string }> };
};

export type Operation = Raw & { id: string; method: string; path: string; name: string; all: Parameter[]; keyed: boolean };

const VERBS = ["get", "post", "put", "patch", "delete", "head", "options"];

export function operations(document: Document): Operation[] {
  const found: Operation[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    for (const verb of VERBS) {
      const raw = item[verb];
      if (!raw) continue;
      const all = [...(item.parameters ?? []), ...(raw.parameters ?? [])];
      for (const [, name] of path.matchAll(/\{([^{}+]+)\+?\}/g)) {
        if (!all.some((each) => each.in === "path" && each.name === name)) all.unshift({ name: name!, in: "path", required: true });
      }
      found.push({
        ...raw, id: `${verb} ${path}`, method: verb.toUpperCase(), path, name: raw.summary || raw.operationId || path, all, keyed: isKeyed(document, raw),
      });
    }
  }
  return found;
}

function isKeyed(document: Document, raw: Raw): boolean {
  const schemes = document.components?.securitySchemes ?? {};
  return (raw.security ?? document.security ?? []).some((each) =>
    Object.keys(each).some((name) => schemes[name]?.type === "apiKey" && schemes[name]?.name?.toLowerCase() === "x-api-key"));
}

export function modelName(ref: string): string {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

/** The models that a schema names, with those that they name. */
function named(schema: Schema | undefined): string[] {
  if (!schema) return [];
  const inner = [schema.items, ...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.allOf ?? []), ...Object.values(schema.properties ?? {})];
  if (typeof schema.additionalProperties === "object") inner.push(schema.additionalProperties);
  return [...(schema.$ref ? [modelName(schema.$ref)] : []), ...inner.flatMap(named)];
}

/** Everything of an operation that is searched. */
export function wordsOf(operation: Operation): string {
  const bodies = [operation.requestBody?.content, ...Object.values(operation.responses ?? {}).map((each) => each.content)];
  const models = bodies.flatMap((content) => Object.values(content ?? {}).flatMap((media) => named(media.schema)));
  const said = [
    operation.method, operation.path, operation.name, operation.operationId, operation.description, ...(operation.tags ?? []), ...models,
    ...operation.all.flatMap((each) => [each.name, each.description]),
    ...Object.values(operation.responses ?? {}).map((each) => each.description),
  ];
  return said.filter(Boolean).join(" ").toLowerCase();
}

export function wordsOfModel(name: string, schema: Schema): string {
  const said = [name, schema.description, ...Object.entries(schema.properties ?? {}).flatMap(([key, each]) => [key, each.description])];
  return said.filter(Boolean).join(" ").toLowerCase();
}

export function json(content: Content | undefined): Schema | undefined {
  const entries = Object.entries(content ?? {});
  return (entries.find(([type]) => type.includes("json")) ?? entries[0])?.[1].schema;
}

/** A value of the schema's form, to begin with. */
export function sample(schema: Schema | undefined, document: Document, depth = 0): unknown {
  if (!schema || depth > 6) return null;
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum?.length) return schema.enum[0];
  if (schema.$ref) return sample(document.components?.schemas?.[modelName(schema.$ref)], document, depth + 1);
  const one = schema.oneOf?.[0] ?? schema.anyOf?.[0];
  if (one) return sample(one, document, depth + 1);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((each) => sample(each, document, depth + 1)));
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "array") return [sample(schema.items, document, depth + 1)];
  if (type === "object" || schema.properties) {
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, each]) => [name, sample(each, document, depth + 1)]));
  }
  return { string: "text", integer: schema.minimum ?? 1, number: schema.minimum ?? 1.5, boolean: true }[type ?? ""] ?? null;
}
