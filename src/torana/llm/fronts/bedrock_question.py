"""A body of Bedrock's Converse API as a chat."""

from typing import Any

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Peek
from torana.llm.dialects import bedrock_wire as wire
from torana.llm.errors import LlmError

_TYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
_KNOWN = frozenset({"messages", "system", "inferenceConfig", "toolConfig", "outputConfig"})
_ABOUT = frozenset({"requestMetadata", "performanceConfig", "serviceTier"})
"""Bookkeeping and Amazon's own queues: no question of the answer."""


class _Tool(Struct, rename="camel"):
    tool_spec: wire.Spec | None = None
    cache_point: dict[str, Any] | None = None


class _Tools(Struct, rename="camel"):
    tools: list[_Tool] = []
    tool_choice: dict[str, dict[str, Any]] | None = None


class _System(Struct, rename="camel"):
    text: str | None = None
    cache_point: dict[str, Any] | None = None


class _Asked(Struct, rename="camel"):
    messages: list[wire.Turn] = []
    system: list[_System] = []
    inference_config: wire.Inference | None = None
    tool_config: _Tools | None = None
    output_config: dict[str, Any] | None = None


_asked = msgspec.json.Decoder(_Asked)
_given = msgspec.json.Decoder(dict[str, Any])


def question(body: bytes, peek: Peek) -> c.Chat:
    """Raises `LlmError`."""
    try:
        asked, given = _asked.decode(body), _given.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"the body cannot be read: {error}") from error
    only = {name for name, value in given.items() if value} - _KNOWN - _ABOUT
    how = asked.inference_config or wire.Inference()
    tools = asked.tool_config or _Tools()
    output = asked.output_config or {}
    return c.Chat(
        model=peek.model,
        system="\n\n".join(each.text for each in asked.system if each.text),
        messages=tuple(_message(turn, place) for place, turn in enumerate(asked.messages)),
        tools=tuple(_tool(each) for each in tools.tools if each.cache_point is None),
        tool_choice=_choice(tools.tool_choice),
        max_tokens=how.max_tokens,
        temperature=how.temperature,
        top_p=how.top_p,
        stop=tuple(how.stop_sequences or ()),
        format=_format(output.get("textFormat")),
        effort=output.get("effort"),
        stream=peek.stream,
        only=tuple(sorted(only)),
    )


def _message(turn: wire.Turn, place: int) -> c.Message:
    if turn.role not in ("user", "assistant"):
        raise LlmError("invalid_request", f"messages.{place}.role: {turn.role!r} is not a role")
    where = f"messages.{place}.content"
    parts = [
        _part(block, f"{where}.{at}")
        for at, block in enumerate(turn.content)
        if block.cache_point is None
    ]
    return c.Message(turn.role, tuple(parts))


def _part(block: wire.Block, where: str) -> c.Part:
    if block.text is not None:
        return c.Text(block.text)
    if block.image is not None:
        return _image(block.image, where)
    if block.document is not None:
        kind = _TYPES.get(block.document.format, "application/octet-stream")
        return c.File(kind, _bytes(block.document, where), block.document.name or "")
    if block.tool_use is not None:
        use = block.tool_use
        return c.ToolUse(use.tool_use_id, use.name, msgspec.json.encode(use.input or {}).decode())
    if block.tool_result is not None:
        result = block.tool_result
        shown = tuple(_shown(each, where) for each in result.content)
        return c.ToolResult(result.tool_use_id, shown, result.status == "error")
    if block.reasoning_content is not None:
        thought = block.reasoning_content
        if thought.reasoning_text is None:
            return c.Thinking(sealed=thought.redacted_content or "")
        return c.Thinking(thought.reasoning_text.text, thought.reasoning_text.signature or "")
    raise LlmError("invalid_request", f"{where}: cannot be passed on to another API")


def _shown(block: wire.ResultBlock, where: str) -> c.Text | c.Image:
    if block.text is not None:
        return c.Text(block.text)
    if block.image is not None:
        return _image(block.image, where)
    if block.json is not None:
        return c.Text(msgspec.json.encode(block.json).decode())
    raise LlmError("invalid_request", f"{where}: the result cannot be passed on to another API")


def _image(media: wire.Media, where: str) -> c.Image:
    return c.Image(f"image/{media.format}", _bytes(media, where))


def _bytes(media: wire.Media, where: str) -> str:
    if media.source is None or media.source.bytes is None:
        raise LlmError("invalid_request", f"{where}: only bytes can be passed on to another API")
    return media.source.bytes


def _tool(tool: _Tool) -> c.Tool:
    spec = tool.tool_spec
    if spec is None:
        raise LlmError("invalid_request", "toolConfig: a tool that Amazon runs cannot be passed on")
    return c.Tool(
        spec.name, spec.description or "", spec.input_schema.get("json") or {}, spec.strict
    )


def _choice(given: dict[str, dict[str, Any]] | None) -> c.ToolChoice | None:
    if not given:
        return None
    if "tool" in given:
        return c.ToolChoice("tool", str(given["tool"].get("name") or ""))
    return c.ToolChoice("required" if "any" in given else "auto")


def _format(given: dict[str, Any] | None) -> c.Format | None:
    if not given:
        return None
    try:
        named = given["structure"]["jsonSchema"]
        schema = msgspec.json.decode(named["schema"], type=dict[str, Any])
    except (KeyError, TypeError, msgspec.DecodeError) as error:
        raise LlmError("invalid_request", f"outputConfig.textFormat: {error!r}") from error
    return c.Format(str(named.get("name") or "answer"), schema)
