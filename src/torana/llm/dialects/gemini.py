"""Gemini's API, as Google's providers speak it: the Gemini API and Vertex AI.

Source: Gemini API reference, "Generating content", "Thinking", "Thought signatures".
"""

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar
from urllib.parse import quote

import msgspec

from torana.llm import chat as c
from torana.llm.dialect import Exchange, Peek, Reader
from torana.llm.dialects import counts
from torana.llm.dialects import gemini_wire as wire
from torana.llm.dialects.gemini_body import body
from torana.llm.dialects.gemini_embed import GeminiEmbed
from torana.llm.errors import LlmError, kind_of
from torana.llm.sse import EVENT_STREAM, Events

_answered = msgspec.json.Decoder(wire.Answered)
_Said = wire.Answered | list[wire.Answered]
_errors: "msgspec.json.Decoder[_Said]" = msgspec.json.Decoder(_Said)
_USAGE = re.compile(rb'"usageMetadata"\s*:\s*\{')
_ERROR = re.compile(rb'^\s*\{\s*"error"\s*:\s*\{')

STOPS: dict[str, c.Stop] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    "SAFETY": "refusal",
    "RECITATION": "refusal",
    "LANGUAGE": "refusal",
    "BLOCKLIST": "refusal",
    "PROHIBITED_CONTENT": "refusal",
    "SPII": "refusal",
    "IMAGE_SAFETY": "refusal",
}


class Gemini:
    """Implements `Dialect`."""

    name = "gemini"
    shared: ClassVar[frozenset[str]] = frozenset()
    exchanges: ClassVar[Mapping[str, Exchange]] = {
        "count_tokens": counts.Count(body, counts.gemini),
        "embeddings": GeminiEmbed(),
    }
    stream_type: ClassVar[str] = EVENT_STREAM
    usage_alone: ClassVar[bool] = False
    telling: ClassVar[re.Pattern[bytes]] = _USAGE
    endings: ClassVar[Mapping[str, re.Pattern[bytes]]] = {
        "chat": re.compile(rb'"(finishReason|blockReason)"\s*:\s*"')
    }
    _actions: ClassVar[Mapping[str, str]] = {
        "chat": "generateContent",
        "count_tokens": "countTokens",
        "embed": "embedContent",
        "embed_batch": "batchEmbedContents",
    }

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """See `Dialect`."""
        action = self._actions.get(operation)
        if action is None:
            return None
        if stream:
            action = "streamGenerateContent?alt=sse"
        return f"/models/{quote(model, safe='')}:{action}"

    def cutter(self) -> Events:
        """See `Dialect`."""
        return Events()

    def write(self, chat: c.Chat, model: str) -> bytes:
        """See `Dialect`."""
        return body(chat, model)

    def retarget(self, body: bytes, peek: Peek, model: str) -> bytes:
        """See `Dialect`: the path names the model."""
        return body

    def read(self, body: bytes) -> c.Answer:
        """See `Dialect`."""
        answer = _decoded(body)
        if answer.error is not None:
            raise _fault(answer.error)
        parts = tuple(
            part for place, each in enumerate(_parts(answer)) if (part := _part(each, place))
        )
        used = _used(answer.usage_metadata) or c.Usage()
        tools = any(isinstance(part, c.ToolUse) for part in parts)
        return c.Answer(
            answer.response_id, answer.model_version, parts, _stop(answer, tools) or "end", used
        )

    def reader(self) -> Reader:
        """See `Dialect`."""
        return _Reader()

    def usage(self, data: bytes) -> c.Usage | None:
        """See `Dialect`."""
        return None if _USAGE.search(data) is None else _used(_decoded(data).usage_metadata)

    def hidden(self, data: bytes) -> bool:
        """See `Dialect`: this API tells usage always."""
        return False

    def fault(self, data: bytes) -> LlmError | None:
        """See `Dialect`."""
        if _ERROR.match(data) is None:
            return None
        error = _decoded(data).error
        return None if error is None else _fault(error)

    def begins(self, data: bytes) -> bool:
        """See `Dialect`."""
        found = _decoded(data)
        return bool(_parts(found)) or _stop(found, False) is not None

    def refusal(self, status: int, body: bytes) -> LlmError:
        """See `Dialect`. A stream's error comes in a list."""
        try:
            found: _Said = _errors.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = wire.Answered()
        if isinstance(found, list):
            found = found[0] if found else wire.Answered()
        if found.error is None:
            return LlmError(kind_of(status), f"the provider answered {status}", status=status)
        error = _fault(found.error)
        return LlmError(
            kind_of(status),
            error.message,
            code=error.code,
            status=status,
            retry_after=error.retry_after,
        )


class Vertex(Gemini):
    """The same on Vertex AI, whose counter wants it otherwise."""

    exchanges: ClassVar[Mapping[str, Exchange]] = {
        "count_tokens": counts.Count(body, counts.vertex)
    }


class _Reader:
    def __init__(self) -> None:
        self._begun = False
        self._calls = 0

    def feed(self, data: bytes) -> Iterable[c.Event]:
        found = _decoded(data)
        if found.error is not None:
            raise _fault(found.error)
        if not self._begun:
            self._begun = True
            yield c.Started(found.response_id, found.model_version)
        for each in _parts(found):
            yield from self._part(each)
        stop = _stop(found, self._calls > 0)
        if stop is not None:
            yield c.Stopped(stop)
        used = _used(found.usage_metadata)
        if used is not None:
            yield c.Metered(used)

    def _part(self, part: wire.Part) -> Iterable[c.Event]:
        found = _part(part, self._calls)
        match found:
            case c.ToolUse():
                yield c.ToolStarted(self._calls, found.id, found.name)
                yield c.ToolDelta(self._calls, found.arguments)
                self._calls += 1
            case c.Thinking():
                yield c.ThinkingDelta(found.text)
            case c.Text():
                yield c.TextDelta(found.text)
            case _:
                pass


def _decoded(data: bytes) -> wire.Answered:
    try:
        return _answered.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error


def _fault(error: wire.Fault) -> LlmError:
    delays = [str(each.get("retryDelay", "")).removesuffix("s") for each in error.details]
    after = next((float(d) for d in delays if d.replace(".", "", 1).isdigit()), None)
    kind = kind_of(error.code) if 400 <= error.code < 600 else "upstream"
    return LlmError(kind, error.message, code=error.status, retry_after=after)


def _parts(answer: wire.Answered) -> list[wire.Part]:
    content = answer.candidates[0].content if answer.candidates else None
    return content.parts if content else []


def _part(part: wire.Part, place: int) -> c.Text | c.Thinking | c.ToolUse | None:
    if part.function_call is not None:
        call = part.function_call
        arguments = msgspec.json.encode(call.args or {}).decode()
        return c.ToolUse(call.id or f"call_{place}_{call.name}", call.name, arguments)
    if part.thought:
        return c.Thinking(part.text or "")
    return c.Text(part.text) if part.text else None


def _stop(answer: wire.Answered, tools: bool) -> c.Stop | None:
    if not answer.candidates:
        blocked = answer.prompt_feedback is not None and answer.prompt_feedback.block_reason
        return "refusal" if blocked else None
    reason = answer.candidates[0].finish_reason
    if reason is None:
        return None
    stop = STOPS.get(reason, "end")
    return "tool" if tools and stop == "end" else stop


def _used(used: wire.Used | None) -> c.Usage | None:
    if used is None:
        return None
    thoughts = used.thoughts_token_count or 0
    return c.Usage(
        (used.prompt_token_count or 0) + (used.tool_use_prompt_token_count or 0),
        (used.candidates_token_count or 0) + thoughts,
        used.cached_content_token_count or 0,
        reasoning=thoughts,
    )
