"""Counters shared by any number of nodes through Redis. Quotas stay in the store, which is durable.

A bucket is a hash in Redis, and `bucket.lua` beside this file is what draws from it: one round trip
for a block of tokens.
"""

import asyncio
import logging
import uuid
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from torana.state.allowance import Allowance, Allowances, Draw, Grant, Manner
from torana.state.bucket import share
from torana.state.counters import CountersUnavailable, Period, Quota
from torana.state.quotas import QuotaBook, Quotas
from torana.state.store import Store
from torana.state.topics import Inbox, Topics

Client = Any
"""What redis-py's objects are to a type checker: their annotations are incomplete."""

_log = logging.getLogger("torana.state")
_MANNER = Manner(lookahead=0.05, portion=0.25, idle=0.1, keeps=False, deadline=0.25)
_EXPIRES = 2.0
_BELIEVED = 4.0
"""Seconds after which a node voids what it holds, and after which Redis counts it as used."""
_RECALLED = 0.005
_RECALLS = 3
"""Seconds that others have to give back what they hold, and how often to look."""
_PULSE = 1.0
"""Seconds between two signs of life."""
_ANSWER = 1.0
_QUOTA_RECALLS = "torana.quota.recall"
_UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"
_RENEW = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then"
    " return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
)
_PEERS = (
    "redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])"
    " redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1] - ARGV[3])"
    " return redis.call('ZCARD', KEYS[1])"
)


class RedisCounters:
    """Implements `Counters` for one process of one node."""

    def __init__(self, client: Client, prefix: str, store: Store) -> None:
        self._redis = client
        self._prefix = prefix
        self._id = uuid.uuid4().hex[:12]
        self._away = ""
        self._peers = 1
        self._limits: dict[str, tuple[float, float]] = {}
        self._drawn: dict[str, float] = {}
        """When each bucket was last drawn from: it must still be there, or Redis has lost it."""
        script = Path(__file__).with_name("bucket.lua").read_text()
        self._bucket_script = client.register_script(script)
        self._buckets = Allowances()
        self._topics = Topics()
        self._quotas = Quotas(QuotaBook(store), lambda: 1 / self._peers, self._recall_quota)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect. Raises `CountersUnavailable` when Redis is not there."""
        await self._beat()
        inbox = self._topics.subscribe(_QUOTA_RECALLS)
        listening = await self._listen()
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._beat_on()),
            loop.create_task(self._hear(listening)),
            loop.create_task(self._quotas.hear(inbox)),
        ]

    async def command(self, *words: str | bytes | float) -> Any:
        """One command to Redis. Raises `CountersUnavailable`."""
        try:
            async with asyncio.timeout(_ANSWER):
                return await self._redis.execute_command(*words)
        except (RedisError, OSError, TimeoutError) as error:
            raise await self._unavailable(error) from error

    async def _unavailable(self, error: Exception) -> CountersUnavailable:
        """Drop the idle connections: where one is dead, the others are as well."""
        await self._redis.connection_pool.disconnect(inuse_connections=False)
        return CountersUnavailable(f"Redis: {error or 'no answer in time'}")

    def key(self, *names: str) -> str:
        """The key in Redis of something of ours."""
        return ":".join((self._prefix, *names))

    async def _beat(self) -> None:
        time = await self.command("TIME")
        peers = await self.command(
            "EVAL", _PEERS, 1, self.key("peers"), float(time[0]), self._id, 5 * _PULSE
        )
        self._peers = max(1, int(peers))

    async def _beat_on(self) -> None:
        while True:
            await asyncio.sleep(_PULSE)
            try:
                await self._beat()
            except CountersUnavailable as error:
                if not self._away:
                    _log.error("limits are kept by each process for itself: %s", error)
                self._away = str(error)
            else:
                if self._away:
                    _log.warning("Redis is back")
                self._away = ""

    async def _listen(self) -> Client:
        pubsub = self._redis.pubsub()
        try:
            async with asyncio.timeout(_ANSWER):
                await pubsub.psubscribe(self.key("topic", "*"), self.key("recall"))
                for _ in range(2):
                    await pubsub.get_message(timeout=_ANSWER)
        except (RedisError, OSError, TimeoutError) as error:
            await pubsub.aclose()
            raise CountersUnavailable(f"Redis: {error or 'no answer in time'}") from error
        return pubsub

    async def _hear(self, pubsub: Client) -> None:
        while True:
            try:
                while True:
                    message = await pubsub.get_message(timeout=60.0)
                    if message is not None and message["type"] == "pmessage":
                        self._deliver(message["channel"].decode(), message["data"])
            except (RedisError, OSError):
                await pubsub.aclose()
            pubsub = await self._listen_again()
            self._topics.missed()

    async def _listen_again(self) -> Client:
        while True:
            try:
                return await self._listen()
            except CountersUnavailable:
                await asyncio.sleep(_PULSE / 5)

    def _deliver(self, channel: str, message: bytes) -> None:
        if channel == self.key("recall"):
            if allowance := self._buckets.get(message.decode()):
                allowance.recall()
        else:
            self._topics.deliver(channel.removeprefix(self.key("topic", "")), message)

    @property
    def alarm(self) -> str:
        """See `Counters`."""
        if self._away or self._buckets.away:
            return f"limits are kept by each process for itself. {self._away}".rstrip()
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
        grant, lacking = await self._draw_once(name, draw)
        for _ in range(_RECALLS):
            if not lacking:
                break
            await asyncio.sleep(_RECALLED)
            again = Draw(draw.need, draw.least, draw.ahead, draw.unused, draw.spoken)
            grant, lacking = await self._draw_once(name, again)
        return grant

    async def _draw_once(self, name: str, draw: Draw) -> tuple[Grant, bool]:
        rate, burst = self._limits[name]
        drawn = self._drawn.get(name, 0.0)
        idle = monotonic() - drawn
        full = not drawn or (idle - _BELIEVED) * rate > burst
        self._drawn[name] = monotonic()
        return await self.draw(self._id, name, rate, burst, full, draw)

    async def draw(
        self,
        holder: str,
        name: str,
        rate: float,
        burst: float,
        full: bool,
        draw: Draw,
        now: float | str = "",
    ) -> tuple[Grant, bool]:
        """Run the script: the grant, and whether others hold what is lacking."""
        try:
            answer = await self._bucket_script(
                keys=[self.key("bucket", name)],
                args=[
                    *(holder, rate, burst, int(full)),
                    *(draw.need, draw.least, draw.ahead, draw.unused, draw.spoken),
                    *(draw.back, draw.debt, _BELIEVED, self.key("recall"), name, now),
                ],
            )
        except (RedisError, OSError) as error:
            raise await self._unavailable(error) from error
        granted, ahead, retry, left = (float(number) for number in answer[:4])
        return Grant(granted, ahead, retry, _EXPIRES, left), bool(answer[4])

    def quota(self, name: str, limit: float, period: Period, offset: float = 0) -> Quota:
        """See `Counters`."""
        return self._quotas.get(name, limit, period, offset)

    async def _recall_quota(self, name: str) -> None:
        await self.publish(_QUOTA_RECALLS, name.encode())

    async def usage(self, name: str) -> dict[str, float]:
        """See `Counters`."""
        return await self._quotas.usage(name)

    async def lock(self, name: str, ttl: float) -> "RedisLock | None":
        """See `Counters`."""
        token = int(await self.command("INCR", self.key("locks")))
        key = self.key("lock", name)
        taken = await self.command("SET", key, token, "NX", "PX", int(ttl * 1000))
        return RedisLock(self, key, token) if taken else None

    async def publish(self, topic: str, message: bytes) -> None:
        """See `Counters`."""
        await self.command("PUBLISH", self.key("topic", topic), message)

    def subscribe(self, topic: str) -> Inbox:
        """See `Counters`."""
        return self._topics.subscribe(topic)

    async def close(self) -> None:
        """See `Counters`."""
        await asyncio.gather(self._buckets.close(), self._quotas.close())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._topics.close()
        with suppress(CountersUnavailable):
            await self.command("ZREM", self.key("peers"), self._id)
        await self._redis.aclose()


class RedisLock:
    """Implements `Lock`."""

    def __init__(self, counters: RedisCounters, key: str, token: int) -> None:
        self._counters = counters
        self._key = key
        self.token = token

    async def renew(self, ttl: float) -> bool:
        """See `Lock`."""
        lifetime = int(ttl * 1000)
        return bool(
            await self._counters.command("EVAL", _RENEW, 1, self._key, self.token, lifetime)
        )

    async def release(self) -> None:
        """See `Lock`."""
        await self._counters.command("EVAL", _UNLOCK, 1, self._key, self.token)


async def open(url: str, store: Store) -> RedisCounters:
    """Open `redis://user:password@host:port/database`; `?prefix=NAME` (default `torana`) for keys.

    Gateways that share a Redis but not their limits need different prefixes.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    [prefix] = query.pop("prefix", ["torana"])
    from_url = cast("Client", Redis).from_url
    client: Client = from_url(
        urlunsplit(parts._replace(query=urlencode(query, doseq=True))),
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=_ANSWER,
    )
    counters = RedisCounters(client, prefix, store)
    try:
        await counters.open()
    except BaseException:
        await client.aclose()
        raise
    return counters
