"""`POST /v1beta/models/{model}:generateContent` and its kin.

Source: Gemini API reference, "Generating content".
"""

import re
from typing import Any
from urllib.parse import unquote

import msgspec

from torana.llm import chat as c
from torana.llm.dialect import Front, Peek, Writer
from torana.llm.dialects import gemini_wire as wire
from torana.llm.errors import Kind, LlmError
from torana.llm.fronts.gemini_question import question
from torana.llm.fronts.openai_errors import error_headers
from torana.llm.sse import event
from torana.message import Reply

_PATH = re.compile(r"/v1(?:beta|alpha|beta1)?/(?:.*/)?models/([^/]+):([A-Za-z]+)")
_STATUS: dict[Kind, str] = {
    "invalid_request": "INVALID_ARGUMENT",
    "authentication": "UNAUTHENTICATED",
    "permission": "PERMISSION_DENIED",
    "not_found": "NOT_FOUND",
    "too_large": "INVALID_ARGUMENT",
    "rate_limit": "RESOURCE_EXHAUSTED",
    "budget": "RESOURCE_EXHAUSTED",
    "timeout": "DEADLINE_EXCEEDED",
    "overloaded": "UNAVAILABLE",
    "upstream": "INTERNAL",
    "internal": "INTERNAL",
}
_FINISH: dict[c.Stop, str] = {
    "end": "STOP",
    "sequence": "STOP",
    "tool": "STOP",
    "length": "MAX_TOKENS",
    "refusal": "SAFETY",
}
_encode = msgspec.json.Encoder().encode
_generation = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Generate:
    """Implements `Front` for one action."""

    dialect = "gemini"

    def __init__(self, operation: str, stream: bool = False) -> None:
        self.operation, self._stream = operation, stream

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`."""
        found = _PATH.fullmatch(path)
        assert found is not None
        try:
            fields = _generation.decode(body)
            raw = fields.get("generationConfig") or fields.get("generation_config")
            most = msgspec.json.decode(raw, type=wire.Generation) if raw else wire.Generation()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("invalid_request", f"Invalid JSON payload received: {error}") from error
        return Peek(unquote(found[1]), self._stream, most.max_output_tokens)

    def read(self, body: bytes, peek: Peek) -> Any:
        """See `Front`."""
        return question(body, peek)

    def write(self, answer: Any, chat: Any, seconds: float) -> bytes:
        """See `Front`."""
        parts = [_part(part) for part in answer.parts]
        return _encode(
            _response(answer.id, answer.model, parts, _FINISH[answer.stop], answer.usage)
        )

    def writer(self, chat: c.Chat) -> Writer:
        """See `Front`."""
        return _Stream()

    def fail(self, error: LlmError) -> bytes:
        """See `Front`."""
        return event(_encode(_told(error)))

    def refuse(self, error: LlmError) -> Reply:
        """See `Front`."""
        return Reply(error.status, error_headers(error), _encode(_told(error)))


class _Stream:
    """A call's arguments come whole in this API, so they wait for their end."""

    def __init__(self) -> None:
        self._id, self._model = "", ""
        self._usage, self._stop = c.Usage(), "STOP"
        self._call: c.ToolStarted | None = None
        self._arguments: list[str] = []

    def write(self, event: c.Event) -> bytes:
        match event:
            case c.Started():
                self._id, self._model, self._usage = event.id, event.model, event.usage
                return b""
            case c.TextDelta():
                return self._called() + self._piece(wire.Part(event.text))
            case c.ThinkingDelta():
                thought = wire.Part(event.text, thought=True)
                return self._called() + (self._piece(thought) if event.text else b"")
            case c.ToolStarted():
                before = self._called()
                self._call = event
                return before
            case c.ToolDelta():
                self._arguments.append(event.arguments)
                return b""
            case c.Stopped():
                self._stop = _FINISH[event.stop]
                return self._called()
            case c.Metered():
                self._usage |= event.usage
                return b""

    def end(self) -> bytes:
        last = _response(self._id, self._model, [], self._stop, self._usage)
        return self._called() + event(_encode(last))

    def _called(self) -> bytes:
        call, self._call = self._call, None
        arguments, self._arguments = "".join(self._arguments), []
        if call is None:
            return b""
        return self._piece(_part(c.ToolUse(call.id, call.name, arguments)))

    def _piece(self, part: wire.Part) -> bytes:
        return event(_encode(_response(self._id, self._model, [part], None, None)))


def _response(
    id: str, model: str, parts: list[wire.Part], finish: str | None, used: c.Usage | None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    out: dict[str, Any] = {"candidates": [candidate], "modelVersion": model, "responseId": id}
    if used is not None:
        out["usageMetadata"] = {
            "promptTokenCount": used.input,
            "candidatesTokenCount": used.output - used.reasoning,
            "thoughtsTokenCount": used.reasoning,
            "cachedContentTokenCount": used.cached,
            "totalTokenCount": used.input + used.output,
        }
    return out


def _part(part: c.Part) -> wire.Part:
    match part:
        case c.Text():
            return wire.Part(part.text)
        case c.Thinking():
            return wire.Part(part.text, thought=True)
        case c.ToolUse():
            try:
                arguments = msgspec.json.decode(part.arguments or "{}", type=dict[str, Any])
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise LlmError("upstream", f"the model's arguments are no JSON: {error}") from error
            return wire.Part(function_call=wire.Call(part.name, arguments, part.id))
        case _:
            raise LlmError("upstream", "the provider's answer holds a part of a question")


def _told(error: LlmError) -> dict[str, Any]:
    return {
        "error": {
            "code": error.status,
            "message": error.message,
            "status": _STATUS[error.kind],
        }
    }


ACTIONS: dict[str, Front] = {
    "generateContent": Generate("chat"),
    "streamGenerateContent": Generate("chat", stream=True),
}


def action_of(path: str) -> str:
    """What a path asks of a model; empty when it is none of this API's."""
    found = _PATH.fullmatch(path) if ":" in path else None
    return found[2] if found else ""
