"""Limits kept by one process alone: plain arithmetic, no lock, no I/O."""

from collections.abc import Callable
from time import monotonic


class LocalBucket:
    """A token bucket. Time is looked at when something is taken, so an idle one costs nothing."""

    __slots__ = ("_clock", "_level", "_seen", "burst", "rate")

    def __init__(
        self,
        rate: float,
        burst: float,
        level: float | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._level = burst if level is None else level
        self._seen = clock()

    def take(self, n: float = 1) -> bool:
        """See `Limit`. Never None: this process knows."""
        now = self._clock()
        level = self._level + (now - self._seen) * self.rate
        if level > self.burst:
            level = self.burst
        self._seen = now
        if level < n:
            self._level = level
            return False
        self._level = level - n
        return True

    async def ask(self, n: float = 1) -> bool:
        """See `Limit`."""
        return self.take(n)

    def charge(self, n: float) -> None:
        """See `Limit`."""
        self.take(0)
        self._level -= n

    def give(self, n: float) -> None:
        """See `Limit`."""
        self._level += n

    def configure(self, rate: float, burst: float) -> None:
        """Change the numbers from now on."""
        self.take(0)
        self.rate = rate
        self.burst = burst


def share(rate: float, burst: float, peers: float, held: float) -> LocalBucket:
    """The part of a bucket that one of `peers` processes may use while it is on its own, with what
    it holds of it."""
    burst = max(min(1.0, burst), burst / peers)
    return LocalBucket(rate / peers, burst, min(held, burst))


class Ration:
    """A fixed amount: the share of a quota that a process may spend while it is on its own."""

    __slots__ = ("left", "spent")

    def __init__(self, amount: float) -> None:
        self.left = amount
        self.spent = 0.0

    def take(self, n: float = 1) -> bool:
        """See `Limit`."""
        if n > self.left:
            return False
        self.charge(n)
        return True

    def charge(self, n: float) -> None:
        """See `Limit`."""
        self.left -= n
        self.spent += n

    def give(self, n: float) -> None:
        """See `Limit`."""
        self.charge(-n)
