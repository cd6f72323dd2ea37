"""A body of Cohere's Chat API as a chat."""

from typing import Any

import msgspec

from torana.llm import chat as c
from torana.llm.dialects import cohere_wire as wire
from torana.llm.errors import LlmError
from torana.llm.fronts.openai_chat import image

_asked = msgspec.json.Decoder(wire.Asked)
_given = msgspec.json.Decoder(dict[str, Any])
_known = frozenset(wire.Asked.__struct_fields__)
_ABOUT = frozenset({"safety_mode", "priority", "citation_options"})
"""Cohere's own filters and queues, and how to cite documents that no other API is given."""


def question(body: bytes) -> c.Chat:
    """Raises `LlmError`."""
    try:
        asked, given = _asked.decode(body), _given.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"invalid request: {error}") from error
    only = {name for name, value in given.items() if value} - _known - _ABOUT
    system, messages = _messages(asked.messages)
    thinking = asked.thinking
    format = asked.response_format
    return c.Chat(
        model=asked.model,
        system=system,
        messages=messages,
        tools=tuple(_tool(each, asked.strict_tools) for each in asked.tools or ()),
        tool_choice=_choice(asked.tool_choice),
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.p,
        top_k=asked.k or None,
        stop=tuple(asked.stop_sequences or ()),
        seed=asked.seed,
        frequency_penalty=asked.frequency_penalty,
        presence_penalty=asked.presence_penalty,
        format=c.Format(schema=format.json_schema)
        if format is not None and format.type == "json_object"
        else None,
        effort="none" if thinking and thinking.type == "disabled" else None,
        thinking_tokens=thinking.token_budget if thinking else None,
        stream=bool(asked.stream),
        only=tuple(sorted(only)),
    )


def _messages(said: list[wire.Said]) -> tuple[str, tuple[c.Message, ...]]:
    """Neighbours of one role join, the results of tools are the user's."""
    system: list[str] = []
    turns: list[tuple[c.Role, list[c.Part]]] = []
    for place, message in enumerate(said):
        where = f"messages[{place}]"
        if message.role == "system":
            parts = _content(message, where)
            system.extend(part.text for part in parts if isinstance(part, c.Text))
            continue
        if message.role not in ("user", "assistant", "tool"):
            raise LlmError("invalid_request", f"{where}.role: {message.role!r} is not a role")
        role: c.Role = "assistant" if message.role == "assistant" else "user"
        parts = _parts(message, where)
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        else:
            turns.append((role, parts))
    return "\n\n".join(system), tuple(c.Message(role, tuple(parts)) for role, parts in turns)


def _parts(message: wire.Said, where: str) -> list[c.Part]:
    content = _content(message, where)
    if message.role == "tool":
        if not message.tool_call_id:
            raise LlmError("invalid_request", f"{where}.tool_call_id: is required for a tool")
        shown = tuple(part for part in content if isinstance(part, c.Text))
        return [c.ToolResult(message.tool_call_id, shown)]
    if message.tool_plan:
        content.append(c.Text(message.tool_plan))
    for call in message.tool_calls or ():
        function = call.function or wire.Function()
        content.append(c.ToolUse(call.id or "", function.name or "", function.arguments or "{}"))
    return content


def _content(message: wire.Said, where: str) -> list[c.Part]:
    content = message.content
    if content is None:
        return []
    if isinstance(content, str):
        return [c.Text(content)] if content else []
    return [_part(block, f"{where}.content[{at}]") for at, block in enumerate(content)]


def _part(block: wire.Block, where: str) -> c.Part:
    if block.type == "text" and block.text is not None:
        return c.Text(block.text)
    if block.type == "thinking" and block.thinking is not None:
        return c.Thinking(block.thinking)
    if block.type == "image_url" and block.image_url is not None:
        return image(str(block.image_url.get("url") or ""))
    if block.type == "document" and block.document is not None:
        data = block.document.get("data")
        text = data if isinstance(data, str) else msgspec.json.encode(data).decode()
        return c.Text(text)
    raise LlmError("invalid_request", f"{where}: type {block.type!r} cannot be passed on")


def _tool(tool: wire.Offered, strict: bool | None) -> c.Tool:
    function = tool.function
    return c.Tool(
        function.name or "", function.description or "", function.parameters or {}, strict
    )


def _choice(given: str | None) -> c.ToolChoice | None:
    if given is None:
        return None
    if given not in ("REQUIRED", "NONE"):
        raise LlmError("invalid_request", "tool_choice: is REQUIRED or NONE")
    return c.ToolChoice("required" if given == "REQUIRED" else "none")
