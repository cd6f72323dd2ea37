"""Kept answers of a process: found for the very same question, or one that means the same, and told
to the other processes."""

from collections.abc import AsyncIterator, Callable

import msgspec
from msgspec import Struct

from torana.llm.cache import LARGEST, OPERATIONS, Cache, Kept, bypassed, name
from torana.llm.call import Asked
from torana.llm.errors import LlmError
from torana.llm.relay import Recorded, Relay
from torana.llm.route import Model
from torana.llm.semantic import Embed, Near, Question, question_of
from torana.message import Headers, Reply

TOPIC = "llm-answers"
_TOLD = 256 * 1024
"""Bytes of an answer that other processes are told."""


class Place(Struct, frozen=True):
    """Where a question's answer is, or will be, kept."""

    slot: bytes
    question: Question | None = None
    kept: Kept | None = None
    near: float = 0.0
    """How near the kept answer's question is; 0: it is the same."""


class _News(Struct):
    """What processes tell each other."""

    slot: bytes
    headers: list[tuple[str, str]]
    body: bytes
    usd: float | None
    seconds: float
    group: bytes = b""
    row: list[float] = []


class Answers:
    """Of all keys, each for itself."""

    def __init__(
        self, embed: Embed | None = None, publish: Callable[[bytes], None] | None = None
    ) -> None:
        """`embed`: None where nothing is compared; `publish`: None where a process is alone."""
        self._cache, self._near = Cache(), Near()
        self._embed, self._publish = embed, publish

    async def find(
        self, tenant: str, path: str, asked: Asked, model: Model, headers: Headers
    ) -> Place | None:
        """None: the answer to this question is not to be kept."""
        front = asked.front
        if not model.cache or front.operation not in OPERATIONS or bypassed(headers):
            return None
        slot = name(tenant, path, asked.body)
        kept = self._cache.get(slot)
        if kept is not None or not model.near or self._embed is None:
            return Place(slot, None, kept)
        try:
            chat = asked.chat()
        except LlmError:
            return Place(slot)
        question = await question_of(chat, tenant, path, asked.peek.stream, self._embed)
        found = None if question is None else self._near.find(question, model.near)
        if question is None or found is None:
            return Place(slot, question)
        kept = self._cache.get(found[0])
        if kept is None:
            self._near.drop(question, found[0])
            return Place(slot, question)
        return Place(slot, question, kept, found[1])

    def record(
        self, place: Place, reply: Reply, model: Model, usd: Callable[[], float | None]
    ) -> None:
        """Keep an answer once all of it has come."""
        if reply.status != 200:
            return
        headers = reply.headers.copy()

        def keep(body: bytes) -> None:
            self._keep(place, headers, body, usd(), model.cache)

        if isinstance(reply.body, bytes):
            keep(reply.body)
        elif isinstance(reply.body, Relay):
            reply.body = Recorded(reply.body, LARGEST, keep)

    def _keep(
        self, place: Place, headers: Headers, body: bytes, usd: float | None, seconds: float
    ) -> None:
        self._cache.put(place.slot, headers, body, usd, seconds)
        question = place.question
        if question is not None:
            self._near.add(question, place.slot)
        if self._publish is not None and len(body) <= _TOLD:
            news = _News(place.slot, headers.items, body, usd, seconds)
            if question is not None:
                news.group, news.row = question.group, [float(each) for each in question.row]
            self._publish(msgspec.msgpack.encode(news))

    async def hear(self, messages: AsyncIterator[bytes | None]) -> None:
        """Keep what the other processes keep, for ever."""
        async for message in messages:
            if message is not None:
                self._take(msgspec.msgpack.decode(message, type=_News))

    def _take(self, news: _News) -> None:
        if self._cache.get(news.slot) is not None:
            return
        self._cache.put(news.slot, Headers(news.headers), news.body, news.usd, news.seconds)
        if news.group:
            import numpy

            self._near.add(Question(news.group, numpy.asarray(news.row, "float32")), news.slot)


def again(place: Place, kept: Kept) -> Reply:
    """A kept answer, as a client is sent it."""
    fields = [*kept.headers, ("x-torana-cache", "similar" if place.near else "hit")]
    if place.near:
        fields.append(("x-torana-similarity", f"{place.near:.3f}"))
    return Reply(200, Headers(fields), kept.body)
