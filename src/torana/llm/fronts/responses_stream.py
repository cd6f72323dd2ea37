"""The items of a response, whole or growing. Source: OpenAI API reference, "Streaming events"."""

import time
from collections.abc import Callable
from random import getrandbits
from typing import Any

import msgspec

from torana.llm import chat as c
from torana.llm.errors import LlmError
from torana.llm.sse import event

_encode = msgspec.json.Encoder().encode
Ended = Callable[[dict[str, Any], list[dict[str, Any]], c.Stop, c.Usage], dict[str, Any]]


def fresh_id(prefix: str) -> str:
    """A name for something of the response."""
    return f"{prefix}_{getrandbits(192):048x}"


def item(part: c.Part) -> dict[str, Any]:
    """A whole item. Raises `LlmError`."""
    match part:
        case c.Text():
            return _message([_text(part.text)], "completed")
        case c.Thinking():
            return _thoughts(fresh_id("rs"), part)
        case c.ToolUse():
            return _call(fresh_id("fc"), part.id, part.name, part.arguments, "completed")
        case _:
            raise LlmError("upstream", "the provider's answer holds a part of a question")


def _message(content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    return {
        "id": fresh_id("msg"),
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _thoughts(id: str, thought: c.Thinking) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    out: dict[str, Any] = {"id": id, "type": "reasoning", "summary": summary}
    sealed = thought.sealed or thought.signature
    return {**out, "encrypted_content": sealed} if sealed else out


def _call(id: str, call_id: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    return {
        "id": id,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def shell(id: str, created: int, model: str, chat: c.Chat) -> dict[str, Any]:
    """A response without its answer: what was asked."""
    format: dict[str, Any] = {"type": "text"}
    if chat.format is not None:
        format = {"type": "json_object"}
        if chat.format.schema is not None:
            format = {
                "type": "json_schema",
                "name": chat.format.name,
                "schema": chat.format.schema,
                "strict": chat.format.strict,
            }
    choice = chat.tool_choice or c.ToolChoice()
    named = {"type": "function", "name": choice.name}
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": chat.system or None,
        "max_output_tokens": chat.max_tokens,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": choice.parallel is not False,
        "previous_response_id": None,
        "reasoning": {"effort": chat.effort, "summary": None},
        "store": False,
        "temperature": chat.temperature,
        "text": {"format": format},
        "tool_choice": named if choice.mode == "tool" else choice.mode,
        "tools": [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema,
                "strict": tool.strict,
            }
            for tool in chat.tools
        ],
        "top_p": chat.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": chat.user or None,
    }


class ResponseStream:
    """Implements `Writer`. One item is open at a time; it closes when another kind begins."""

    def __init__(self, chat: c.Chat, ended: Ended) -> None:
        self._chat, self._ended = chat, ended
        self._response: dict[str, Any] = {}
        self._number = 0
        self._output: list[dict[str, Any]] = []
        self._open: dict[str, Any] | None = None
        self._kind = ""
        self._said: list[str] = []
        self._signature = ""
        self._stop: c.Stop = "end"
        self._usage = c.Usage()

    def write(self, event: c.Event) -> bytes:
        """See `Writer`."""
        match event:
            case c.Started():
                created = int(time.time())
                self._usage = event.usage
                self._response = shell(fresh_id("resp"), created, event.model, self._chat)
                begun = {"response": self._response}
                return self._sent("created", begun) + self._sent("in_progress", begun)
            case c.TextDelta():
                return self._more_text(event.text)
            case c.ThinkingDelta():
                return self._more_thought(event)
            case c.ToolStarted():
                call = _call(fresh_id("fc"), event.id, event.name, "", "in_progress")
                return self._begin(f"tool {event.index}", call)
            case c.ToolDelta():
                self._said.append(event.arguments)
                return self._sent(
                    "function_call_arguments.delta", {**self._place(), "delta": event.arguments}
                )
            case c.Stopped():
                self._stop = event.stop
                return b""
            case c.Metered():
                self._usage |= event.usage
                return b""

    def end(self) -> bytes:
        """See `Writer`."""
        closed = self._close()
        whole = self._ended(self._response, self._output, self._stop, self._usage)
        return closed + self._sent(whole["status"], {"response": whole})

    def _more_text(self, text: str) -> bytes:
        begun = b""
        if self._kind != "text":
            begun = self._begin("text", _message([], "in_progress"))
            part = {**self._place(), "content_index": 0, "part": _text("")}
            begun += self._sent("content_part.added", part)
        self._said.append(text)
        delta: dict[str, Any] = {"content_index": 0, "delta": text, "logprobs": []}
        return begun + self._sent("output_text.delta", {**self._place(), **delta})

    def _more_thought(self, event: c.ThinkingDelta) -> bytes:
        begun = b""
        if self._kind != "thinking":
            begun = self._begin("thinking", _thoughts(fresh_id("rs"), c.Thinking()))
            part = {"type": "summary_text", "text": ""}
            added = {**self._place(), "summary_index": 0, "part": part}
            begun += self._sent("reasoning_summary_part.added", added)
        self._signature = event.signature or self._signature
        if not event.text:
            return begun
        self._said.append(event.text)
        delta = {**self._place(), "summary_index": 0, "delta": event.text}
        return begun + self._sent("reasoning_summary_text.delta", delta)

    def _begin(self, kind: str, made: dict[str, Any]) -> bytes:
        closed = self._close()
        self._kind, self._open, self._said, self._signature = kind, made, [], ""
        added = {"output_index": len(self._output), "item": made}
        return closed + self._sent("output_item.added", added)

    def _close(self) -> bytes:
        made, kind = self._open, self._kind
        if made is None:
            return b""
        place, said = self._place(), "".join(self._said)
        if kind == "text":
            made = {**made, "status": "completed", "content": [_text(said)]}
            at = {**place, "content_index": 0}
            out = self._sent("output_text.done", {**at, "text": said, "logprobs": []})
            out += self._sent("content_part.done", {**at, "part": _text(said)})
        elif kind == "thinking":
            made = _thoughts(made["id"], c.Thinking(said, self._signature))
            at = {**place, "summary_index": 0}
            part = {"type": "summary_text", "text": said}
            out = self._sent("reasoning_summary_text.done", {**at, "text": said})
            out += self._sent("reasoning_summary_part.done", {**at, "part": part})
        else:
            made = {**made, "status": "completed", "arguments": said or "{}"}
            done = {**place, "name": made["name"], "arguments": said or "{}"}
            out = self._sent("function_call_arguments.done", done)
        out += self._sent("output_item.done", {"output_index": len(self._output), "item": made})
        self._output.append(made)
        self._open, self._kind = None, ""
        return out

    def _place(self) -> dict[str, Any]:
        assert self._open is not None
        return {"item_id": self._open["id"], "output_index": len(self._output)}

    def _sent(self, kind: str, value: dict[str, Any]) -> bytes:
        name = f"response.{kind}"
        number, self._number = self._number, self._number + 1
        return event(_encode({"type": name, "sequence_number": number, **value}), name)
