"""The events of OpenAI's streamed completions, and usage as it tells it."""

import time
from typing import Any

import msgspec

from torana.llm import chat as c
from torana.llm.sse import event

_encode = msgspec.json.Encoder().encode


class Chunks:
    """One stream: what each of its events repeats, and how it ends."""

    def __init__(self, kind: str, with_usage: bool) -> None:
        """`kind`: the events' `object`."""
        self._kind, self._with_usage = kind, with_usage
        self._id, self._model, self._created = "", "", int(time.time())
        self._usage = c.Usage()

    def begin(self, started: c.Started) -> None:
        """Who answers, under which id."""
        self._id, self._model, self._usage = started.id, started.model, started.usage

    def meter(self, metered: c.Metered) -> None:
        """What was used, for the end."""
        self._usage |= metered.usage

    def chunk(self, choices: list[Any], used: dict[str, Any] | None = None) -> bytes:
        """One event."""
        told: dict[str, Any] = {
            "id": self._id,
            "object": self._kind,
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        if self._with_usage:
            told["usage"] = used
        return event(_encode(told))

    def end(self) -> bytes:
        """The last events."""
        last = self.chunk([], usage(self._usage)) if self._with_usage else b""
        return last + b"data: [DONE]\n\n"


def usage(used: c.Usage) -> dict[str, Any]:
    """Usage as OpenAI tells it."""
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning},
    }
