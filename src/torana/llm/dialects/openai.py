"""OpenAI's Chat Completions, as providers speak it: OpenAI itself and everyone compatible.

Source: OpenAI API reference, "Chat completions".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from torana.llm import chat as c
from torana.llm.dialect import Peek, Reader
from torana.llm.dialects.openai_wire import Answered, Choice, Completion, Fault, Used
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
    operations: ClassVar[Mapping[str, str]] = {
        "chat": "/chat/completions",
        "completions": "/completions",
        "embeddings": "/embeddings",
        "responses": "/responses",
        "moderations": "/moderations",
        "images": "/images/generations",
        "speech": "/audio/speech",
        "rerank": "/rerank",
    }
    stream_type: ClassVar[str] = EVENT_STREAM
    telling: ClassVar[re.Pattern[bytes]] = _USAGE
    endings: ClassVar[Mapping[str, re.Pattern[bytes]]] = {
        "chat": re.compile(rb'\[DONE\]|"finish_reason"\s*:\s*"'),
        "completions": re.compile(rb'\[DONE\]|"finish_reason"\s*:\s*"'),
        "responses": re.compile(rb'"response\.(completed|incomplete|failed)"'),
    }

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """See `Dialect`."""
        return self.operations.get(operation)

    def cutter(self) -> Events:
        """See `Dialect`."""
        return Events()

    def write(self, chat: c.Chat, model: str) -> bytes:
        """See `Dialect`."""
        if chat.only:
            raise LlmError(
                "invalid_request",
                f"{model} is behind another API, which has no {', '.join(chat.only)}: leave it "
                "out, or choose a model whose provider has it",
                param=chat.only[0],
            )
        body: dict[str, Any] = {"model": model, "messages": _messages(chat)}
        given = {
            "max_tokens": chat.max_tokens,
            "temperature": chat.temperature,
            "top_p": chat.top_p,
            "top_k": chat.top_k,
            "stop": list(chat.stop) or None,
            "seed": chat.seed,
            "frequency_penalty": chat.frequency_penalty,
            "presence_penalty": chat.presence_penalty,
            "reasoning_effort": chat.effort or _effort(chat.thinking_tokens),
            "user": chat.user or None,
        }
        body.update((name, value) for name, value in given.items() if value is not None)
        if chat.tools:
            body["tools"] = [_tool(tool) for tool in chat.tools]
        if chat.tool_choice is not None and chat.tools:
            body.update(_tool_choice(chat.tool_choice))
        if chat.format is not None:
            body["response_format"] = _format(chat.format)
        if chat.stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        return _encode(body)

    def retarget(self, body: bytes, peek: Peek, model: str) -> bytes:
        """See `Dialect`. Nothing but what must be is changed."""
        if model == peek.model and (peek.with_usage or not peek.stream):
            return body
        fields = _raw.decode(body)
        if model != peek.model:
            fields["model"] = msgspec.Raw(_encode(model))
        if peek.stream and not peek.with_usage:
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
        self._tools: dict[int, int] = {}

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
        if delta.reasoning_content:
            yield c.ThinkingDelta(delta.reasoning_content)
        if delta.content:
            yield c.TextDelta(delta.content)
        if delta.refusal:
            yield c.TextDelta(delta.refusal)
        for call in delta.tool_calls or ():
            place = self._tools.get(call.index)
            if place is None:
                place = self._tools[call.index] = len(self._tools)
                yield c.ToolStarted(place, call.id or f"call_{place}", call.function.name)
            if call.function.arguments:
                yield c.ToolDelta(place, call.function.arguments)


def _decoded(data: bytes) -> Completion:
    try:
        return _completion.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error


def _said(choice: Choice) -> bool:
    delta = choice.delta
    if choice.finish_reason or delta is None:
        return True
    return bool(delta.content or delta.tool_calls or delta.reasoning_content or delta.refusal)


def _fault(answer: Completion) -> LlmError | None:
    if not answer.error:
        return None
    if isinstance(answer.error, str):
        return LlmError("upstream", answer.error)
    fault = msgspec.convert(answer.error, Fault, strict=False)
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


def _parts(message: Answered) -> tuple[c.Part, ...]:
    parts: list[c.Part] = []
    if message.reasoning_content:
        parts.append(c.Thinking(message.reasoning_content))
    if message.content or message.refusal:
        parts.append(c.Text(message.content or message.refusal or ""))
    for place, call in enumerate(message.tool_calls or ()):
        arguments = call.function.arguments or "{}"
        parts.append(c.ToolUse(call.id or f"call_{place}", call.function.name, arguments))
    return tuple(parts)


def _effort(tokens: int | None) -> str | None:
    """The nearest effort to a bound on reasoning, for clients that name tokens."""
    if not tokens:
        return None
    return "low" if tokens <= 2048 else "medium" if tokens <= 8192 else "high"


def _messages(chat: c.Chat) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    if chat.system:
        said.append({"role": "system", "content": chat.system})
    for message in chat.messages:
        said.extend(_assistant(message) if message.role == "assistant" else _user(message))
    return said


def _assistant(message: c.Message) -> list[dict[str, Any]]:
    """Reasoning is the other provider's own and stays behind."""
    text = "".join(part.text for part in message.parts if isinstance(part, c.Text))
    calls = [
        {
            "id": part.id,
            "type": "function",
            "function": {"name": part.name, "arguments": part.arguments},
        }
        for part in message.parts
        if isinstance(part, c.ToolUse)
    ]
    turn: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        turn["tool_calls"] = calls
    return [turn]


def _user(message: c.Message) -> list[dict[str, Any]]:
    """The results of tools are turns of their own, before what the user says."""
    turns: list[dict[str, Any]] = []
    content: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, c.ToolResult):
            shown = "".join(each.text for each in part.parts if isinstance(each, c.Text))
            turns.append({"role": "tool", "tool_call_id": part.id, "content": shown})
            content.extend(_part(each) for each in part.parts if isinstance(each, c.Image))
        else:
            content.append(_part(part))
    if len(content) == 1 and content[0]["type"] == "text":
        turns.append({"role": "user", "content": content[0]["text"]})
    elif content:
        turns.append({"role": "user", "content": content})
    return turns


def _part(part: c.Part) -> dict[str, Any]:
    match part:
        case c.Text():
            return {"type": "text", "text": part.text}
        case c.Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            return {"type": "image_url", "image_url": {"url": url}}
        case c.File():
            if part.media_type.startswith("audio/"):
                audio = {"data": part.data, "format": part.media_type.partition("/")[2]}
                return {"type": "input_audio", "input_audio": audio}
            data = f"data:{part.media_type};base64,{part.data}"
            return {"type": "file", "file": {"filename": part.name, "file_data": data}}
        case _:
            raise LlmError("invalid_request", "a user's turn holds a part that only models write")


def _tool(tool: c.Tool) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema,
    }
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: c.ToolChoice) -> dict[str, Any]:
    fields: dict[str, Any] = {"tool_choice": choice.mode}
    if choice.mode == "tool":
        fields["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    if choice.parallel is not None:
        fields["parallel_tool_calls"] = choice.parallel
    return fields


def _format(format: c.Format) -> dict[str, Any]:
    if format.schema is None:
        return {"type": "json_object"}
    inner: dict[str, Any] = {"name": format.name, "schema": format.schema}
    if format.strict is not None:
        inner["strict"] = format.strict
    return {"type": "json_schema", "json_schema": inner}
