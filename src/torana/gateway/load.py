"""Who is let in while there is more to do than this process can: the least important wait outside.

The signal is how late the event loop runs its timers, and how many requests it is answering. One
moment says little (a collection, a plan that is compiled): what counts is that every look of a
window was late. Each such window lets in less, and only after several good ones more is let in
again, by smaller steps, so that it does not swing.

Nothing here is a lock or a queue, and nothing is done for a request while there is no pressure.
"""

import asyncio
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

Priority = Literal["low", "normal", "high", "critical"]

RANKS: Mapping[str, int] = {"low": 0, "normal": 1, "high": 2, "critical": 3}
USER_POOLS = "user-pools"
"""People who sign in: more important than most."""
TAG = "torana:priority"
"""Of an API or a stage."""

EVERY = 0.1
"""Seconds between two looks."""
LOOKS = 5
"""In a window."""
_UP, _DOWN = 0.25, 0.125
_CALM = 3
"""Good windows in a row, before more is let in."""


class Limits(Struct, frozen=True):
    """What is too much."""

    lag: float = 0.25
    """Seconds that timers may be late; 0: it does not count."""
    requests: int = 0
    """That may be answered at once; 0: it does not count."""


class Load:
    """The pressure on this process: 0, all are let in; 1, nobody of `low` is; 2, nor of `normal`;
    3, nor of `high`. Between two of them, that part of the higher one. `critical` always is."""

    def __init__(self, limits: Limits, busy: Callable[[], int] = lambda: 0) -> None:
        """`busy`: requests that are being answered."""
        self._limits, self._busy = limits, busy
        self.pressure = 0.0
        self.lag = 0.0
        """The least of the last window."""
        self.shed = [0, 0, 0, 0]
        """Requests that were not let in, by rank."""
        self._seen, self._owed = [0, 0, 0, 0], [0.0, 0.0, 0.0, 0.0]
        self._least, self._looks, self._calm = float("inf"), 0, 0

    def look(self, lag: float) -> None:
        """How late the loop was, this time."""
        self._least = min(self._least, lag)
        self._looks += 1
        if self._looks == LOOKS:
            self._judge(self._least)
            self._least, self._looks = float("inf"), 0

    def _judge(self, lag: float) -> None:
        limits, self.lag = self._limits, lag
        busy = self._busy() if limits.requests else 0
        if (limits.lag and lag > limits.lag) or (limits.requests and busy > limits.requests):
            self._calm = 0
            self._more()
        elif self.pressure and lag <= limits.lag / 2 and busy <= limits.requests * 0.8:
            self._calm += 1
            if self._calm >= _CALM:
                self.pressure = max(0.0, self.pressure - _DOWN)
        else:
            self._calm = 0
        self._seen = [0, 0, 0, 0]

    def _more(self) -> None:
        """More pressure; ranks that nobody asks in are passed over."""
        pressure = self.pressure
        if pressure:
            some = [rank for rank in range(int(pressure), 3) if self._seen[rank]]
            if not some:
                return
            pressure = max(pressure, float(some[0]))
        self.pressure = min(3.0, pressure + _UP)

    def admits(self, rank: int) -> bool:
        """Whether the next request is let in. Asked only under pressure; counts what it says."""
        self._seen[rank] += 1
        owed = self._owed[rank] + min(1.0, max(0.0, self.pressure - rank))
        if rank < RANKS["critical"] and owed >= 1:
            self._owed[rank] = owed - 1
            self.shed[rank] += 1
            return False
        self._owed[rank] = owed
        return True

    @property
    def retry_after(self) -> int:
        """Seconds after which it may be worth trying again."""
        return 1 + round(2 * self.pressure)


Client = tuple[str, ...]
"""The names of who asks."""


class Priorities:
    """What is more important than what. Names are `API`, `API/STAGE`, `API/STAGE/GET /path`, and
    `plan:`, `key:` and `llm:` with a name or an id. The last line that fits counts, so what is
    special stands behind what is usual."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._found: dict[tuple[str, ...], int | None] = {}

    def find(self, *names: str) -> int | None:
        """Of what goes by these names; None: nothing is said of any."""
        if names not in self._found:
            fits = [
                RANKS[priority]
                for pattern, priority in self._given.items()
                if any(fnmatchcase(name, pattern) for name in names)
            ]
            self._found[names] = fits[-1] if fits else None
        return self._found[names]

    def method(
        self, names: tuple[str, ...], tags: tuple[Mapping[str, str], ...], client: Client = ()
    ) -> int:
        """Of a method, by its names and its `client`'s; where none fits, by the tags of its stage
        or API."""
        found = self.find(*names, *client)
        if found is not None:
            return found
        for each in tags:
            rank = RANKS.get(each.get(TAG, ""))
            if rank is not None:
                return rank
        return RANKS["normal"]

    @property
    def of_clients(self) -> bool:
        """Whether who asks makes a difference."""
        return any(name.startswith(("plan:", "key:")) for name in self._given)


class Admission(Struct, frozen=True):
    """What gates ask."""

    load: Load
    priorities: Priorities = Priorities({})

    def late(self, *names: str, usual: Priority = "normal") -> int:
        """Seconds after which to try again, for who is not let in; 0: it is."""
        load = self.load
        if not load.pressure:
            return 0
        rank = self.priorities.find(*names)
        return 0 if load.admits(RANKS[usual] if rank is None else rank) else load.retry_after


async def looking(load: Load, every: float = EVERY) -> None:
    """Look at the running loop, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        load.look(loop.time() - due)
