"""`POST /v1/responses`. Source: OpenAI API reference, "Responses", "Streaming events".

Nothing is kept: what a client refers to by id (`previous_response_id`, `conversation`) only
providers that keep it can answer.
"""

import time
from typing import Any

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Peek, Writer
from torana.llm.errors import LlmError
from torana.llm.fronts.openai_errors import refuse, told
from torana.llm.fronts.responses_question import question
from torana.llm.fronts.responses_stream import ResponseStream, fresh_id, item, shell
from torana.llm.sse import event
from torana.message import Reply


class _Head(Struct):
    model: str
    stream: bool | None = None
    max_output_tokens: int | None = None


_head = msgspec.json.Decoder(_Head)
_encode = msgspec.json.Encoder().encode


class Responses:
    """Implements `Front`."""

    dialect, operation = "openai", "responses"

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`."""
        try:
            head = _head.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("invalid_request", f"Invalid request: {error}") from error
        return Peek(head.model, bool(head.stream), head.max_output_tokens)

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        """See `Front`."""
        return question(body, peek)

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`. The words of an answer are one message, whatever parts they came in."""
        output: list[dict[str, Any]] = []
        for part in answer.parts:
            made = item(part)
            if output and output[-1]["type"] == made["type"] == "message":
                output[-1]["content"] += made["content"]
            else:
                output.append(made)
        created = int(time.time() - seconds)
        whole = shell(fresh_id("resp"), created, answer.model, chat)
        return _encode(ended(whole, output, answer.stop, answer.usage))

    def writer(self, chat: c.Chat) -> Writer:
        """See `Front`."""
        return ResponseStream(chat, ended)

    def fail(self, error: LlmError) -> bytes:
        """See `Front`."""
        said = told(error)["error"]
        return event(_encode({"type": "error", **{k: said[k] for k in _SAID}}), "error")

    def refuse(self, error: LlmError) -> Reply:
        """See `Front`."""
        return refuse(error)


_SAID = ("code", "message", "param")


def ended(
    response: dict[str, Any], output: list[dict[str, Any]], stop: c.Stop, used: c.Usage
) -> dict[str, Any]:
    """The response at its end."""
    cut = {"length": "max_output_tokens", "refusal": "content_filter"}.get(stop)
    return {
        **response,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": cut} if cut else None,
        "output": output,
        "usage": {
            "input_tokens": used.input,
            "input_tokens_details": {"cached_tokens": used.cached},
            "output_tokens": used.output,
            "output_tokens_details": {"reasoning_tokens": used.reasoning},
            "total_tokens": used.input + used.output,
        },
    }
