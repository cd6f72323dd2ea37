"""Amazon Bedrock's Converse API, as Bedrock speaks it.

Source: Amazon Bedrock API reference, "Converse", "ConverseStream"; botocore's model.
"""

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar, TypeVar
from urllib.parse import quote

import msgspec

from torana.llm import chat as c
from torana.llm.dialect import Exchange, Peek, Reader
from torana.llm.dialects import bedrock_wire as wire
from torana.llm.dialects import counts
from torana.llm.dialects.bedrock_body import body
from torana.llm.dialects.bedrock_embed import BedrockEmbed
from torana.llm.errors import Kind, LlmError, kind_of
from torana.wire.event_stream import MEDIA_TYPE, Frame, Frames, MalformedFrame

_answered = msgspec.json.Decoder(wire.Answered)
_happened = msgspec.json.Decoder(wire.Happened)
_fault_body = msgspec.json.Decoder(wire.Fault)
T = TypeVar("T")

STOPS: dict[str, c.Stop] = {
    "end_turn": "end",
    "tool_use": "tool",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "sequence",
    "guardrail_intervened": "refusal",
    "content_filtered": "refusal",
}
_FAULTS: dict[str, Kind] = {
    "throttlingException": "rate_limit",
    "validationException": "invalid_request",
    "serviceUnavailableException": "overloaded",
    "modelTimeoutException": "timeout",
}


class Bedrock:
    """Implements `Dialect`."""

    name = "bedrock"
    shared: ClassVar[frozenset[str]] = frozenset()
    exchanges: ClassVar[Mapping[str, Exchange]] = {
        "count_tokens": counts.Count(body, counts.bedrock),
        "embeddings": BedrockEmbed(),
    }
    _actions: ClassVar[Mapping[str, str]] = {
        "chat": "converse",
        "count_tokens": "count-tokens",
        "invoke": "invoke",
    }
    stream_type: ClassVar[str] = MEDIA_TYPE
    usage_alone: ClassVar[bool] = False
    telling: ClassVar[re.Pattern[bytes]] = re.compile(rb'"metadata"')
    endings: ClassVar[Mapping[str, re.Pattern[bytes]]] = {"chat": re.compile(rb'"messageStop"')}

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """See `Dialect`."""
        action = "converse-stream" if stream else self._actions.get(operation)
        return action and f"/model/{quote(model, safe='')}/{action}"

    def cutter(self) -> "_Cutter":
        """See `Dialect`."""
        return _Cutter()

    def write(self, chat: c.Chat, model: str) -> bytes:
        """See `Dialect`."""
        return body(chat, model)

    def retarget(self, body: bytes, peek: Peek, model: str) -> bytes:
        """See `Dialect`: the path names the model."""
        return body

    def read(self, body: bytes) -> c.Answer:
        """See `Dialect`."""
        answer = _decoded(_answered, body)
        message = answer.output.message if answer.output else None
        if message is None:
            raise LlmError("upstream", "the provider's answer holds no message")
        parts = tuple(part for block in message.content if (part := _part(block)) is not None)
        stop = STOPS.get(answer.stop_reason or "end_turn", "end")
        return c.Answer("", "", parts, stop, used(answer.usage))

    def reader(self) -> Reader:
        """See `Dialect`."""
        return _Reader()

    def usage(self, data: bytes) -> c.Usage | None:
        """See `Dialect`."""
        if b'"metadata"' in data[:16]:
            meta = _decoded(_happened, data).metadata
            return used(meta.usage) if meta and meta.usage else None
        found = _decoded(_answered, data).usage
        return used(found) if found else None

    def hidden(self, data: bytes) -> bool:
        """See `Dialect`: this API tells usage always."""
        return False

    def fault(self, data: bytes) -> LlmError | None:
        """See `Dialect`."""
        if not data.startswith(b'{"fault"'):
            return None
        return _fault(_decoded(_happened, data))

    def begins(self, data: bytes) -> bool:
        """See `Dialect`."""
        return not data.startswith(b'{"messageStart"')

    def refusal(self, status: int, body: bytes) -> LlmError:
        """See `Dialect`."""
        try:
            message = _fault_body.decode(body).message
        except (msgspec.DecodeError, UnicodeDecodeError):
            message = ""
        kind = "upstream" if status == 424 else kind_of(status)
        return LlmError(kind, message or f"the provider answered {status}", status=status)


class _Cutter:
    """Frames as JSON, the type of the event its only member."""

    def __init__(self) -> None:
        self._frames = Frames()

    def feed(self, piece: bytes) -> Iterable[bytes]:
        return map(_json, self._frames.feed(piece))

    def flush(self) -> Iterable[bytes]:
        if not self._frames.whole:
            raise MalformedFrame("the stream ends within a frame")
        return ()


def _json(frame: Frame) -> bytes:
    headers, payload = frame.headers, frame.payload or b"{}"
    if headers.get(":message-type") == "event":
        return b'{"%b":%b}' % (headers.get(":event-type", "").encode(), payload)
    name = headers.get(":exception-type") or headers.get(":error-code") or "internalServerException"
    if headers.get(":message-type") == "error":
        payload = msgspec.json.encode({"message": headers.get(":error-message", "")})
    return b'{"fault":%b,"faultType":%b}' % (payload, msgspec.json.encode(name))


class _Reader:
    def __init__(self) -> None:
        self._tools: dict[int, int] = {}

    def feed(self, data: bytes) -> Iterable[c.Event]:
        found = _decoded(_happened, data)
        if found.fault is not None:
            raise _fault(found)
        if found.message_start is not None:
            yield c.Started("", "")
        elif found.content_block_start is not None:
            yield from self._block(found.content_block_start)
        elif found.content_block_delta is not None:
            yield from self._delta(found.content_block_delta)
        elif found.message_stop is not None:
            yield c.Stopped(STOPS.get(found.message_stop.stop_reason, "end"))
        elif found.metadata is not None and found.metadata.usage is not None:
            yield c.Metered(used(found.metadata.usage))

    def _block(self, event: wire.BlockEvent) -> Iterable[c.Event]:
        use = event.start.tool_use if event.start else None
        if use is not None:
            place = self._tools[event.content_block_index] = len(self._tools)
            yield c.ToolStarted(place, use.tool_use_id, use.name)

    def _delta(self, event: wire.BlockEvent) -> Iterable[c.Event]:
        delta = event.delta or wire.Delta()
        if delta.text:
            yield c.TextDelta(delta.text)
        elif delta.tool_use is not None and event.content_block_index in self._tools:
            yield c.ToolDelta(self._tools[event.content_block_index], delta.tool_use.input)
        elif delta.reasoning_content is not None:
            thought = delta.reasoning_content
            yield c.ThinkingDelta(thought.text or "", thought.signature or "")


def _decoded(decoder: "msgspec.json.Decoder[T]", data: bytes) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error


def _fault(found: wire.Happened) -> LlmError:
    message = found.fault.message if found.fault else ""
    return LlmError(_FAULTS.get(found.fault_type, "upstream"), message or found.fault_type)


def _part(block: wire.Block) -> c.Part | None:
    if block.text is not None:
        return c.Text(block.text)
    if block.tool_use is not None:
        use = block.tool_use
        return c.ToolUse(use.tool_use_id, use.name, msgspec.json.encode(use.input or {}).decode())
    if block.reasoning_content is not None:
        thought = block.reasoning_content
        if thought.reasoning_text is None:
            return c.Thinking(sealed=thought.redacted_content or "")
        return c.Thinking(thought.reasoning_text.text, thought.reasoning_text.signature or "")
    return None


def used(given: wire.Used | None) -> c.Usage:
    """Usage in our terms: input counts what was cached, too."""
    if given is None:
        return c.Usage()
    cached, written = given.cache_read_input_tokens or 0, given.cache_write_input_tokens or 0
    return c.Usage(given.input_tokens + cached + written, given.output_tokens, cached, written)
