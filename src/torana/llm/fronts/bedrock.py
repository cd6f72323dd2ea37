"""`POST /model/{model}/converse` and `/converse-stream`, for clients of Amazon Bedrock.

Source: Amazon Bedrock API reference, "Converse", "ConverseStream".
"""

import re
import time
from typing import Any
from urllib.parse import unquote

import msgspec

from torana.llm import chat as c
from torana.llm.dialect import Front, Peek, Writer
from torana.llm.dialects import bedrock_wire as wire
from torana.llm.errors import Kind, LlmError
from torana.llm.fronts.bedrock_question import question
from torana.llm.fronts.openai_errors import error_headers
from torana.message import Reply
from torana.wire.event_stream import encode

_PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream|count-tokens)")
_STOPS: dict[c.Stop, str] = {
    "end": "end_turn",
    "sequence": "stop_sequence",
    "length": "max_tokens",
    "tool": "tool_use",
    "refusal": "content_filtered",
}
_ERRORS: dict[Kind, tuple[str, int]] = {
    "invalid_request": ("ValidationException", 400),
    "authentication": ("AccessDeniedException", 403),
    "permission": ("AccessDeniedException", 403),
    "not_found": ("ResourceNotFoundException", 404),
    "too_large": ("ValidationException", 400),
    "rate_limit": ("ThrottlingException", 429),
    "budget": ("ThrottlingException", 429),
    "timeout": ("ModelTimeoutException", 408),
    "overloaded": ("ServiceUnavailableException", 503),
    "upstream": ("InternalServerException", 500),
    "internal": ("InternalServerException", 500),
}
_IN_STREAM: dict[Kind, str] = {
    "rate_limit": "throttlingException",
    "invalid_request": "validationException",
    "overloaded": "serviceUnavailableException",
    "timeout": "modelStreamErrorException",
    "upstream": "modelStreamErrorException",
}
_encode = msgspec.json.Encoder().encode
_head = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Converse:
    """Implements `Front`, for whole answers or for streams."""

    dialect, operation = "bedrock", "chat"

    def __init__(self, stream: bool) -> None:
        self._stream = stream

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`."""
        found = _PATH.fullmatch(path)
        assert found is not None
        try:
            raw = _head.decode(body).get("inferenceConfig")
            how = msgspec.json.decode(raw, type=wire.Inference) if raw else wire.Inference()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("invalid_request", f"the body cannot be read: {error}") from error
        return Peek(unquote(found[1]), self._stream, how.max_tokens)

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        """See `Front`."""
        return question(body, peek)

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`."""
        message = {"role": "assistant", "content": [_block(part) for part in answer.parts]}
        return _encode(
            {
                "output": {"message": message},
                "stopReason": _STOPS[answer.stop],
                "usage": _usage(answer.usage),
                "metrics": {"latencyMs": round(seconds * 1000)},
            }
        )

    def writer(self, chat: c.Chat) -> Writer:
        """See `Front`."""
        return _Stream()

    def fail(self, error: LlmError) -> bytes:
        """See `Front`."""
        name = _IN_STREAM.get(error.kind, "internalServerException")
        headers = {
            ":exception-type": name,
            ":content-type": "application/json",
            ":message-type": "exception",
        }
        return encode(headers, _encode({"message": error.message}))

    def refuse(self, error: LlmError) -> Reply:
        """See `Front`."""
        name, status = _ERRORS[error.kind]
        headers = error_headers(error)
        headers.add("x-amzn-ErrorType", name)
        return Reply(status, headers, _encode({"message": error.message}))


class _Stream:
    """Text begins with its first delta, a tool call with a start of its own."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._open, self._index = "", -1
        self._stop: c.Stop = "end"
        self._usage = c.Usage()

    def write(self, event: c.Event) -> bytes:
        match event:
            case c.Started():
                self._usage = event.usage
                return _sent("messageStart", {"role": "assistant"})
            case c.TextDelta():
                return self._within("text", {"text": event.text})
            case c.ThinkingDelta():
                thought = (
                    {"signature": event.signature} if event.signature else {"text": event.text}
                )
                return self._within("thinking", {"reasoningContent": thought})
            case c.ToolStarted():
                before = self._begin(f"tool {event.index}")
                use = {"toolUse": {"toolUseId": event.id, "name": event.name}}
                start = {"contentBlockIndex": self._index, "start": use}
                return before + _sent("contentBlockStart", start)
            case c.ToolDelta():
                return self._within(f"tool {event.index}", {"toolUse": {"input": event.arguments}})
            case c.Stopped():
                self._stop = event.stop
                return b""
            case c.Metered():
                self._usage |= event.usage
                return b""

    def end(self) -> bytes:
        took = round((time.monotonic() - self._started) * 1000)
        meta = {"usage": _usage(self._usage), "metrics": {"latencyMs": took}}
        stop = {"stopReason": _STOPS[self._stop]}
        return self._close() + _sent("messageStop", stop) + _sent("metadata", meta)

    def _within(self, kind: str, delta: dict[str, Any]) -> bytes:
        before = b"" if self._open == kind else self._begin(kind)
        piece = {"contentBlockIndex": self._index, "delta": delta}
        return before + _sent("contentBlockDelta", piece)

    def _begin(self, kind: str) -> bytes:
        closed = self._close()
        self._open, self._index = kind, self._index + 1
        return closed

    def _close(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _sent("contentBlockStop", {"contentBlockIndex": self._index})


def _sent(kind: str, value: dict[str, Any]) -> bytes:
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return encode(headers, _encode(value))


def _block(part: c.Part) -> wire.Block:
    match part:
        case c.Text():
            return wire.Block(part.text)
        case c.Thinking():
            if part.sealed:
                return wire.Block(reasoning_content=wire.Reasoning(redacted_content=part.sealed))
            reason = wire.Reason(part.text, part.signature or None)
            return wire.Block(reasoning_content=wire.Reasoning(reason))
        case c.ToolUse():
            given = msgspec.Raw(part.arguments.encode() or b"{}")
            return wire.Block(tool_use=wire.Use(part.id, part.name, given))
        case _:
            raise LlmError("upstream", "the provider's answer holds a part of a question")


def _usage(used: c.Usage) -> dict[str, Any]:
    fresh = used.input - used.cached - used.cache_written
    return {
        "inputTokens": fresh,
        "outputTokens": used.output,
        "totalTokens": used.input + used.output,
        "cacheReadInputTokens": used.cached,
        "cacheWriteInputTokens": used.cache_written,
    }


ACTIONS: dict[str, Front] = {"converse": Converse(False), "converse-stream": Converse(True)}


def model_of(path: str) -> str:
    """Which model a path names, as it is written there."""
    return path.split("/")[2]


def action_of(path: str) -> str:
    """What a path asks of a model; empty when it is none of this API's."""
    found = _PATH.fullmatch(path) if path.startswith("/model/") else None
    return found[2] if found else ""
