"""What the data plane counts on: buckets, quotas, locks and messages, with no I/O on the way.

A limit is taken from synchronously. Where it is shared, the process holds a few tokens ahead and
fetches more in the background; only when it holds none does the caller have to ask.
"""

from collections.abc import AsyncIterator
from typing import Literal, Protocol

Period = Literal["DAY", "WEEK", "MONTH"]
"""Of UTC: a day from midnight, a week from Sunday, a month from the first."""


class CountersUnavailable(Exception):
    """The authority over shared limits, locks and messages does not answer."""


class Limit(Protocol):
    """Something that runs out. Amounts are requests, LLM tokens, money: any unit, whole or not."""

    def take(self, n: float = 1) -> bool | None:
        """Take `n`: True when there was enough, False when not, None for "only `ask` can tell"."""
        ...

    async def ask(self, n: float = 1) -> bool:
        """Take `n`, fetching from the authority where need be. Answers within a second."""
        ...

    def charge(self, n: float) -> None:
        """Take `n` that is already spent, whether there is enough or not; debts are paid first."""
        ...

    def give(self, n: float) -> None:
        """Put back what was taken and not needed."""
        ...


class Quota(Limit, Protocol):
    """An amount for each period."""

    @property
    def remaining(self) -> float:
        """What is left in the period, as far as this process knows."""
        ...


class Lock(Protocol):
    """A lock held for a while. `token` grows with each holder, to fence off earlier ones."""

    token: int

    async def renew(self, ttl: float) -> bool:
        """Hold it `ttl` seconds from now; False when it was lost."""
        ...

    async def release(self) -> None:
        """Let it go, if it is still held."""
        ...


class Subscription(Protocol):
    """Messages of one topic, from the moment it was made."""

    def __aiter__(self) -> AsyncIterator[bytes | None]:
        """The messages; None where some may have been missed (drop what you cached)."""
        ...

    def close(self) -> None:
        """Receive no more; the iteration ends."""
        ...


class Counters(Protocol):
    """Limits, locks and messages of a process, a node or many nodes."""

    @property
    def alarm(self) -> str:
        """Why limits are kept locally at present; empty when all is well."""
        ...

    def bucket(self, name: str, rate: float, burst: float) -> Limit:
        """The token bucket of a name: `rate` a second, at most `burst` at once; full at first.

        The same object for the same name; naming other numbers changes them, tokens kept.
        """
        ...

    def quota(self, name: str, limit: float, period: Period, offset: float = 0) -> Quota:
        """The durable quota of a name: `limit` in each period, `offset` less in the first one.

        The same object for the same name; naming other numbers changes them, use kept.
        """
        ...

    async def usage(self, name: str) -> dict[str, float]:
        """What was taken from a quota on each day (`2026-11-23`, UTC), for some 90 days.

        Includes what processes hold ahead. Raises `CountersUnavailable`.
        """
        ...

    async def lock(self, name: str, ttl: float) -> Lock | None:
        """Lock a name for `ttl` seconds; None when it is taken. May raise `CountersUnavailable`."""
        ...

    async def publish(self, topic: str, message: bytes) -> None:
        """Tell every process that subscribed, this one too. May raise `CountersUnavailable`."""
        ...

    def subscribe(self, topic: str) -> Subscription:
        """Hear what is published from now on, at most once and in order."""
        ...

    async def close(self) -> None:
        """Give back what is held ahead, and let go of connections."""
        ...


async def admit(limit: Limit, n: float = 1) -> bool:
    """Take `n`, waiting only where the process itself cannot tell."""
    taken = limit.take(n)
    return await limit.ask(n) if taken is None else taken
