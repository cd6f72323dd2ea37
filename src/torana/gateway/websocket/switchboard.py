"""The way to a connection, whichever process of the gateway it lives in.

An id names its process. Each process listens to a topic of its own and holds a lock as long as it
lives, so that silence can be told from absence: a connection is gone when its process says so, or
when its process is gone.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from itertools import count

import msgspec
from msgspec import Struct

from torana.gateway.websocket.connections import GONE, Connections, Errand, Outcome, new_tag, tag_of
from torana.net.tasks import spawn
from torana.state.counters import Counters, CountersUnavailable, Lock

_log = logging.getLogger("torana.websocket")

_ANSWER = 0.25
"""Seconds after which its silence is looked into."""


class NoAnswer(Exception):
    """It cannot be told whether the connection is there: try again."""


class Letter(Struct, frozen=True, array_like=True):
    """An errand on its way, or, with an outcome, its answer."""

    call: int
    sender: bytes
    errand: Errand | None = None
    outcome: Outcome | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Letter).decode


def _topic(tag: bytes) -> str:
    return f"torana.websocket.{tag.hex()}"


class Switchboard:
    """Runs errands, here or elsewhere."""

    def __init__(self, counters: Counters, life: float = 10.0) -> None:
        """`life`: seconds that a process which fell silent is still taken to be there."""
        self._counters, self._life = counters, life
        self.connections = Connections(new_tag())
        self._calls: dict[int, asyncio.Future[Outcome]] = {}
        self._numbers = count(1)
        self._lock: Lock | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self._patience = life + 2.0
        """Seconds until it is given up to find out."""

    async def open(self) -> None:
        """Take a name that no other process has, and listen under it."""
        try:
            while (lock := await self._take()) is None:
                self.connections.tag = new_tag()
            self._lock = lock
        except CountersUnavailable as error:
            _log.warning("other processes cannot reach the WebSockets of this one: %s", error)
        letters = aiter(self._counters.subscribe(_topic(self.connections.tag)))
        self.tasks = [
            spawn(self._hear(letters), "hear of WebSockets"),
            spawn(self._live(), "be there for WebSockets"),
        ]

    async def run(self, errand: Errand) -> Outcome:
        """What became of an errand. Raises `NoAnswer`."""
        tag = tag_of(errand.id)
        if tag is None:
            return GONE
        if tag == self.connections.tag:
            return self.connections.run(errand)
        try:
            async with asyncio.timeout(self._patience):
                return await self._elsewhere(tag, errand)
        except (TimeoutError, CountersUnavailable) as error:
            raise NoAnswer("its process does not answer") from error

    async def aclose(self) -> None:
        """Be there no more."""
        for task in self.tasks:
            task.cancel()
        if self._lock is not None:
            try:
                await self._lock.release()
            except CountersUnavailable:
                _log.info("the name of this process lapses by itself")

    async def _elsewhere(self, tag: bytes, errand: Errand) -> Outcome:
        """Asked once: a message must not be delivered twice."""
        call = next(self._numbers)
        answer = self._calls[call] = asyncio.get_running_loop().create_future()
        letter = Letter(call, self.connections.tag, errand)
        try:
            await self._counters.publish(_topic(tag), _encode(letter))
            while True:
                done, _ = await asyncio.wait((answer,), timeout=_ANSWER)
                if done:
                    return answer.result()
                if not await self._lives(tag):
                    return GONE
        finally:
            del self._calls[call]

    async def _lives(self, tag: bytes) -> bool:
        """A process that lives holds its name."""
        lock = await self._counters.lock(_topic(tag), self._life)
        if lock is None:
            return True
        await lock.release()
        return False

    async def _take(self) -> Lock | None:
        return await self._counters.lock(_topic(self.connections.tag), self._life)

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(self._life / 4)
            try:
                if self._lock is None or not await self._lock.renew(self._life):
                    self._lock = await self._take()
            except CountersUnavailable:
                continue

    async def _hear(self, letters: AsyncIterator[bytes | None]) -> None:
        async for body in letters:
            if body is None:
                continue
            try:
                letter = _decode(body)
            except msgspec.DecodeError as error:
                _log.error("a letter about a WebSocket is not understood: %s", error)
                continue
            if letter.errand is not None:
                outcome = self.connections.run(letter.errand)
                spawn(self._reply(letter, outcome), "answer for a WebSocket")
            elif letter.outcome is not None and letter.call in self._calls:
                answer = self._calls[letter.call]
                if not answer.done():
                    answer.set_result(letter.outcome)

    async def _reply(self, letter: Letter, outcome: Outcome) -> None:
        told = Letter(letter.call, self.connections.tag, None, outcome)
        try:
            await self._counters.publish(_topic(letter.sender), _encode(told))
        except CountersUnavailable as error:
            _log.warning("an answer for a WebSocket is lost: %s", error)
