"""A client in TypeScript, over `fetch`: typed, and with nothing to install beside it."""

import json
import re
from collections.abc import Iterable
from typing import Any

from torana.portal.sdk.reading import Operation, Parameter, Sdk, members, pascal, said
from torana.services.apigateway.book import Json

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_TSCONFIG = {
    "compilerOptions": {
        "target": "es2022",
        "module": "nodenext",
        "moduleResolution": "nodenext",
        "lib": ["es2022", "dom", "dom.iterable"],
        "types": [],
        "strict": True,
        "declaration": True,
        "rootDir": "src",
        "outDir": "dist",
    },
    "include": ["src"],
}

_README = """# {title}

`npm install && npm run build`, then:

```typescript
import {{ Client }} from "{slug}";

const client = new Client({{ apiKey: "…" }});
```

Every operation is a method; `ApiError` bears the status and the body of what was refused.
"""

_CLIENT = """import type * as models from "./models.js";

export * from "./models.js";

export const BASE_URL = {base};

export interface Options {{
  /** Sent to those operations that want one. */
  apiKey?: string;
  baseUrl?: string;
  headers?: Record<string, string>;
  /** In the place of the platform's own. */
  fetch?: typeof fetch;
  /** Hears of each answer that says that its operation is deprecated. */
  onDeprecated?: (operation: string, deprecation: string, sunset: string | null) => void;
}}

/** The API refused; `body` is JSON where it is some. */
export class ApiError extends Error {{
  constructor(
    readonly status: number,
    readonly headers: Headers,
    readonly body: unknown,
  ) {{
    super(`${{status}}: ${{typeof body === "string" ? body : JSON.stringify(body)}}`);
  }}
}}

type Value = unknown;

export class Client {{
  readonly #options: Options;

  constructor(options: Options = {{}}) {{
    this.#options = options;
  }}

  async #call(
    verb: string,
    path: string,
    keyed: boolean,
    query: Record<string, Value>,
    headers: Record<string, Value>,
    body: Value,
    signal?: AbortSignal,
  ): Promise<unknown> {{
    const {{ apiKey, baseUrl = BASE_URL, onDeprecated }} = this.#options;
    const sent = new Headers({{ Accept: "application/json", ...this.#options.headers }});
    for (const [name, value] of Object.entries(headers)) {{
      if (value !== undefined && value !== null) sent.set(name, String(value));
    }}
    if (keyed && apiKey !== undefined) sent.set("x-api-key", apiKey);
    if (body !== undefined && !sent.has("Content-Type")) {{
      sent.set("Content-Type", "application/json");
    }}
    const asked = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {{
      for (const each of Array.isArray(value) ? value : [value]) {{
        if (each !== undefined && each !== null) asked.append(name, String(each));
      }}
    }}
    const search = asked.size > 0 ? `?${{asked}}` : "";
    const send = this.#options.fetch ?? fetch;
    const reply = await send(baseUrl.replace(/\\/+$/, "") + path + search, {{
      method: verb,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    }});
    const deprecation = reply.headers.get("Deprecation");
    if (deprecation !== null) {{
      onDeprecated?.(`${{verb}} ${{path}}`, deprecation, reply.headers.get("Sunset"));
    }}
    const text = await reply.text();
    let read: unknown = text === "" ? undefined : text;
    try {{
      if (text !== "") read = JSON.parse(text);
    }} catch {{
      // What is not JSON is handed on as it came.
    }}
    if (!reply.ok) throw new ApiError(reply.status, reply.headers, read);
    return read;
  }}
{methods}}}
"""


class _Grammar:
    """Implements `Grammar`."""

    plain = {  # noqa: RUF012  the protocol's
        "string": "string",
        "integer": "number",
        "number": "number",
        "boolean": "boolean",
        "null": "null",
        "any": "unknown",
    }

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def model(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def many(self, of: str) -> str:
        return f"Array<{of}>"

    def map(self, of: str) -> str:
        return f"Record<string, {of}>"

    def either(self, of: Iterable[str]) -> str:
        kinds = list(dict.fromkeys(of))
        return "unknown" if "unknown" in kinds else " | ".join(kinds)

    def literal(self, value: Any) -> str:
        return json.dumps(value)


def files(sdk: Sdk) -> dict[str, str]:
    """The package, with what builds it."""
    package = {
        "name": sdk.slug,
        "version": _version(sdk.version),
        "description": f"Client of {sdk.title}",
        "type": "module",
        "exports": {".": {"types": "./dist/client.d.ts", "default": "./dist/client.js"}},
        "scripts": {"build": "tsc"},
        "devDependencies": {"typescript": "^5.9.0"},
    }
    methods = "".join(_method(each) for each in sdk.operations)
    models = [_model(name, schema) for name, schema in sdk.models.items()]
    return {
        "package.json": json.dumps(package, indent=2) + "\n",
        "tsconfig.json": json.dumps(_TSCONFIG, indent=2) + "\n",
        "README.md": _README.format(title=sdk.title, slug=sdk.slug),
        "src/client.ts": _CLIENT.format(base=json.dumps(sdk.base), methods=methods),
        "src/models.ts": "\n".join(models) if models else "export {};\n",
    }


def _method(operation: Operation) -> str:
    grammar, params = _Grammar("models."), operation.parameters
    given: list[str] = []
    if params:
        required = any(each.required for each in params)
        rows = " ".join(
            f"{_key(each.name)}{'' if each.required else '?'}: {said(each.schema, grammar)};"
            for each in params
        )
        given.append(f"params: {{ {rows} }}" + ("" if required else " = {}"))
    if operation.body is not None:
        mark = "" if operation.body_required else " | undefined"
        given.append(f"body: {said(operation.body, grammar)}{mark}")
    given.append("signal?: AbortSignal")
    answer = said(operation.answer, grammar) if operation.answer is not None else "unknown"
    name = pascal(operation.words)
    name = name[:1].lower() + name[1:]
    if name == "constructor" or not _IDENTIFIER.fullmatch(name):
        name = f"call{pascal(operation.words)}"
    told = _comment(operation.summary or f"{operation.verb} {operation.path}")
    mark = "\n   * @deprecated" if operation.deprecated else ""
    return (
        f"\n  /**\n   * {told}{mark}\n   */\n"
        f"  async {name}({', '.join(given)}): Promise<{answer}> {{\n"
        f"    return (await this.#call({json.dumps(operation.verb)}, {_path(operation)}, "
        f"{json.dumps(operation.keyed)}, {_record(params, 'query')}, "
        f"{_record(params, 'header')}, "
        f"{'body' if operation.body is not None else 'undefined'}, signal)) as {answer};\n"
        "  }\n"
    )


def _path(operation: Operation) -> str:
    """An expression; greedy variables keep their slashes."""
    text = json.dumps(operation.path)
    for each in operation.parameters:
        if each.where == "path":
            value = f"String({_member(each.name)})"
            plain = f'" + encodeURIComponent({value}) + "'
            greedy = f'" + {value}.split("/").map(encodeURIComponent).join("/") + "'
            text = text.replace(json.dumps(f"{{{each.name}}}")[1:-1], plain)
            text = text.replace(json.dumps(f"{{{each.name}+}}")[1:-1], greedy)
    return text.removesuffix(' + ""')


def _record(params: Iterable[Parameter], where: str) -> str:
    pairs = [
        f"{json.dumps(each.name)}: {_member(each.name)}" for each in params if each.where == where
    ]
    return "{ " + ", ".join(pairs) + " }" if pairs else "{}"


def _member(name: str) -> str:
    return f"params.{name}" if _IDENTIFIER.fullmatch(name) else f"params[{json.dumps(name)}]"


def _key(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name)


def _model(name: str, schema: Json) -> str:
    grammar, found = _Grammar(""), members(schema)
    told = f"/** {_comment(str(schema.get('description') or name))} */\n"
    if found is None:
        return f"{told}export type {name} = {said(schema, grammar)};\n"
    rows = [
        f"  {_key(each)}{'' if required else '?'}: {said(own, grammar)};"
        for each, (own, required) in found.items()
    ]
    return "\n".join([f"{told}export interface {name} {{", *rows, "}", ""])


def _comment(text: str) -> str:
    return " ".join(text.split()).replace("*/", "* /")


def _version(text: str) -> str:
    """One that packages may have: three numbers."""
    numbers = [each for each in text.split(".") if each.isdigit()][:3]
    return ".".join([*numbers, *["0"] * (3 - len(numbers))])
