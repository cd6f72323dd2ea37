"""Cohere's API, as Cohere speaks it: chats, embeddings, reranking.

Source: Cohere API reference, "Chat (V2)", "Chat with streaming (V2)", "Embed (V2)", "Errors".
"""

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar, TypeVar

import msgspec

from torana.llm import chat as c
from torana.llm.dialect import Exchange, Peek, Reader
from torana.llm.dialects import cohere_wire as wire
from torana.llm.dialects.cohere_body import body
from torana.llm.dialects.cohere_embed import CohereEmbed
from torana.llm.errors import LlmError, kind_of
from torana.llm.sse import EVENT_STREAM, Events

_answered = msgspec.json.Decoder(wire.Answered)
_happened = msgspec.json.Decoder(wire.Happened)
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
_USAGE = re.compile(rb'"(usage|billed_units)"\s*:\s*\{')
_BEGUN = frozenset({"content-delta", "tool-plan-delta", "tool-call-start", "message-end"})
T = TypeVar("T")

STOPS: dict[str, c.Stop] = {
    "COMPLETE": "end",
    "STOP_SEQUENCE": "sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool",
}


class Cohere:
    """Implements `Dialect`."""

    name = "cohere"
    shared: ClassVar[frozenset[str]] = frozenset({"rerank"})
    exchanges: ClassVar[Mapping[str, Exchange]] = {"embeddings": CohereEmbed()}
    stream_type: ClassVar[str] = EVENT_STREAM
    usage_alone: ClassVar[bool] = False
    telling: ClassVar[re.Pattern[bytes]] = _USAGE
    endings: ClassVar[Mapping[str, re.Pattern[bytes]]] = {
        "chat": re.compile(rb'"type"\s*:\s*"message-end"')
    }
    _paths: ClassVar[Mapping[str, str]] = {
        "chat": "/chat",
        "embeddings": "/embed",
        "rerank": "/rerank",
    }

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """See `Dialect`."""
        return self._paths.get(operation)

    def cutter(self) -> Events:
        """See `Dialect`."""
        return Events()

    def write(self, chat: c.Chat, model: str) -> bytes:
        """See `Dialect`."""
        return body(chat, model)

    def retarget(self, body: bytes, peek: Peek, model: str) -> bytes:
        """See `Dialect`."""
        if model == peek.model:
            return body
        return msgspec.json.encode({**_raw.decode(body), "model": model})

    def read(self, body: bytes) -> c.Answer:
        """See `Dialect`."""
        answer = _decoded(_answered, body)
        message = answer.message
        if not isinstance(message, wire.Said):
            raise LlmError("upstream", message or "the provider's answer holds no message")
        stop = _stop(answer.finish_reason)
        return c.Answer(answer.id, "", _parts(message), stop, used(answer.usage))

    def reader(self) -> Reader:
        """See `Dialect`."""
        return _Reader()

    def usage(self, data: bytes) -> c.Usage | None:
        """See `Dialect`. A whole answer has it at its top, the last event within, the other
        operations in `meta`."""
        if _USAGE.search(data) is None:
            return None
        found = _decoded(_told, data)
        usage = found.usage or (found.delta and found.delta.usage) or found.meta
        return used(usage) if usage else None

    def hidden(self, data: bytes) -> bool:
        """See `Dialect`: this API tells usage always."""
        return False

    def fault(self, data: bytes) -> LlmError | None:
        """See `Dialect`."""
        if data.strip() == b"[DONE]":
            return None
        return _fault(_decoded(_happened, data))

    def begins(self, data: bytes) -> bool:
        """See `Dialect`."""
        return data.strip() == b"[DONE]" or _decoded(_happened, data).type in _BEGUN

    def refusal(self, status: int, body: bytes) -> LlmError:
        """See `Dialect`. 498 and 499: an invalid token, a request that was called off."""
        try:
            message = _answered.decode(body).message
        except (msgspec.DecodeError, UnicodeDecodeError):
            message = None
        shown = message if isinstance(message, str) else f"the provider answered {status}"
        kind = "authentication" if status == 498 else kind_of(status)
        return LlmError(kind, shown, status=status)


class _Told(msgspec.Struct):
    usage: wire.Used | None = None
    delta: wire.Delta | None = None
    meta: wire.Used | None = None


_told = msgspec.json.Decoder(_Told)


class _Reader:
    """What is planned before tools are called is what the model says."""

    def __init__(self) -> None:
        self._calls: dict[int, int] = {}

    def feed(self, data: bytes) -> Iterable[c.Event]:
        if data.strip() == b"[DONE]":
            return
        event = _decoded(_happened, data)
        fault = _fault(event)
        if fault is not None:
            raise fault
        delta = event.delta or wire.Delta()
        if event.type == "message-start":
            yield c.Started(event.id or "", "")
        elif event.type == "message-end":
            yield c.Stopped(_stop(delta.finish_reason))
            yield c.Metered(used(delta.usage))
        elif delta.message is not None:
            yield from self._pieces(event.type, event.index or 0, _pieces(delta))

    def _pieces(self, kind: str, index: int, pieces: wire.Pieces) -> Iterable[c.Event]:
        if pieces.content is not None and pieces.content.thinking:
            yield c.ThinkingDelta(pieces.content.thinking)
        if pieces.content is not None and pieces.content.text:
            yield c.TextDelta(pieces.content.text)
        if pieces.tool_plan:
            yield c.TextDelta(pieces.tool_plan)
        call = pieces.tool_calls
        if call is None or call.function is None:
            return
        if kind == "tool-call-start":
            place = self._calls[index] = len(self._calls)
            yield c.ToolStarted(place, call.id or f"call_{place}", call.function.name or "")
        if call.function.arguments and index in self._calls:
            yield c.ToolDelta(self._calls[index], call.function.arguments)


def _pieces(delta: wire.Delta) -> wire.Pieces:
    """The beginning of a message has lists where its pieces have one."""
    try:
        return msgspec.convert(delta.message, wire.Pieces)
    except msgspec.ValidationError as error:
        raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error


def _decoded(decoder: "msgspec.json.Decoder[T]", data: bytes) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error


def _stop(reason: str | None) -> c.Stop:
    if reason in ("ERROR", "TIMEOUT"):
        raise LlmError("upstream", f"the provider's model ended with {reason}")
    return STOPS.get(reason or "COMPLETE", "end")


def _fault(event: wire.Happened) -> LlmError | None:
    delta = event.delta
    if delta is not None and (delta.error or delta.finish_reason in ("ERROR", "TIMEOUT")):
        kind = "timeout" if delta.finish_reason == "TIMEOUT" else "upstream"
        return LlmError(kind, delta.error or f"the provider's model ended: {delta.finish_reason}")
    return LlmError("upstream", event.message) if event.message and not event.type else None


def _parts(message: wire.Said) -> tuple[c.Part, ...]:
    parts: list[c.Part] = []
    content = message.content
    blocks = [wire.Block("text", content)] if isinstance(content, str) else content or []
    for block in blocks:
        if block.thinking:
            parts.append(c.Thinking(block.thinking))
        if block.text:
            parts.append(c.Text(block.text))
    if message.tool_plan:
        parts.append(c.Text(message.tool_plan))
    for place, call in enumerate(message.tool_calls or ()):
        function = call.function or wire.Function()
        name, arguments = function.name or "", function.arguments or "{}"
        parts.append(c.ToolUse(call.id or f"call_{place}", name, arguments))
    return tuple(parts)


def used(given: wire.Used | None) -> c.Usage:
    """Usage in our terms: what is billed, where that is told."""
    if given is None:
        return c.Usage()
    counted = given.billed_units or given.tokens or wire.Counted()
    return c.Usage(
        round(counted.input_tokens or 0),
        round(counted.output_tokens or 0),
        round(given.cached_tokens or 0),
    )
