"""What a process measures, until it is taken to the node's time series.

A request only appends to a list that its plan holds; summing up happens at the taking, off the
request's path.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from torana.telemetry.distribution import Distribution

E = TypeVar("E", bound=tuple[Any, ...])

MINUTE = 60
_MOST = 100_000
"""Series and minutes that may wait for a store that is away; what comes beyond is dropped and
counted."""

Dimensions = tuple[tuple[str, str], ...]
"""Sorted by name."""


class Series(Struct, frozen=True):
    """A metric in a unit."""

    namespace: str
    name: str
    dimensions: Dimensions = ()
    unit: str = "None"


class Point(Struct):
    """The values of a series from `at` (seconds since 1970) on, for `span` seconds."""

    series: Series
    at: int
    values: Distribution
    span: int = MINUTE


def dimensions(**named: str) -> Dimensions:
    """Sorted."""
    return tuple(sorted(named.items()))


class Meter(Protocol):
    """Something that is measured often, and summed up at the taking."""

    def sum_up(self, into: "Recorder", /) -> None: ...


class Recorder:
    """The numbers of this process since the last taking."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._waiting: dict[tuple[Series, int], Distribution] = {}
        self._meters: dict[object, Meter] = {}
        self.dropped = 0

    def meter(self, key: object, make: Callable[[], Meter]) -> Meter:
        """The meter of a name: the same one whenever it is asked for."""
        found = self._meters.get(key)
        if found is None:
            found = self._meters[key] = make()
        return found

    def add(self, series: Series, value: float, at: float | None = None) -> None:
        """One value."""
        self.into(series, self._clock() if at is None else at).add(value)

    def into(self, series: Series, at: float) -> Distribution:
        """Where a series' values of that time go."""
        key = series, int(at) // MINUTE * MINUTE
        found = self._waiting.get(key)
        if found is None:
            found = Distribution()
            if len(self._waiting) < _MOST:
                self._waiting[key] = found
            else:
                self.dropped += 1
        return found

    def take(self) -> list[Point]:
        """Everything since the last taking."""
        for meter in self._meters.values():
            meter.sum_up(self)
        taken, self._waiting = self._waiting, {}
        return [Point(series, at, values) for (series, at), values in taken.items()]


def by_minute(events: list[E]) -> Iterable[tuple[int, list[E]]]:
    """Events by the minute of their first member, a time. They come nearly in order, so that all
    are of one minute nearly always."""
    first, last = (int(events[each][0]) // MINUTE for each in (0, -1))
    if first == last:
        return [(first * MINUTE, events)]
    found: dict[int, list[E]] = {}
    for event in events:
        found.setdefault(int(event[0]) // MINUTE * MINUTE, []).append(event)
    return found.items()
