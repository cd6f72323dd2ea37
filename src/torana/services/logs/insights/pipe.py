"""Commands of a query, made to work on records one after the other."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Protocol

from torana.services.logs.insights.functions import FUNCTIONS, Value, number, period, text, truth
from torana.services.logs.insights.language import (
    Apply,
    Command,
    Field,
    Literal,
    Node,
    Regex,
    malformed,
)
from torana.services.logs.insights.records import Record
from torana.services.logs.insights.stats import AGGREGATES, Aggregate, Column, Stats
from torana.services.logs.regex import expression

Compute = Callable[[Record], Value]
_MOST = 100_000
"""Records that are held to be sorted."""


class Step(Protocol):
    """Takes records, gives records."""

    holds: ClassVar[bool]
    """Whether it gives them only at the end."""

    def feed(self, record: dict[str, Value]) -> Iterable[dict[str, Value]]: ...
    def end(self) -> Iterable[dict[str, Value]]:
        """What was held back."""
        ...


def compiled(node: Node) -> Compute:
    """An expression over a record. Raises the service's error."""
    match node:
        case Literal():
            value = node.value
            return lambda record: value
        case Field():
            name = node.name
            return lambda record: record[name] if name in record else _found(record, name)
        case Regex():
            raise malformed("a regular expression stands where a value is expected")
        case Apply():
            return _applied(node)


def _found(record: Record, name: str) -> Value:
    """Fields within the text are found when they are asked for."""
    missing = getattr(record, "__missing__", None)
    return missing(name) if missing is not None else None


def _applied(node: Apply) -> Compute:
    if node.name in AGGREGATES:
        raise malformed(f"{node.name} can only be used in stats")
    if node.name == "matches":
        return _matches(node)
    if node.name in ("bin", "datefloor", "dateceil"):
        return _bin(node)
    known = FUNCTIONS.get(node.name)
    if known is None:
        raise malformed(f"there is no function {node.name}")
    least, most, compute = known
    if not least <= len(node.arguments) <= most:
        raise malformed(f"{node.name} takes {least} to {most} arguments")
    arguments = [compiled(each) for each in node.arguments]
    return lambda record: compute([each(record) for each in arguments])


def _matches(node: Apply) -> Compute:
    left, right = node.arguments
    pattern = right.pattern if isinstance(right, Regex) else None
    if pattern is None and isinstance(right, Literal):
        pattern = text(right.value)
    if pattern is None:
        raise malformed("a regular expression is expected")
    search, value = expression(pattern).search, compiled(left)

    def matches(record: Record) -> Value:
        found = value(record)
        return float(found is not None and search(text(found)) is not None)

    return matches


def _bin(node: Apply) -> Compute:
    """The beginning of a period, in milliseconds."""
    if node.name == "bin":
        value: Compute = lambda record: record["@timestamp"]  # noqa: E731
        given = node.arguments[0] if len(node.arguments) == 1 else None
    else:
        value = compiled(node.arguments[0])
        given = node.arguments[1] if len(node.arguments) == 2 else None
    if not isinstance(given, Literal):
        raise malformed(f"{node.name} takes a period such as 5m")
    step = period(given.value)
    up = step if node.name == "dateceil" else 0

    def floor(record: Record) -> Value:
        at = number(value(record))
        if at is None:
            return None
        first = at // step * step
        return first + up if up and first != at else first

    return floor


class Fields:
    """`fields`: further columns."""

    holds: ClassVar[bool] = False

    def __init__(self, command: Command) -> None:
        self._columns = [(each.name, compiled(each.node)) for each in command.columns]

    def feed(self, record: dict[str, Value]) -> Iterable[dict[str, Value]]:
        for name, compute in self._columns:
            value = compute(record)
            if value is not None:
                record[name] = value
        return (record,)

    def end(self) -> Iterable[dict[str, Value]]:
        return ()


class Filter:
    """`filter`: the records for which a condition holds."""

    holds: ClassVar[bool] = False

    def __init__(self, command: Command) -> None:
        assert command.condition is not None
        self._holds = compiled(command.condition)

    def feed(self, record: dict[str, Value]) -> Iterable[dict[str, Value]]:
        return (record,) if truth(self._holds(record)) else ()

    def end(self) -> Iterable[dict[str, Value]]:
        return ()


class Parse:
    """`parse`: columns out of a text, by a glob or a regular expression."""

    holds: ClassVar[bool] = False

    def __init__(self, command: Command) -> None:
        self._value = compiled(command.columns[0].node)
        pattern = command.pattern
        if not command.regex:
            # The last wildcard takes what is left, the others as little as they can.
            parts = [re.escape(part) for part in pattern.split("*")]
            pattern = "(?s)" + "(.*?)".join(parts)
            if not parts[-1]:
                pattern = pattern.removesuffix("(.*?)") + "(.*)"
        compiled_pattern = expression(pattern)
        self._search = compiled_pattern.search
        self._names = command.names
        if len(self._names) != compiled_pattern.groups:
            raise malformed("parse needs a name for each group of its expression")

    def feed(self, record: dict[str, Value]) -> Iterable[dict[str, Value]]:
        found = self._search(text(self._value(record)))
        if found is not None:
            for name, value in zip(self._names, found.groups(), strict=True):
                if value is not None:
                    record[name] = value
        return (record,)

    def end(self) -> Iterable[dict[str, Value]]:
        return ()


class Dedup:
    """`dedup`: the first record of each combination of values."""

    holds: ClassVar[bool] = False

    def __init__(self, command: Command) -> None:
        self._columns = [compiled(each.node) for each in command.columns]
        self._seen: set[tuple[Value, ...]] = set()

    def feed(self, record: dict[str, Value]) -> Iterable[dict[str, Value]]:
        key = tuple(compute(record) for compute in self._columns)
        if key in self._seen or len(self._seen) >= _MOST:
            return ()
        self._seen.add(key)
        return (record,)

    def end(self) -> Iterable[dict[str, Value]]:
        return ()


class Sort:
    """`sort`: numbers by size, before texts."""

    holds: ClassVar[bool] = True

    def __init__(self, command: Command) -> None:
        self._keys = [(compiled(each.node), each.name == "desc") for each in command.by]
        self._held: list[dict[str, Value]] = []

    def feed(self, record: dict[str, Value]) -> Iterable[dict[str, Value]]:
        self._held.append(record)
        if len(self._held) >= 2 * _MOST:
            self._held = self._sorted()[:_MOST]
        return ()

    def _sorted(self) -> list[dict[str, Value]]:
        found = self._held
        for compute, down in reversed(self._keys):
            found = sorted(found, key=lambda record: _order(compute(record)), reverse=down)
        return found

    def end(self) -> Iterator[dict[str, Value]]:
        yield from self._sorted()


def _order(value: Value) -> tuple[int, float, str]:
    amount = number(value)
    if amount is not None:
        return 1, amount, ""
    return (0, 0.0, "") if value is None else (2, 0.0, text(value))


class Limit:
    """`limit`: the first so many."""

    holds: ClassVar[bool] = False

    def __init__(self, command: Command) -> None:
        self._left = command.number

    @property
    def full(self) -> bool:
        """Whether no more records are wanted."""
        return self._left <= 0

    def feed(self, record: dict[str, Value]) -> Iterable[dict[str, Value]]:
        self._left -= 1
        return (record,) if self._left >= 0 else ()

    def end(self) -> Iterable[dict[str, Value]]:
        return ()


def _stats(command: Command) -> Step:
    names = {each.name for each in (*command.columns, *command.by)}
    columns: list[Column] = []
    for each in command.columns:
        aggregates: list[Aggregate] = []
        node = _parted(each.node, aggregates)
        if not aggregates and not _refers(node, names - {each.name}):
            raise malformed(f"{each.name} is not an aggregate, which stats takes")
        columns.append(Column(each.name, compiled(node), aggregates))
    by = [(each.name, compiled(each.node)) for each in command.by]
    times = {each.name for each in command.by if isinstance(each.node, Apply)
             and each.node.name in ("bin", "datefloor", "dateceil")}  # fmt: skip
    return Stats(columns, by, times)


def _parted(node: Node, into: list[Aggregate]) -> Node:
    """An expression with its aggregates taken out, each replaced by a field of the row."""
    if not isinstance(node, Apply):
        return node
    if node.name in AGGREGATES:
        arguments = [compiled(each) for each in node.arguments]
        into.append(Aggregate(node.name, arguments, [*node.arguments]))
        return Field(f"#{len(into) - 1}")
    return Apply(node.name, tuple(_parted(each, into) for each in node.arguments), node.text)


def _refers(node: Node, names: set[str]) -> bool:
    """Whether an expression is about other columns alone."""
    if isinstance(node, Field):
        return node.name in names
    return not isinstance(node, Apply) or all(_refers(each, names) for each in node.arguments)


STEPS: dict[str, Callable[[Command], Any]] = {
    "fields": Fields,
    "display": Fields,
    "filter": Filter,
    "parse": Parse,
    "dedup": Dedup,
    "sort": Sort,
    "limit": Limit,
    "stats": _stats,
}
