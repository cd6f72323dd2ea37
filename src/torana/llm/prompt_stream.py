"""A prompt's answer as server-sent events, as it comes: `delta`, then `done` with what it is.

    event: delta
    data: {"text": "Hel"}

    event: done
    data: {"output": "Hello"}

With an output schema `done` has the value of the schema. An answer that violates it is asked for
again, which `repair` says; after `error` nothing comes.
"""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.errors import LlmError
from torana.llm.prompts import Prompt, repaired, understood
from torana.llm.sse import EVENT_STREAM, data_of, event, split
from torana.message import Body, Headers, Reply

Again = Callable[[c.Chat], Awaitable[Reply]]
"""Asks for a chat's answer. Raises `LlmError`."""
_encode = msgspec.json.Encoder().encode


class _Delta(Struct):
    text: str = ""


_delta = msgspec.json.Decoder(_Delta)


def frame(name: str, value: object) -> bytes:
    """One event."""
    return event(_encode(value), name)


def mismatched(wrong: str) -> LlmError:
    """An answer that stays wrong."""
    said = f"The model's answer does not match the output schema: {wrong}"
    return LlmError("upstream", said, status=502)


def refused(error: LlmError) -> bytes:
    """What ends a stream that cannot go on."""
    return frame("error", {"message": error.message})


class DeltaWriter:
    """Implements `Writer`: words alone."""

    def write(self, event: c.Event) -> bytes:
        """See `Writer`."""
        return frame("delta", {"text": event.text}) if isinstance(event, c.TextDelta) else b""

    def end(self) -> bytes:
        """See `Writer`."""
        return b""


def wanted(headers: Headers) -> bool:
    """Whether whoever asks wants events."""
    return EVENT_STREAM in (headers.get("accept") or "").lower()


class PromptStream:
    """Implements `Stream`: the answer that has begun, and those that mend it."""

    def __init__(self, prompt: Prompt, chat: c.Chat, reply: Reply, again: Again) -> None:
        self.trailers = Headers()
        self._prompt, self._chat, self._again = prompt, chat, again
        self._body: Body = b""
        self._rest, self._words, self._turn = b"", list[str](), 0
        self._over = self._failed = False
        self._begin(reply)

    def _begin(self, reply: Reply) -> None:
        self._words = []
        self._body, self._rest = reply.body, b""
        streams = (reply.headers.get("content-type") or "").startswith(EVENT_STREAM)
        if isinstance(reply.body, bytes) and not streams:
            # A provider that does not stream after all.
            self._body = frame("delta", {"text": reply.body.decode("utf-8", "replace")})

    def __aiter__(self) -> "PromptStream":
        return self

    async def __anext__(self) -> bytes:
        """See `Stream`."""
        while not self._over:
            piece = await self._piece()
            if piece is None:
                return await self._end()
            whole, self._rest = split(self._rest + piece)
            self._hear(whole)
            if whole:
                return whole
        raise StopAsyncIteration

    async def _piece(self) -> bytes | None:
        if isinstance(self._body, bytes):
            piece, self._body = self._body, b""
            return piece or None
        return await anext(self._body, None)

    def _hear(self, whole: bytes) -> None:
        self._failed |= b"event: error\n" in whole
        self._words += [_delta.decode(data).text for data in data_of(whole)]

    async def _end(self) -> bytes:
        """What follows an answer: what it is, or that it is asked for again."""
        if self._failed:
            self._over = True
            raise StopAsyncIteration
        text = "".join(self._words)
        value, wrong = understood(self._prompt, text)
        if not wrong:
            self._over = True
            return frame("done", value)
        if self._turn == self._prompt.given.repairs:
            self._over = True
            return refused(mismatched(wrong))
        self._turn += 1
        self._chat = repaired(self._chat, text, wrong)
        try:
            self._begin(await self._again(self._chat))
        except LlmError as error:
            self._over = True
            return refused(error)
        return frame("repair", {"wrong": wrong})

    async def aclose(self) -> None:
        """See `Stream`."""
        self._over = True
        if not isinstance(self._body, bytes):
            await self._body.aclose()
