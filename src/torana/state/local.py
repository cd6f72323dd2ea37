"""Counters of a single process: buckets in memory, quotas in its store."""

from time import monotonic

from torana.state.bucket import LocalBucket
from torana.state.counters import Period, Quota
from torana.state.locks import LockTable
from torana.state.quotas import QuotaBook, Quotas
from torana.state.store import Store
from torana.state.topics import Inbox, Topics


class LocalCounters:
    """Implements `Counters`. Nothing is away, except perhaps the store behind the quotas."""

    def __init__(self, store: Store) -> None:
        self._buckets: dict[str, LocalBucket] = {}
        self._quotas = Quotas(QuotaBook(store))
        self._locks = LockTable()
        self._topics = Topics()

    @property
    def alarm(self) -> str:
        """See `Counters`."""
        return "the store is away: quotas are kept in memory" if self._quotas.away else ""

    def bucket(self, name: str, rate: float, burst: float) -> LocalBucket:
        """See `Counters`."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = LocalBucket(rate, burst)
        elif (bucket.rate, bucket.burst) != (rate, burst):
            bucket.configure(rate, burst)
        return bucket

    def quota(self, name: str, limit: float, period: Period, offset: float = 0) -> Quota:
        """See `Counters`."""
        return self._quotas.get(name, limit, period, offset)

    async def usage(self, name: str) -> dict[str, float]:
        """See `Counters`."""
        return await self._quotas.usage(name)

    async def lock(self, name: str, ttl: float) -> "LocalLock | None":
        """See `Counters`."""
        token = self._locks.acquire(name, ttl, monotonic())
        return None if token is None else LocalLock(self._locks, name, token)

    async def publish(self, topic: str, message: bytes) -> None:
        """See `Counters`."""
        self._topics.deliver(topic, message)

    def subscribe(self, topic: str) -> Inbox:
        """See `Counters`."""
        return self._topics.subscribe(topic)

    async def close(self) -> None:
        """See `Counters`."""
        self._topics.close()
        await self._quotas.close()


class LocalLock:
    """Implements `Lock`."""

    def __init__(self, table: LockTable, name: str, token: int) -> None:
        self._table = table
        self._name = name
        self.token = token

    async def renew(self, ttl: float) -> bool:
        """See `Lock`."""
        return self._table.renew(self._name, self.token, ttl, monotonic())

    async def release(self) -> None:
        """See `Lock`."""
        self._table.release(self._name, self.token)


async def open(url: str, store: Store) -> LocalCounters:
    """Open `local:`."""
    return LocalCounters(store)
