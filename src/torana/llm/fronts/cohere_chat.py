"""`POST /v2/chat`, for clients of Cohere.

Source: Cohere API reference, "Chat (V2)", "Chat with streaming (V2)".
"""

from typing import Any

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Peek, Writer
from torana.llm.dialects import cohere_wire as wire
from torana.llm.errors import LlmError
from torana.llm.fronts.cohere_errors import refuse
from torana.llm.fronts.cohere_question import question
from torana.llm.sse import event
from torana.message import Reply

_FINISH: dict[c.Stop, str] = {
    "end": "COMPLETE",
    "sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "tool": "TOOL_CALL",
    "refusal": "COMPLETE",
}


class _Head(Struct):
    model: str
    stream: bool | None = None
    max_tokens: int | None = None


_head = msgspec.json.Decoder(_Head)
_encode = msgspec.json.Encoder().encode


class CohereChat:
    """Implements `Front`."""

    dialect, operation = "cohere", "chat"

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`."""
        try:
            head = _head.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("invalid_request", f"invalid request: {error}") from error
        return Peek(head.model, bool(head.stream), head.max_tokens)

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        """See `Front`."""
        return question(body)

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`. What is said before tools are called is the plan."""
        text = "".join(part.text for part in answer.parts if isinstance(part, c.Text))
        calls = [
            wire.Called(part.id, "function", wire.Function(part.name, part.arguments or "{}"))
            for part in answer.parts
            if isinstance(part, c.ToolUse)
        ]
        content = [
            wire.Block("thinking", thinking=part.text)
            for part in answer.parts
            if isinstance(part, c.Thinking) and part.text
        ]
        if text and not calls:
            content.append(wire.Block("text", text))
        said = wire.Said(content=content or None, tool_calls=calls or None)
        if calls and text:
            said = msgspec.structs.replace(said, tool_plan=text)
        return _encode(
            {
                "id": answer.id,
                "finish_reason": _FINISH[answer.stop],
                "message": {"role": "assistant", **msgspec.to_builtins(said)},
                "usage": _usage(answer.usage),
            }
        )

    def writer(self, chat: c.Chat) -> Writer:
        """See `Front`."""
        return _Stream(bool(chat.tools))

    def fail(self, error: LlmError) -> bytes:
        """See `Front`: the last event tells what is wrong."""
        delta = {"finish_reason": "ERROR", "error": error.message}
        return _sent({"type": "message-end", "delta": delta})

    def refuse(self, error: LlmError) -> Reply:
        """See `Front`."""
        return refuse(error)


class _Stream:
    """Blocks of content open and close as their kinds change. Where tools may be called it is only
    known at the end of a text whether it was a plan: it waits for that."""

    def __init__(self, tools: bool) -> None:
        self._tools = tools
        self._waiting: list[str] = []
        self._open, self._index = "", -1
        self._id = ""
        self._stop: c.Stop = "end"
        self._usage = c.Usage()

    def write(self, event: c.Event) -> bytes:
        match event:
            case c.Started():
                self._usage, self._id = event.usage, event.id
                message: dict[str, Any] = {"role": "assistant", "content": [], "tool_plan": ""}
                message |= {"tool_calls": [], "citations": []}
                return _sent(
                    {"type": "message-start", "id": event.id, "delta": {"message": message}}
                )
            case c.TextDelta():
                if self._tools:
                    self._waiting.append(event.text)
                    return b""
                return self._within("text", event.text)
            case c.ThinkingDelta():
                return self._within("thinking", event.text) if event.text else b""
            case c.ToolStarted():
                before = self._plan() + self._close()
                self._open, self._index = "tool", event.index
                function = {"name": event.name, "arguments": ""}
                call = {"id": event.id, "type": "function", "function": function}
                return before + self._piece("tool-call-start", {"tool_calls": call})
            case c.ToolDelta():
                call = {"function": {"arguments": event.arguments}}
                return self._piece("tool-call-delta", {"tool_calls": call})
            case c.Stopped():
                self._stop = event.stop
                return b""
            case c.Metered():
                self._usage |= event.usage
                return b""

    def end(self) -> bytes:
        text, self._waiting = "".join(self._waiting), []
        last = self._within("text", text) if text else b""
        delta = {"finish_reason": _FINISH[self._stop], "usage": _usage(self._usage)}
        ended = {"type": "message-end", "id": self._id, "delta": delta}
        return last + self._close() + _sent(ended) + b"data: [DONE]\n\n"

    def _plan(self) -> bytes:
        text, self._waiting = "".join(self._waiting), []
        if not text:
            return b""
        return _sent({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": text}}})

    def _within(self, kind: str, text: str) -> bytes:
        before = b""
        if self._open != kind:
            before = self._close()
            self._open, self._index = kind, self._index + 1
            before += self._piece("content-start", {"content": {"type": kind, kind: ""}})
        return before + self._piece("content-delta", {"content": {kind: text}})

    def _piece(self, kind: str, message: dict[str, Any]) -> bytes:
        return _sent({"type": kind, "index": self._index, "delta": {"message": message}})

    def _close(self) -> bytes:
        kind, self._open = self._open, ""
        if not kind:
            return b""
        ended = "tool-call-end" if kind == "tool" else "content-end"
        return _sent({"type": ended, "index": self._index})


def _sent(value: dict[str, Any]) -> bytes:
    return event(_encode(value), value["type"])


def _usage(used: c.Usage) -> dict[str, Any]:
    counted = {"input_tokens": used.input, "output_tokens": used.output}
    return {"billed_units": counted, "tokens": counted, "cached_tokens": used.cached}
