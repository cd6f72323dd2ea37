"""`stats`: aggregates by groups."""

from collections.abc import Callable, Iterable, Iterator
from math import sqrt
from typing import ClassVar

from torana.services.logs.insights.functions import Value, number, text
from torana.services.logs.insights.language import Literal, Node, malformed
from torana.services.logs.insights.records import Record
from torana.telemetry.distribution import Distribution

_MOST = 10_000
"""Groups. What comes beyond is left out."""

Compute = Callable[[Record], Value]


class Tally:
    """One aggregate's values within one group."""

    def __init__(self) -> None:
        self.count = 0
        self.numbers = Distribution()
        self.squares = 0.0
        self.different: set[str] = set()
        self.first: tuple[float, Value] | None = None
        self.last: tuple[float, Value] | None = None
        self.low: Value = None
        self.high: Value = None

    def add(self, value: Value, at: float, *, distinct: bool) -> None:
        """One record's."""
        if value is None:
            return
        self.count += 1
        amount = number(value)
        if amount is not None:
            self.numbers.add(amount)
            self.squares += amount * amount
        elif self.low is None or text(value) < text(self.low):
            self.low = value
        if amount is None and (self.high is None or text(value) > text(self.high)):
            self.high = value
        if distinct:
            self.different.add(text(value))
        if self.first is None or at < self.first[0]:
            self.first = at, value
        if self.last is None or at >= self.last[0]:
            self.last = at, value


def _deviation(tally: Tally) -> Value:
    n = tally.numbers.count
    if not n:
        return None
    mean = tally.numbers.total / n
    return sqrt(max(0.0, tally.squares / n - mean * mean))


def percentile(tally: Tally, share: float) -> Value:
    """The smallest value that this share of all does not exceed."""
    wanted, seen = share / 100 * tally.numbers.count, 0.0
    for value, times in tally.numbers.values():
        seen += times
        if seen >= wanted - 1e-9:
            return value
    return None


def _mean(tally: Tally) -> Value:
    return tally.numbers.total / tally.numbers.count if tally.numbers.count else None


AGGREGATES: dict[str, Callable[[Tally], Value]] = {
    "count": lambda tally: float(tally.count),
    "count_distinct": lambda tally: float(len(tally.different)),
    "sum": lambda tally: tally.numbers.total,
    "avg": _mean,
    "min": lambda tally: tally.numbers.low if tally.numbers.count else tally.low,
    "max": lambda tally: tally.numbers.high if tally.numbers.count else tally.high,
    "median": lambda tally: percentile(tally, 50),
    "stddev": _deviation,
    "pct": lambda tally: None,
    "percentile": lambda tally: None,
    "earliest": lambda tally: tally.first and tally.first[1],
    "latest": lambda tally: tally.last and tally.last[1],
    "sortsfirst": lambda tally: tally.low if tally.low is not None else tally.numbers.low,
    "sortslast": lambda tally: tally.high if tally.high is not None else tally.numbers.high,
}


class Aggregate:
    """One aggregate of a column: what it is of, and what becomes of its values."""

    def __init__(self, kind: str, arguments: list[Compute], given: list[Node]) -> None:
        """`given`: the arguments as they were written."""
        if not arguments and kind != "count":
            raise malformed(f"{kind} takes a field")
        self.value: Compute = arguments[0] if arguments else lambda record: 1.0
        self.distinct = kind == "count_distinct"
        self.finish = _finish(kind, given)


class Column:
    """A column of `stats`: what is computed of its aggregates, which a row has under `#0`, `#1`."""

    def __init__(self, name: str, compute: Compute, aggregates: list[Aggregate]) -> None:
        self.name, self.compute, self.aggregates = name, compute, aggregates


class Stats:
    """`times`: names of groups that are times."""

    holds: ClassVar[bool] = True

    def __init__(
        self, columns: list[Column], by: list[tuple[str, Compute]], times: set[str]
    ) -> None:
        self._columns, self._by, self.times = columns, by, times
        self._aggregates = [each for column in columns for each in column.aggregates]
        self._groups: dict[tuple[Value, ...], list[Tally]] = {}

    def feed(self, record: dict[str, Value]) -> Iterable[dict[str, Value]]:
        """See `Step`."""
        key = tuple(compute(record) for _, compute in self._by)
        tallies = self._groups.get(key)
        if tallies is None:
            if len(self._groups) >= _MOST:
                return ()
            tallies = self._groups[key] = [Tally() for _ in self._aggregates]
        at = number(record.get("@timestamp")) or 0.0
        for tally, aggregate in zip(tallies, self._aggregates, strict=True):
            tally.add(aggregate.value(record), at, distinct=aggregate.distinct)
        return ()

    def end(self) -> Iterator[dict[str, Value]]:
        """See `Step`."""
        if not self._groups and not self._by:
            self._groups[()] = [Tally() for _ in self._aggregates]
        for key, tallies in self._groups.items():
            row = {name: value for (name, _), value in zip(self._by, key, strict=True)}
            done = iter(tallies)
            for column in self._columns:
                own = {f"#{n}": each.finish(next(done)) for n, each in enumerate(column.aggregates)}
                row[column.name] = column.compute({**row, **own})
            yield row


def _finish(kind: str, given: list[Node]) -> Callable[[Tally], Value]:
    if kind not in ("pct", "percentile"):
        return AGGREGATES[kind]
    share = given[1].value if len(given) == 2 and isinstance(given[1], Literal) else None
    if not isinstance(share, float) or not 0 <= share <= 100:
        raise malformed(f"{kind} takes a field and a number from 0 to 100")
    return lambda tally: percentile(tally, share)
