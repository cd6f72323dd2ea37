"""The authority over one shared token bucket: pure arithmetic on a clock that is handed in.

Let L be the bucket's own level plus all that holders have and have not used. Three facts keep the
limit exact over every stretch of time: L grows at `rate` at most, L never exceeds `burst`, and each
admission takes from L. A holder's report may be late, never early: what it used meanwhile is still
counted as held, which makes the level too low for a moment and never too high. What is granted for
callers who wait is admitted here and now; it is never held.
"""

from math import floor

from torana.state.allowance import Draw, Grant

_PATIENCE = 0.05
"""Seconds a refusal may stand unasked: limits change, and others give back."""


class BucketLedger:
    """Level of a bucket, and what each holder has of it."""

    __slots__ = ("_held", "_level", "_seen", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float, full: bool = True) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst if full else 0.0
        self._seen = now
        self._held: dict[str, float] = {}

    def configure(self, rate: float, burst: float, now: float) -> None:
        """Change the numbers from now on."""
        self._refill(now)
        self.rate = rate
        self.burst = burst

    def draw(self, holder: str, draw: Draw, now: float) -> Grant:
        """Settle what a holder reports, then hand out what there is."""
        self.report(holder, draw, now)
        return self.grant(holder, draw, now)

    def report(self, holder: str, draw: Draw, now: float) -> None:
        """Settle what a holder says it still has, gives back and owes."""
        self._refill(now)
        self._held[holder] = draw.unused
        self._level = min(self._level + draw.back - draw.debt, self._room())

    def lacks(self, holder: str, draw: Draw, now: float) -> bool:
        """Whether a holder can be served only if others give back what they hold."""
        self._refill(now)
        short = draw.least - self._level
        others = sum(self._held.values()) - self._held.get(holder, 0.0)
        return short > 0 and others > 0 and others >= short

    def grant(self, holder: str, draw: Draw, now: float) -> Grant:
        """Hand out what there is: all that is needed or what there is of it, some more ahead."""
        self._refill(now)
        granted = _whole(min(draw.need, self._level), draw.least)
        if granted < draw.least or granted < 0:
            granted = 0.0
        if granted < draw.least:
            return Grant(0.0, 0.0, self._retry(draw.least), remaining=max(0.0, self._level))
        ahead = float(floor(max(0.0, min(draw.ahead, (self._level - granted) / 2))))
        self._level -= granted + ahead
        self._held[holder] = draw.unused - draw.spoken + ahead
        return Grant(granted, ahead, remaining=max(0.0, self._level))

    def holders(self) -> list[str]:
        """Who holds something."""
        return [holder for holder, held in self._held.items() if held > 0]

    def release(self, holder: str) -> None:
        """A holder is gone: what it held counts as used."""
        self._held.pop(holder, None)

    def is_fresh(self, now: float) -> bool:
        """Whether forgetting the bucket would change nothing: it is full, and nobody holds any."""
        self._refill(now)
        return not self.holders() and self._level >= self.burst

    def _refill(self, now: float) -> None:
        self._level = min(self._level + (now - self._seen) * self.rate, self._room())
        self._seen = now

    def _room(self) -> float:
        return self.burst - sum(self._held.values())

    def _retry(self, least: float) -> float:
        return min((least - self._level) / self.rate, _PATIENCE) if self.rate else _PATIENCE


def _whole(amount: float, least: float) -> float:
    """Whole tokens for those who count in whole tokens: a part of one helps nobody else."""
    return float(floor(amount)) if least == floor(least) else amount
