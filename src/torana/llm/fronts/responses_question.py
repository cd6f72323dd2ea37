"""A body of OpenAI's Responses API as a chat. Source: OpenAI API reference, "Create a response"."""

from typing import Any

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Peek
from torana.llm.errors import LlmError
from torana.llm.fronts.openai_chat import image

_KNOWN = frozenset(
    {"model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls"}
    | {"max_output_tokens", "temperature", "top_p", "reasoning", "text", "user", "stream"}
    | {"stream_options"}
)
_ABOUT = frozenset(
    {"metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "include"}
    | {"prompt_cache_retention", "truncation"}
)
"""Bookkeeping of OpenAI's: no question of the answer."""
_TEXTS = frozenset({"input_text", "output_text", "text", "refusal"})


class _Reasoning(Struct):
    effort: str | None = None


class _Text(Struct):
    format: dict[str, Any] | None = None


class _Asked(Struct):
    input: str | list[dict[str, Any]] = ""
    instructions: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    reasoning: _Reasoning | None = None
    text: _Text | None = None
    user: str | None = None


_asked = msgspec.json.Decoder(_Asked)
_given = msgspec.json.Decoder(dict[str, Any])


def question(body: bytes, peek: Peek) -> c.Chat:
    """Raises `LlmError`."""
    try:
        asked, given = _asked.decode(body), _given.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"Invalid request: {error}") from error
    only = {name for name, value in given.items() if value} - _KNOWN - _ABOUT
    system, messages = _messages(asked)
    return c.Chat(
        model=peek.model,
        system=system,
        messages=messages,
        tools=tuple(_tool(tool) for tool in asked.tools or ()),
        tool_choice=_choice(asked.tool_choice, asked.parallel_tool_calls),
        max_tokens=asked.max_output_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        format=_format(asked.text.format if asked.text else None),
        effort=asked.reasoning.effort if asked.reasoning else None,
        user=asked.user or "",
        stream=peek.stream,
        only=tuple(sorted(only)),
    )


def _messages(asked: _Asked) -> tuple[str, tuple[c.Message, ...]]:
    """Neighbours of one role join: a turn of the model may be many items."""
    system = [asked.instructions] if asked.instructions else []
    if isinstance(asked.input, str):
        return "\n\n".join(system), (c.Message("user", (c.Text(asked.input),)),)
    turns: list[tuple[c.Role, list[c.Part]]] = []
    for place, item in enumerate(asked.input):
        where = f"input[{place}]"
        if item.get("role") in ("system", "developer"):
            parts = _content(item.get("content"), where)
            system += [part.text for part in parts if isinstance(part, c.Text)]
            continue
        role, parts = _item(item, where)
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        else:
            turns.append((role, parts))
    return "\n\n".join(system), tuple(c.Message(role, tuple(parts)) for role, parts in turns)


def _item(item: dict[str, Any], where: str) -> tuple[c.Role, list[c.Part]]:
    kind = item.get("type", "message")
    try:
        if kind == "message":
            role: c.Role = "assistant" if item["role"] == "assistant" else "user"
            return role, _content(item["content"], where)
        if kind == "function_call":
            use = c.ToolUse(item["call_id"], item["name"], item.get("arguments") or "{}")
            return "assistant", [use]
        if kind == "function_call_output":
            return "user", [_result(item, where)]
    except (KeyError, TypeError) as error:
        raise _bad(where, f"lacks {error}") from error
    if kind == "reasoning":
        return "assistant", _thought(item)
    raise _bad(where, f"type {kind!r} cannot be passed on to another API")


def _thought(item: dict[str, Any]) -> list[c.Part]:
    """Only with its seal is reasoning of use to the provider that made it."""
    sealed = item.get("encrypted_content")
    if not sealed:
        return []
    said = "\n\n".join(str(each.get("text") or "") for each in item.get("summary") or ())
    return [c.Thinking(said, str(sealed))] if said else [c.Thinking(sealed=str(sealed))]


def _result(item: dict[str, Any], where: str) -> c.ToolResult:
    shown = [p for p in _content(item["output"], where) if isinstance(p, (c.Text, c.Image))]
    return c.ToolResult(item["call_id"], tuple(shown))


def _content(content: Any, where: str) -> list[c.Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [c.Text(content)]
    return [_part(part, f"{where}.content[{at}]") for at, part in enumerate(content)]


def _part(part: dict[str, Any], where: str) -> c.Part:
    kind = part.get("type")
    if kind in _TEXTS:
        return c.Text(str(part.get("text") or part.get("refusal") or ""))
    if kind == "input_image" and part.get("image_url"):
        return image(str(part["image_url"]))
    if kind == "input_file" and part.get("file_data"):
        shown = image(str(part["file_data"]))
        return c.File(shown.media_type, shown.data, str(part.get("filename") or ""))
    raise _bad(where, f"type {kind!r} cannot be passed on to another API")


def _tool(tool: dict[str, Any]) -> c.Tool:
    if tool.get("type") != "function":
        raise _bad("tools", f"type {tool.get('type')!r} is run by OpenAI and cannot be passed on")
    return c.Tool(
        str(tool.get("name") or ""),
        str(tool.get("description") or ""),
        tool.get("parameters") or {},
        tool.get("strict"),
    )


def _choice(choice: str | dict[str, Any] | None, parallel: bool | None) -> c.ToolChoice | None:
    if choice is None:
        return None if parallel is None else c.ToolChoice(parallel=parallel)
    if isinstance(choice, dict):
        if choice.get("type") != "function":
            raise _bad("tool_choice", f"{choice.get('type')!r} cannot be passed on to another API")
        return c.ToolChoice("tool", str(choice.get("name") or ""), parallel)
    if choice not in ("auto", "none", "required"):
        raise _bad("tool_choice", f"{choice!r} is none of auto, none, required")
    return c.ToolChoice(choice, parallel=parallel)  # pyright: ignore[reportArgumentType]


def _format(given: dict[str, Any] | None) -> c.Format | None:
    kind = (given or {}).get("type", "text")
    if given is None or kind == "text":
        return None
    if kind == "json_object":
        return c.Format()
    if kind == "json_schema":
        return c.Format(
            str(given.get("name") or "answer"), given.get("schema") or {}, given.get("strict")
        )
    raise _bad("text.format", f"{kind!r} is none of text, json_object, json_schema")


def _bad(where: str, what: str) -> LlmError:
    return LlmError("invalid_request", f"Invalid '{where}': {what}.", param=where)
