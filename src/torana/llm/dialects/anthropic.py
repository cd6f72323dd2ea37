"""Anthropic's Messages API, as a provider speaks it.

Source: Anthropic API reference, "Messages", "Streaming messages", "Errors".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import msgspec

from torana.llm import chat as c
from torana.llm.dialect import Exchange, Peek, Reader
from torana.llm.dialects import counts
from torana.llm.dialects.anthropic_wire import Answered, Block, Happened, Used
from torana.llm.errors import Kind, LlmError, kind_of
from torana.llm.sse import EVENT_STREAM, Events

_answered = msgspec.json.Decoder(Answered)
_happened = msgspec.json.Decoder(Happened)
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode
T = TypeVar("T")
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_BEGINS = re.compile(rb'"type"\s*:\s*"(content_block_delta|message_delta|message_stop|tool_use)"')
_ERROR = re.compile(rb'"type"\s*:\s*"error"')

MOST = 4096
"""Tokens of output where the client names no bound: this API must be told one."""
_EFFORT = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16384}
"""Tokens to reason with, for APIs that only name an effort."""

STOPS: dict[str, c.Stop] = {
    "end_turn": "end",
    "max_tokens": "length",
    "tool_use": "tool",
    "stop_sequence": "sequence",
    "refusal": "refusal",
    "pause_turn": "end",
}
_FAULTS: dict[str, Kind] = {
    "invalid_request_error": "invalid_request",
    "authentication_error": "authentication",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limit",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
}


class Anthropic:
    """Implements `Dialect`."""

    name = "anthropic"
    shared: ClassVar[frozenset[str]] = frozenset()
    exchanges: ClassVar[Mapping[str, Exchange]] = {
        "count_tokens": counts.Count(
            lambda chat, model: Anthropic().write(chat, model), counts.anthropic
        )
    }
    operations: ClassVar[Mapping[str, str]] = {
        "chat": "/messages",
        "count_tokens": "/messages/count_tokens",
    }
    stream_type: ClassVar[str] = EVENT_STREAM
    usage_alone: ClassVar[bool] = False
    telling: ClassVar[re.Pattern[bytes]] = _USAGE
    endings: ClassVar[Mapping[str, re.Pattern[bytes]]] = {
        "chat": re.compile(rb'"type"\s*:\s*"message_stop"')
    }

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """See `Dialect`."""
        return self.operations.get(operation)

    def cutter(self) -> Events:
        """See `Dialect`."""
        return Events()

    def write(self, chat: c.Chat, model: str) -> bytes:
        """See `Dialect`."""
        _refuse_what_it_lacks(chat, model)
        body: dict[str, Any] = {"model": model, "max_tokens": chat.max_tokens or MOST}
        if chat.system:
            body["system"] = chat.system
        body["messages"] = [
            {"role": message.role, "content": [_block(part) for part in message.parts]}
            for message in chat.messages
            if message.parts
        ]
        given = {
            "temperature": chat.temperature,
            "top_p": chat.top_p,
            "top_k": chat.top_k,
            "stop_sequences": list(chat.stop) or None,
            "metadata": {"user_id": chat.user} if chat.user else None,
        }
        body.update((name, value) for name, value in given.items() if value is not None)
        budget = chat.thinking_tokens or (_EFFORT.get(chat.effort) if chat.effort else None)
        if budget:
            body["thinking"] = {"type": "enabled", "budget_tokens": budget}
            body["max_tokens"] = max(body["max_tokens"], budget + MOST)
            body.pop("temperature", None)
        if chat.tools:
            body["tools"] = [_tool(tool) for tool in chat.tools]
            if chat.tool_choice is not None:
                body["tool_choice"] = _tool_choice(chat.tool_choice)
        if chat.format is not None:
            schema = {"type": "json_schema", "schema": chat.format.schema}
            body["output_config"] = {"format": schema}
        if chat.stream:
            body["stream"] = True
        return _encode(body)

    def retarget(self, body: bytes, peek: Peek, model: str) -> bytes:
        """See `Dialect`."""
        if model == peek.model:
            return body
        fields = _raw.decode(body)
        fields["model"] = msgspec.Raw(_encode(model))
        return _encode(fields)

    def read(self, body: bytes) -> c.Answer:
        """See `Dialect`."""
        answer = _decoded(_answered, body)
        if answer.error is not None:
            raise _fault(answer.error.type, answer.error.message)
        stop = STOPS.get(answer.stop_reason or "end_turn", "end")
        parts = tuple(part for block in answer.content if (part := _part(block)) is not None)
        return c.Answer(answer.id, answer.model, parts, stop, used(answer.usage))

    def reader(self) -> Reader:
        """See `Dialect`."""
        return _Reader()

    def usage(self, data: bytes) -> c.Usage | None:
        """See `Dialect`."""
        if _USAGE.search(data) is None:
            return None
        found = _decoded(_happened, data)
        of = found.usage or (found.message and found.message.usage)
        return used(of) if of else None

    def hidden(self, data: bytes) -> bool:
        """See `Dialect`: this API tells usage always."""
        return False

    def fault(self, data: bytes) -> LlmError | None:
        """See `Dialect`."""
        if _ERROR.search(data, 0, 256) is None:
            return None
        found = _decoded(_happened, data)
        if found.type != "error" or found.error is None:
            return None
        return _fault(found.error.type, found.error.message)

    def begins(self, data: bytes) -> bool:
        """See `Dialect`."""
        return _BEGINS.search(data) is not None

    def refusal(self, status: int, body: bytes) -> LlmError:
        """See `Dialect`."""
        try:
            found = _answered.decode(body).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = None
        if found is None:
            return LlmError(kind_of(status), f"the provider answered {status}", status=status)
        return LlmError(kind_of(status), found.message, status=status)


class _Reader:
    def __init__(self) -> None:
        self._tools: dict[int, int] = {}

    def feed(self, data: bytes) -> Iterable[c.Event]:
        found = _decoded(_happened, data)
        if found.type == "error":
            fault = found.error
            raise _fault(fault.type, fault.message) if fault else LlmError("upstream", "error")
        if found.type == "message_start" and found.message is not None:
            begun = found.message
            yield c.Started(begun.id, begun.model, used(begun.usage))
        elif found.type == "content_block_start" and found.content_block is not None:
            yield from self._block(found.index, found.content_block)
        elif found.type == "content_block_delta" and found.delta is not None:
            yield from self._delta(found)
        elif found.type == "message_delta" and found.delta is not None:
            if found.delta.stop_reason:
                yield c.Stopped(STOPS.get(found.delta.stop_reason, "end"))
            if found.usage is not None:
                yield c.Metered(used(found.usage))

    def _block(self, index: int, block: Block) -> Iterable[c.Event]:
        if block.type == "tool_use":
            place = self._tools[index] = len(self._tools)
            yield c.ToolStarted(place, block.id or "", block.name or "")
        elif block.text:
            yield c.TextDelta(block.text)

    def _delta(self, found: Happened) -> Iterable[c.Event]:
        delta = found.delta
        assert delta is not None
        if delta.text:
            yield c.TextDelta(delta.text)
        elif delta.thinking or delta.signature:
            yield c.ThinkingDelta(delta.thinking or "", delta.signature or "")
        elif delta.partial_json and found.index in self._tools:
            yield c.ToolDelta(self._tools[found.index], delta.partial_json)


def used(given: Used | None) -> c.Usage:
    """Usage in our terms: input counts what was cached, too."""
    if given is None:
        return c.Usage()
    cached, written = given.cache_read_input_tokens or 0, given.cache_creation_input_tokens or 0
    return c.Usage(
        (given.input_tokens or 0) + cached + written, given.output_tokens or 0, cached, written
    )


def _decoded(decoder: "msgspec.json.Decoder[T]", data: bytes) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error


def _fault(kind: str, message: str) -> LlmError:
    return LlmError(_FAULTS.get(kind, "upstream"), message)


def _refuse_what_it_lacks(chat: c.Chat, model: str) -> None:
    lacking = list(chat.only)
    lacking += ["frequency_penalty"] if chat.frequency_penalty else []
    lacking += ["presence_penalty"] if chat.presence_penalty else []
    lacking += ["seed"] if chat.seed is not None else []
    if chat.format is not None and chat.format.schema is None:
        lacking.append("response_format without a schema")
    if lacking:
        raise LlmError(
            "invalid_request",
            f"{model} is behind Anthropic's API, which has no {', '.join(lacking)}: leave it out, "
            "or choose a model whose provider has it",
            param=lacking[0],
        )


def _block(part: c.Part) -> dict[str, Any]:
    match part:
        case c.Text():
            return {"type": "text", "text": part.text}
        case c.Image():
            return {"type": "image", "source": _source(part)}
        case c.File():
            source = {"type": "base64", "media_type": part.media_type, "data": part.data}
            if part.media_type.startswith("audio/"):
                raise LlmError("invalid_request", "Anthropic's API does not hear audio")
            return {"type": "document", "source": source}
        case c.Thinking():
            if part.sealed:
                return {"type": "redacted_thinking", "data": part.sealed}
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
        case c.ToolUse():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": _input(part)}
        case c.ToolResult():
            block: dict[str, Any] = {"type": "tool_result", "tool_use_id": part.id}
            block["content"] = [_block(each) for each in part.parts]
            if part.failed:
                block["is_error"] = True
            return block


def _source(image: c.Image) -> dict[str, Any]:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": image.data}


def _input(use: c.ToolUse) -> Any:
    try:
        return msgspec.json.decode(use.arguments or "{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError(
            "invalid_request", f"the arguments of tool call {use.id} are not JSON: {error}"
        ) from error


def _part(block: Block) -> c.Part | None:
    match block.type:
        case "text":
            return c.Text(block.text or "")
        case "thinking":
            return c.Thinking(block.thinking or "", block.signature or "")
        case "redacted_thinking":
            return c.Thinking(sealed=block.data or "")
        case "tool_use":
            arguments = msgspec.json.encode(block.input or {}).decode()
            return c.ToolUse(block.id or "", block.name or "", arguments)
        case _:
            return None


def _tool(tool: c.Tool) -> dict[str, Any]:
    schema = tool.schema or {"type": "object", "properties": {}}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _tool_choice(choice: c.ToolChoice) -> dict[str, Any]:
    modes = {"auto": "auto", "none": "none", "required": "any", "tool": "tool"}
    given: dict[str, Any] = {"type": modes[choice.mode]}
    if choice.mode == "tool":
        given["name"] = choice.name
    if choice.parallel is not None and choice.mode != "none":
        given["disable_parallel_tool_use"] = not choice.parallel
    return given
