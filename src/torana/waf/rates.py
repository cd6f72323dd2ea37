"""How often somebody asked of late, for rate-based rules.

Counts of a window's last parts: what is asked in this process at once, what is asked in others as
they tell. Source: WAF Developer Guide, "Rate-based rule statement": the service's are estimates,
too, and keep the 10,000 most frequent.
"""

from collections import deque

_PARTS = 10
_KEYS = 10_000


class Rate:
    """The requests of each key in the window that has just gone by."""

    def __init__(self, window: float) -> None:
        """`window` in seconds."""
        self._part = window / _PARTS
        self._parts: deque[tuple[int, dict[str, int]]] = deque()
        self._totals: dict[str, int] = {}
        self.untold: dict[str, int] = {}
        """What the other processes have not heard of."""

    def ask(self, key: str, now: float) -> int:
        """One more request; how many there were, with it."""
        self._add(key, 1, now)
        self.untold[key] = self.untold.get(key, 0) + 1
        return self._totals.get(key, 0)

    def hear(self, counts: dict[str, int], now: float) -> None:
        """What another process counted."""
        for key, count in counts.items():
            self._add(key, count, now)

    def above(self, limit: int, now: float) -> list[str]:
        """The keys over a limit."""
        self._forget(int(now / self._part))
        return [key for key, count in self._totals.items() if count > limit]

    def _add(self, key: str, count: int, now: float) -> None:
        place = int(now / self._part)
        parts = self._parts
        if not parts or parts[-1][0] != place:
            self._forget(place)
            parts.append((place, {}))
        totals = self._totals
        if key not in totals and len(totals) >= _KEYS:
            return
        latest = parts[-1][1]
        latest[key] = latest.get(key, 0) + count
        totals[key] = totals.get(key, 0) + count

    def _forget(self, place: int) -> None:
        while self._parts and self._parts[0][0] <= place - _PARTS:
            for key, count in self._parts.popleft()[1].items():
                left = self._totals[key] - count
                if left > 0:
                    self._totals[key] = left
                else:
                    del self._totals[key]
