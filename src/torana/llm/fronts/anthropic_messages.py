"""`POST /v1/messages`. Source: Anthropic API reference, "Messages" and "Streaming messages"."""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Peek, Writer
from torana.llm.dialects.anthropic_wire import Asked, Block, Offered
from torana.llm.errors import Kind, LlmError
from torana.llm.fronts.openai_errors import error_headers
from torana.llm.sse import event
from torana.message import Reply

_STOPS: dict[c.Stop, str] = {
    "end": "end_turn",
    "sequence": "stop_sequence",
    "length": "max_tokens",
    "tool": "tool_use",
    "refusal": "refusal",
}
_TYPES: dict[Kind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "rate_limit": "rate_limit_error",
    "budget": "rate_limit_error",
    "timeout": "timeout_error",
    "overloaded": "overloaded_error",
    "upstream": "api_error",
    "internal": "api_error",
}
_MODES = {"auto": "auto", "any": "required", "none": "none", "tool": "tool"}


class _Head(Struct):
    model: str
    max_tokens: int | None = None
    stream: bool | None = None


_head = msgspec.json.Decoder(_Head)
_asked = msgspec.json.Decoder(Asked)
_known = frozenset(Asked.__struct_fields__)
_encode = msgspec.json.Encoder().encode
T = TypeVar("T")


class AnthropicMessages:
    """Implements `Front`."""

    dialect, operation = "anthropic", "chat"

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`."""
        head = _decoded(_head, body)
        return Peek(head.model, bool(head.stream), head.max_tokens)

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        """See `Front`."""
        asked = _decoded(_asked, body)
        given = msgspec.json.decode(body, type=dict[str, Any])
        only = {name for name, value in given.items() if name not in _known and value is not None}
        thinking = asked.thinking or {}
        return c.Chat(
            model=asked.model,
            system=_system(asked.system),
            messages=tuple(
                c.Message(_role(turn.role, place), _parts(turn.content, f"messages.{place}"))
                for place, turn in enumerate(asked.messages)
            ),
            tools=tuple(_tool(tool) for tool in asked.tools or ()),
            tool_choice=_tool_choice(asked.tool_choice),
            max_tokens=asked.max_tokens,
            temperature=asked.temperature,
            top_p=asked.top_p,
            top_k=asked.top_k,
            stop=tuple(asked.stop_sequences or ()),
            thinking_tokens=thinking.get("budget_tokens"),
            format=_format((asked.output_config or {}).get("format")),
            effort=(asked.output_config or {}).get("effort"),
            user=str((asked.metadata or {}).get("user_id") or ""),
            stream=bool(asked.stream),
            only=tuple(sorted(only)),
        )

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`."""
        return _encode(
            {
                "id": answer.id,
                "type": "message",
                "role": "assistant",
                "model": answer.model,
                "content": [_block(part) for part in answer.parts],
                "stop_reason": _STOPS[answer.stop],
                "stop_sequence": None,
                "usage": _usage(answer.usage),
            }
        )

    def writer(self, chat: c.Chat) -> Writer:
        """See `Front`."""
        return _Stream()

    def fail(self, error: LlmError) -> bytes:
        """See `Front`."""
        return _sent(_told(error))

    def refuse(self, error: LlmError) -> Reply:
        """See `Front`."""
        return Reply(error.status, error_headers(error), _encode(_told(error)))


class _Stream:
    """Blocks open and close as the kinds of events change."""

    def __init__(self) -> None:
        self._open = ""
        self._index = -1
        self._stop: c.Stop = "end"
        self._usage = c.Usage()

    def write(self, event: c.Event) -> bytes:
        match event:
            case c.Started():
                self._usage = event.usage
                return _begin(event)
            case c.TextDelta():
                delta = {"type": "text_delta", "text": event.text}
                return self._within("text", {"type": "text", "text": ""}, delta)
            case c.ThinkingDelta():
                return self._thinking(event)
            case c.ToolStarted():
                block: dict[str, Any] = {
                    "type": "tool_use",
                    "id": event.id,
                    "name": event.name,
                    "input": {},
                }
                return self._begin(f"tool {event.index}", block)
            case c.ToolDelta():
                delta = {"type": "input_json_delta", "partial_json": event.arguments}
                return self._within(f"tool {event.index}", {}, delta)
            case c.Stopped():
                self._stop = event.stop
                return b""
            case c.Metered():
                self._usage |= event.usage
                return b""

    def end(self) -> bytes:
        delta = {"stop_reason": _STOPS[self._stop], "stop_sequence": None}
        last = {"type": "message_delta", "delta": delta, "usage": _usage(self._usage)}
        return self._close() + _sent(last) + _sent({"type": "message_stop"})

    def _thinking(self, event: c.ThinkingDelta) -> bytes:
        block = {"type": "thinking", "thinking": "", "signature": ""}
        if event.signature:
            delta = {"type": "signature_delta", "signature": event.signature}
        else:
            delta = {"type": "thinking_delta", "thinking": event.text}
        return self._within("thinking", block, delta)

    def _within(self, kind: str, block: dict[str, Any], delta: dict[str, Any]) -> bytes:
        before = b"" if self._open == kind else self._begin(kind, block)
        piece = {"type": "content_block_delta", "index": self._index, "delta": delta}
        return before + _sent(piece)

    def _begin(self, kind: str, block: dict[str, Any]) -> bytes:
        closed = self._close()
        self._open, self._index = kind, self._index + 1
        start = {"type": "content_block_start", "index": self._index, "content_block": block}
        return closed + _sent(start)

    def _close(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _sent({"type": "content_block_stop", "index": self._index})


def _begin(started: c.Started) -> bytes:
    message: dict[str, Any] = {
        "id": started.id,
        "type": "message",
        "role": "assistant",
        "model": started.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(started.usage),
    }
    return _sent({"type": "message_start", "message": message})


def _sent(value: dict[str, Any]) -> bytes:
    return event(_encode(value), value["type"])


def _told(error: LlmError) -> dict[str, Any]:
    return {"type": "error", "error": {"type": _TYPES[error.kind], "message": error.message}}


def _usage(used: c.Usage) -> dict[str, Any]:
    return {
        "input_tokens": used.input - used.cached - used.cache_written,
        "cache_creation_input_tokens": used.cache_written,
        "cache_read_input_tokens": used.cached,
        "output_tokens": used.output,
    }


def _decoded(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise LlmError("invalid_request", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"The request body is not valid JSON: {error}") from error


def _role(role: str, place: int) -> c.Role:
    if role not in ("user", "assistant"):
        raise _bad(f"messages.{place}.role", "Input should be 'user' or 'assistant'")
    return role


def _system(system: str | list[Block] | None) -> str:
    if isinstance(system, list):
        return "\n\n".join(block.text or "" for block in system)
    return system or ""


def _parts(content: str | list[Block], where: str) -> tuple[c.Part, ...]:
    if isinstance(content, str):
        return (c.Text(content),) if content else ()
    return tuple(_part(block, f"{where}.content.{place}") for place, block in enumerate(content))


def _part(block: Block, where: str) -> c.Part:
    match block.type:
        case "text":
            return c.Text(block.text or "")
        case "image":
            return _image(block, where)
        case "document":
            source = block.source or {}
            if source.get("type") != "base64":
                raise _bad(where, "only base64 documents can be passed on to another API")
            return c.File(source.get("media_type", ""), source.get("data", ""), block.title or "")
        case "thinking":
            return c.Thinking(block.thinking or "", block.signature or "")
        case "redacted_thinking":
            return c.Thinking(sealed=block.data or "")
        case "tool_use":
            return c.ToolUse(block.id or "", block.name or "", _encode(block.input or {}).decode())
        case "tool_result":
            shown = _parts(block.content or "", where)
            kept = tuple(part for part in shown if isinstance(part, (c.Text, c.Image)))
            return c.ToolResult(block.tool_use_id or "", kept, bool(block.is_error))
        case _:
            raise _bad(where, f"type {block.type!r} cannot be passed on to another API")


def _image(block: Block, where: str) -> c.Image:
    source = block.source or {}
    if source.get("type") == "url":
        return c.Image(url=str(source.get("url")))
    if source.get("type") == "base64":
        return c.Image(str(source.get("media_type")), str(source.get("data")))
    raise _bad(where, f"source {source.get('type')!r} cannot be passed on to another API")


def _block(part: c.Part) -> dict[str, Any]:
    match part:
        case c.Text():
            return {"type": "text", "text": part.text}
        case c.Thinking():
            if part.sealed:
                return {"type": "redacted_thinking", "data": part.sealed}
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
        case c.ToolUse():
            given = msgspec.Raw(part.arguments.encode() or b"{}")
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": given}
        case _:
            raise LlmError("upstream", "the provider's answer holds a part of a question")


def _tool(tool: Offered) -> c.Tool:
    if tool.type not in (None, "custom"):
        raise _bad("tools", f"type {tool.type!r} is run by Anthropic and cannot be passed on")
    return c.Tool(tool.name, tool.description or "", tool.input_schema or {})


def _format(given: dict[str, Any] | None) -> c.Format | None:
    if given is None:
        return None
    if given.get("type") != "json_schema":
        raise _bad("output_config.format.type", "Input should be 'json_schema'")
    return c.Format(schema=given.get("schema") or {})


def _tool_choice(given: dict[str, Any] | None) -> c.ToolChoice | None:
    if given is None:
        return None
    mode = _MODES.get(str(given.get("type")))
    if mode is None:
        raise _bad("tool_choice.type", "Input should be 'auto', 'any', 'tool' or 'none'")
    alone = given.get("disable_parallel_tool_use")
    parallel = None if alone is None else not alone
    return c.ToolChoice(mode, str(given.get("name") or ""), parallel)  # pyright: ignore[reportArgumentType]


def _bad(where: str, what: str) -> LlmError:
    return LlmError("invalid_request", f"{where}: {what}", param=where)
