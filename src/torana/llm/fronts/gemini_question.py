"""A body of Gemini's API as a chat."""

from typing import Any

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Peek
from torana.llm.dialects import gemini_wire as wire
from torana.llm.errors import LlmError

_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto"}
_KNOWN = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "model"}
)
_ABOUT = frozenset({"safetySettings", "labels"})
"""Google's own filters and bookkeeping: no question of the answer."""


class _Tools(Struct, rename="camel"):
    function_declarations: list[wire.Function] = []


class _Asked(Struct, rename="camel"):
    contents: list[wire.Content] = []
    system_instruction: wire.Content | None = None
    tools: list[_Tools] | None = None
    tool_config: wire.ToolConfig | None = None
    generation_config: wire.Generation | None = None


def question(body: bytes, peek: Peek) -> c.Chat:
    """Raises `LlmError`."""
    given, asked = _decoded(body)
    how = asked.generation_config or wire.Generation()
    only = {name for name, value in given.items() if value is not None}
    only -= _KNOWN | _ABOUT
    if (how.candidate_count or 1) > 1:
        only.add("generationConfig.candidateCount")
    if any(set(tool) - {"functionDeclarations"} for tool in given.get("tools") or ()):
        only.add("tools other than functionDeclarations")
    thinking = how.thinking_config or wire.ThinkingConfig()
    calls = _Calls()
    return c.Chat(
        model=peek.model,
        system=_text(asked.system_instruction),
        messages=tuple(_message(each, calls) for each in asked.contents),
        tools=tuple(_tool(f) for t in asked.tools or () for f in t.function_declarations),
        tool_choice=_choice(asked.tool_config),
        max_tokens=how.max_output_tokens,
        temperature=how.temperature,
        top_p=how.top_p,
        top_k=None if how.top_k is None else int(how.top_k),
        stop=tuple(how.stop_sequences or ()),
        seed=how.seed,
        frequency_penalty=how.frequency_penalty,
        presence_penalty=how.presence_penalty,
        format=_format(how),
        effort=(thinking.thinking_level or "").lower() or None,
        thinking_tokens=thinking.thinking_budget if (thinking.thinking_budget or 0) > 0 else None,
        stream=peek.stream,
        only=tuple(sorted(only)),
    )


def _decoded(body: bytes) -> tuple[dict[str, Any], _Asked]:
    try:
        given = _camel(msgspec.json.decode(body, type=dict[str, Any]))
        return given, msgspec.convert(given, _Asked)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"Invalid JSON payload received: {error}") from error


_FREE = frozenset(
    {"args", "response", "parameters", "parametersJsonSchema", "responseSchema"}
    | {"responseJsonSchema", "labels"}
)
"""Members whose insides are the client's own."""


def _camel(value: Any) -> Any:
    """Names in camel case, as protocol buffers' JSON may also be spelled in snake case."""
    if isinstance(value, list):
        return [_camel(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for name, each in value.items():  # pyright: ignore[reportUnknownVariableType]
        head, *rest = str(name).split("_")  # pyright: ignore[reportUnknownArgumentType]
        plain = head + "".join(word.title() for word in rest)
        out[plain] = each if plain in _FREE else _camel(each)
    return out


class _Calls:
    """Calls without an id get one, and their results find it by the function's name."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str]] = []
        self._count = 0

    def call(self, call: wire.Call) -> str:
        self._count += 1
        name = call.id or f"call_{self._count}"
        self._waiting.append((call.name, name))
        return name

    def result(self, returned: wire.Returned) -> str:
        if returned.id:
            return returned.id
        for place, (function, name) in enumerate(self._waiting):
            if function == returned.name:
                del self._waiting[place]
                return name
        raise LlmError("invalid_request", f"the response of {returned.name} answers no call")


def _text(content: wire.Content | None) -> str:
    return "\n\n".join(part.text or "" for part in content.parts) if content else ""


def _message(content: wire.Content, calls: _Calls) -> c.Message:
    role: c.Role = "assistant" if content.role == "model" else "user"
    return c.Message(role, tuple(_part(part, calls) for part in content.parts))


def _part(part: wire.Part, calls: _Calls) -> c.Part:
    if part.function_call is not None:
        call = part.function_call
        arguments = msgspec.json.encode(call.args or {}).decode()
        return c.ToolUse(calls.call(call), call.name, arguments)
    if part.function_response is not None:
        returned = part.function_response
        said = returned.response
        text = said if isinstance(said, str) else msgspec.json.encode(said).decode()
        return c.ToolResult(calls.result(returned), (c.Text(text),))
    if part.inline_data is not None:
        kind, data = part.inline_data.mime_type, part.inline_data.data
        return c.Image(kind, data) if kind.startswith("image/") else c.File(kind, data)
    if part.file_data is not None:
        return c.Image(part.file_data.mime_type, url=part.file_data.file_uri)
    if part.text is None:
        raise LlmError("invalid_request", "a part of contents cannot be passed on to another API")
    return c.Thinking(part.text) if part.thought else c.Text(part.text)


def _tool(function: wire.Function) -> c.Tool:
    schema = function.parameters_json_schema or _standard(function.parameters or {})
    return c.Tool(function.name, function.description, schema)


def _standard(schema: Any) -> Any:
    """Google's schemas are OpenAPI's with types in capitals; JSON Schema's are small."""
    if isinstance(schema, list):
        return [_standard(each) for each in schema]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(schema, dict):
        return schema
    out: dict[str, Any] = {}
    for name, value in schema.items():  # pyright: ignore[reportUnknownVariableType]
        key = str(name)  # pyright: ignore[reportUnknownArgumentType]
        out[key] = value.lower() if key == "type" and isinstance(value, str) else _standard(value)
    return out


def _choice(config: wire.ToolConfig | None) -> c.ToolChoice | None:
    calling = config.function_calling_config if config else None
    if calling is None:
        return None
    names = calling.allowed_function_names or []
    if len(names) > 1:
        raise LlmError("invalid_request", "toolConfig: only one allowed function can be passed on")
    mode = _MODES.get(calling.mode, "auto")
    if names:
        return c.ToolChoice("tool", names[0])
    return c.ToolChoice(mode)  # pyright: ignore[reportArgumentType]


def _format(how: wire.Generation) -> c.Format | None:
    schema = how.response_json_schema or (how.response_schema and _standard(how.response_schema))
    if schema:
        return c.Format(schema=schema)
    return c.Format() if how.response_mime_type == "application/json" else None
