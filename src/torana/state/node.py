"""Counters of a worker process: the node's hub has the last word, this side holds ahead."""

import asyncio
import logging
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from torana.settings import BadAddress
from torana.state.allowance import Allowance, Allowances, Draw, Grant, Manner
from torana.state.bucket import share
from torana.state.counters import CountersUnavailable, Period, Quota
from torana.state.frames import (
    DrawFrom,
    Frame,
    Granted,
    Locked,
    LockName,
    Message,
    Peers,
    Recall,
    Unlock,
    Wire,
)
from torana.state.quotas import QuotaBook, Quotas
from torana.state.store import Store
from torana.state.topics import Inbox, Topics

_log = logging.getLogger("torana.state")
_MANNER = Manner(lookahead=0.05, portion=0.25, idle=0.1, keeps=False, deadline=0.25)
_RECONNECT = 0.2
"""Seconds between two attempts to reach the hub."""
_LOCK_DEADLINE = 1.0
_RECALLS = "torana.quota.recall"


class NodeCounters:
    """Implements `Counters` for one of a node's worker processes."""

    def __init__(self, path: str, store: Store) -> None:
        self._path = path
        self._wire: Wire | None = None
        self._peers = 1
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._numbers = count(1)
        self._limits: dict[str, tuple[float, float]] = {}
        self._known: set[str] = set()
        """Buckets that this hub has answered for."""
        self._spent: set[str] = set()
        """Buckets that an earlier hub has answered for: this one must not start them full. What it
        forgets later it has seen full."""
        self._buckets = Allowances()
        self._topics = Topics()
        self._quotas = Quotas(QuotaBook(store), lambda: 1 / self._peers, self._recall_quota)
        self._connector: asyncio.Task[None] | None = None
        self._recalls: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect. Raises `CountersUnavailable` when there is no hub."""
        await self._connect()
        loop = asyncio.get_running_loop()
        self._recalls = loop.create_task(self._quotas.hear(self._topics.subscribe(_RECALLS)))

    async def _connect(self) -> None:
        lost = asyncio.Event()
        try:
            async with asyncio.timeout(_LOCK_DEADLINE):
                _, self._wire = await asyncio.get_running_loop().create_unix_connection(
                    lambda: Wire(self._receive, lambda _: lost.set()), self._path
                )
        except (OSError, TimeoutError) as error:
            raise CountersUnavailable(f"no hub at {self._path}: {error}") from error
        self._connector = asyncio.get_running_loop().create_task(self._stay_connected(lost))

    async def _stay_connected(self, lost: asyncio.Event) -> None:
        await lost.wait()
        _log.error("the hub of this node is away: limits are kept by each worker for itself")
        self._wire = None
        self._spent |= self._known
        self._known.clear()
        for call in self._calls.values():
            if not call.done():
                call.set_exception(CountersUnavailable("the hub is away"))
        while True:
            await asyncio.sleep(_RECONNECT)
            try:
                await self._connect()
            except CountersUnavailable:
                continue
            _log.warning("the hub of this node is back")
            self._topics.missed()
            return

    def _receive(self, wire: Wire, frame: Frame) -> None:
        match frame:
            case Granted():
                self._answer(frame.call, frame.grant)
            case Locked():
                self._answer(frame.call, frame.token)
            case Recall():
                if allowance := self._buckets.get(frame.bucket):
                    allowance.recall()
            case Peers():
                self._peers = max(1, frame.count)
            case Message():
                self._topics.deliver(frame.topic, frame.body)
            case _:
                wire.abort()

    def _answer(self, call: int, result: Grant | int) -> None:
        future = self._calls.get(call)
        if future is not None and not future.done():
            future.set_result(result)

    async def _call(self, number: int, frame: Frame) -> Any:
        if self._wire is None:
            raise CountersUnavailable("the hub is away")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[number] = answer
        try:
            self._wire.send(frame)
            return await answer
        finally:
            del self._calls[number]

    @property
    def alarm(self) -> str:
        """See `Counters`."""
        if self._wire is None:
            return "the hub of this node is away: each worker keeps limits for itself"
        return "the store is away: quotas are kept in memory" if self._quotas.away else ""

    def bucket(self, name: str, rate: float, burst: float) -> Allowance:
        """See `Counters`."""
        self._limits[name] = rate, burst
        if known := self._buckets.get(name):
            known.configure(burst)
            return known
        return self._buckets.add(
            name,
            Allowance(
                burst,
                _MANNER,
                lambda draw: self._draw(name, draw),
                lambda held, _: share(*self._limits[name], self._peers, held),
            ),
        )

    async def _draw(self, name: str, draw: Draw) -> Grant:
        number = next(self._numbers)
        rate, burst = self._limits[name]
        full = name not in self._spent
        grant: Grant = await self._call(number, DrawFrom(number, name, rate, burst, full, draw))
        self._spent.discard(name)
        self._known.add(name)
        return grant

    def quota(self, name: str, limit: float, period: Period, offset: float = 0) -> Quota:
        """See `Counters`."""
        return self._quotas.get(name, limit, period, offset)

    async def _recall_quota(self, name: str) -> None:
        await self.publish(_RECALLS, name.encode())

    async def usage(self, name: str) -> dict[str, float]:
        """See `Counters`."""
        return await self._quotas.usage(name)

    async def lock(self, name: str, ttl: float) -> "NodeLock | None":
        """See `Counters`."""
        token = await self.lock_call(name, ttl)
        return NodeLock(self, name, token) if token else None

    async def lock_call(self, name: str, ttl: float, token: int = 0) -> int:
        """Lock, or renew with a token: the token, or 0."""
        number = next(self._numbers)
        try:
            async with asyncio.timeout(_LOCK_DEADLINE):
                return await self._call(number, LockName(number, name, ttl, token))
        except TimeoutError as error:
            raise CountersUnavailable("the hub does not answer") from error

    def unlock(self, name: str, token: int) -> None:
        """Let a lock go; without a hub it lapses by itself."""
        if self._wire is not None:
            self._wire.send(Unlock(name, token))

    async def publish(self, topic: str, message: bytes) -> None:
        """See `Counters`."""
        if self._wire is None:
            raise CountersUnavailable("the hub is away")
        self._wire.send(Message(topic, message))

    def subscribe(self, topic: str) -> Inbox:
        """See `Counters`."""
        return self._topics.subscribe(topic)

    async def close(self) -> None:
        """See `Counters`."""
        await asyncio.gather(self._buckets.close(), self._quotas.close())
        for task in (self._connector, self._recalls):
            if task is not None:
                task.cancel()
        self._topics.close()
        if self._wire is not None:
            self._wire.close()


class NodeLock:
    """Implements `Lock`."""

    def __init__(self, counters: NodeCounters, name: str, token: int) -> None:
        self._counters = counters
        self._name = name
        self.token = token

    async def renew(self, ttl: float) -> bool:
        """See `Lock`."""
        return bool(await self._counters.lock_call(self._name, ttl, self.token))

    async def release(self) -> None:
        """See `Lock`."""
        self._counters.unlock(self._name, self.token)


async def open(url: str, store: Store) -> NodeCounters:
    """Open `node:/path/to.sock`, where a `Hub` listens."""
    path = unquote(urlsplit(url).path)
    if not Path(path).is_absolute():
        raise BadAddress(f"{url!r} names no socket: write node:/path/to.sock")
    counters = NodeCounters(path, store)
    await counters.open()
    return counters
