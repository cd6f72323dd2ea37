"""OpenAI's Chat Completions, as providers speak it: OpenAI itself and everyone compatible.

Source: OpenAI API reference, "Chat completions".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Exchange, Peek, Reader
from torana.llm.dialects.openai_body import write
from torana.llm.dialects.openai_embed import OpenAiEmbed
from torana.llm.dialects.openai_wire import Answered, Called, Choice, Completion, Fault, Used
from torana.llm.errors import LlmError, kind_of
from torana.llm.sse import EVENT_STREAM, Events

_completion = msgspec.json.Decoder(Completion)
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_ERROR = re.compile(rb'^\s*\{\s*"error"\s*:\s*[{"]')

STOPS: dict[str, c.Stop] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "refusal",
}


class OpenAi:
    """Implements `Dialect`."""

    name = "openai"
    shared: ClassVar[frozenset[str]] = frozenset()
    exchanges: ClassVar[Mapping[str, Exchange]] = {"embeddings": OpenAiEmbed()}
    operations: ClassVar[Mapping[str, str]] = {
        "chat": "/chat/completions",
        "completions": "/completions",
        "embeddings": "/embeddings",
        "responses": "/responses",
        "input_tokens": "/responses/input_tokens",
        "moderations": "/moderations",
        "images": "/images/generations",
        "image_edits": "/images/edits",
        "speech": "/audio/speech",
        "transcriptions": "/audio/transcriptions",
        "translations": "/audio/translations",
        "rerank": "/rerank",
        "realtime": "/realtime",
    }
    stream_type: ClassVar[str] = EVENT_STREAM
    usage_alone: ClassVar[bool] = True
    telling: ClassVar[re.Pattern[bytes]] = _USAGE
    endings: ClassVar[Mapping[str, re.Pattern[bytes]]] = {
        "chat": re.compile(rb'\[DONE\]|"finish_reason"\s*:\s*"'),
        "completions": re.compile(rb'\[DONE\]|"finish_reason"\s*:\s*"'),
        "responses": re.compile(rb'"response\.(completed|incomplete|failed)"'),
    }

    def __init__(
        self,
        most: str = "max_tokens",
        renames: Mapping[str, str] | None = None,
        asks_usage: bool = True,
    ) -> None:
        """`most`: what bounds an answer (OpenAI's newer models know only the longer name);
        `renames`: members that are called otherwise; `asks_usage`: streams tell their usage only
        when they are asked to."""
        self._most, self._renames, self._asks_usage = most, renames or {}, asks_usage

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """See `Dialect`."""
        return self.operations.get(operation)

    def cutter(self) -> Events:
        """See `Dialect`."""
        return Events()

    def write(self, chat: c.Chat, model: str) -> bytes:
        """See `Dialect`."""
        body = write(chat, model)
        renames = {**self._renames, "max_tokens": self._most}
        body = {renames.get(name, name): value for name, value in body.items()}
        if chat.stream and self._asks_usage:
            body["stream_options"] = {"include_usage": True}
        return _encode(body)

    def retarget(self, body: bytes, peek: Peek, model: str) -> bytes:
        """See `Dialect`. Nothing but what must be is changed."""
        ask = self._asks_usage and peek.stream and not peek.with_usage
        if model == peek.model and not ask and not self._renames:
            return body
        fields = _raw.decode(body)
        for name in self._renames.keys() & fields.keys():
            fields[self._renames[name]] = fields.pop(name)
        if model != peek.model:
            fields["model"] = msgspec.Raw(_encode(model))
        if ask:
            options = fields.get("stream_options")
            known: dict[str, Any] = (msgspec.json.decode(options) if options else None) or {}
            known["include_usage"] = True
            fields["stream_options"] = msgspec.Raw(_encode(known))
        return _encode(fields)

    def read(self, body: bytes) -> c.Answer:
        """See `Dialect`."""
        answer = _decoded(body)
        if not answer.choices or answer.choices[0].message is None:
            raise _fault(answer) or LlmError("upstream", "the provider's answer has no choices")
        choice = answer.choices[0]
        assert choice.message is not None
        stop = STOPS.get(choice.finish_reason or "stop", "end")
        parts = _parts(choice.message)
        return c.Answer(answer.id, answer.model, parts, stop, _usage(answer.usage))

    def reader(self) -> Reader:
        """See `Dialect`."""
        return _Reader()

    def usage(self, data: bytes) -> c.Usage | None:
        """See `Dialect`."""
        if _USAGE.search(data) is None:
            return None
        found = _decoded(data)
        used = found.usage or (found.response and found.response.usage)
        return _usage(used) if used else None

    def hidden(self, data: bytes) -> bool:
        """See `Dialect`: the last chunk, with usage and nothing said."""
        return not _decoded(data).choices

    def fault(self, data: bytes) -> LlmError | None:
        """See `Dialect`."""
        if _ERROR.match(data) is None:
            return None
        return _fault(_decoded(data))

    def begins(self, data: bytes) -> bool:
        """See `Dialect`."""
        if data.strip() == b"[DONE]":
            return True
        return any(map(_said, _decoded(data).choices))

    def refusal(self, status: int, body: bytes) -> LlmError:
        """See `Dialect`."""
        try:
            found = _fault(_completion.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = None
        message = found.message if found else f"the provider answered {status}"
        code, param = (found.code, found.param) if found else ("", "")
        return LlmError(kind_of(status), message, code=code, param=param, status=status)


class _Reader:
    def __init__(self) -> None:
        self._begun = False
        self._stop: c.Stop | None = None
        self._calls: list[_Call] = []

    def feed(self, data: bytes) -> Iterable[c.Event]:
        if data.strip() == b"[DONE]":
            return
        chunk = _decoded(data)
        fault = _fault(chunk)
        if fault is not None:
            raise fault
        if not self._begun:
            self._begun = True
            yield c.Started(chunk.id, chunk.model)
        for choice in chunk.choices[:1]:
            if choice.delta is not None:
                yield from self._delta(choice.delta)
            if choice.finish_reason and self._stop is None:
                self._stop = STOPS.get(choice.finish_reason, "end")
                yield c.Stopped(self._stop)
        if chunk.usage is not None:
            yield c.Metered(_usage(chunk.usage))

    def _delta(self, delta: Answered) -> Iterable[c.Event]:
        thought, text = _said_in(delta)
        if thought:
            yield c.ThinkingDelta(thought)
        if text:
            yield c.TextDelta(text)
        if delta.refusal:
            yield c.TextDelta(delta.refusal)
        for called in delta.tool_calls or ():
            yield from self._call(called)

    def _call(self, called: Called) -> Iterable[c.Event]:
        """A call may come in pieces of any size: its name, too, may be later than its number."""
        call = self._find(called)
        function = called.function
        call.id = call.id or called.id or ""
        if call.begun:
            if function.arguments:
                yield c.ToolDelta(call.place, function.arguments)
            return
        call.name += function.name or ""
        call.waiting += function.arguments or ""
        if call.name:
            call.begun = True
            yield c.ToolStarted(call.place, call.id or f"call_{call.place}", call.name)
            if call.waiting:
                yield c.ToolDelta(call.place, call.waiting)

    def _find(self, called: Called) -> "_Call":
        """By its number; servers that leave that out tell calls apart by id."""
        calls, number = self._calls, called.index
        if number is None and calls and called.id in (None, "", calls[-1].id):
            return calls[-1]
        known = [call for call in calls if number is not None and call.number == number]
        if known:
            return known[0]
        calls.append(_Call(len(calls), number))
        return calls[-1]


class _Call(Struct):
    place: int
    number: int | None
    id: str = ""
    name: str = ""
    waiting: str = ""
    begun: bool = False


def _decoded(data: bytes) -> Completion:
    try:
        return _completion.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error


def _said(choice: Choice) -> bool:
    delta = choice.delta
    if choice.finish_reason or delta is None:
        return True
    return bool(
        delta.content
        or delta.tool_calls
        or delta.reasoning_content
        or delta.reasoning
        or delta.refusal
    )


def _fault(answer: Completion) -> LlmError | None:
    if not answer.error:
        return None
    if isinstance(answer.error, str):
        return LlmError("upstream", answer.error)
    try:
        fault = msgspec.convert(answer.error, Fault, strict=False)
    except msgspec.ValidationError:
        return LlmError("upstream", "the provider reports an error in no form that is known")
    code = str(fault.code or "")
    status = int(code) if code.isdigit() and len(code) == 3 else 0
    kind = kind_of(status) if status else "upstream"
    if "rate_limit" in code or "rate_limit" in (fault.type or ""):
        kind = "rate_limit"
    return LlmError(kind, fault.message, code=code, param=str(fault.param or ""))


def _usage(used: Used | None) -> c.Usage:
    if used is None:
        return c.Usage()
    prompt = used.prompt_tokens_details or used.input_tokens_details
    completion = used.completion_tokens_details or used.output_tokens_details
    return c.Usage(
        input=used.prompt_tokens or used.input_tokens or 0,
        output=used.completion_tokens or used.output_tokens or 0,
        cached=(prompt and prompt.cached_tokens) or 0,
        reasoning=(completion and completion.reasoning_tokens) or 0,
    )


def _said_in(message: Answered) -> tuple[str, str]:
    """Reasoning, and words."""
    thought, content = message.reasoning_content or message.reasoning or "", message.content
    if content is None or isinstance(content, str):
        return thought, content or ""
    inner = (part for each in content for part in each.thinking or ())
    thought += "".join(part.text or "" for part in inner)
    return thought, "".join(each.text or "" for each in content)


def _parts(message: Answered) -> tuple[c.Part, ...]:
    parts: list[c.Part] = []
    thought, text = _said_in(message)
    if thought:
        parts.append(c.Thinking(thought))
    if text or message.refusal:
        parts.append(c.Text(text or message.refusal or ""))
    for place, call in enumerate(message.tool_calls or ()):
        arguments = call.function.arguments or "{}"
        name = call.function.name or ""
        parts.append(c.ToolUse(call.id or f"call_{place}", name, arguments))
    return tuple(parts)
