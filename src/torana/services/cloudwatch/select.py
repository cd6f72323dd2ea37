"""Metrics Insights: `SELECT AVG(Latency) FROM SCHEMA("AWS/ApiGateway", ApiName) GROUP BY ApiName`.

Source: CloudWatch User Guide, "Query components and syntax" of Metrics Insights.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from torana.services.cloudwatch.faults import validation
from torana.telemetry.recorder import Series

_TOKEN = re.compile(
    r"""\s*(?:"(?P<name>[^"]+)"|'(?P<text>(?:[^']|'')*)'|(?P<word>[\w./:-]+)|(?P<sign>!=|[=(),]))"""
)
STATISTICS = {
    "AVG": "Average",
    "COUNT": "SampleCount",
    "MAX": "Maximum",
    "MIN": "Minimum",
    "SUM": "Sum",
}
MOST = 500
"""Lines of an answer, and metrics that it is made of times twenty."""


class Select(Struct, frozen=True):
    """A query."""

    function: str
    metric: str
    namespace: str
    schema: frozenset[str] | None
    """The dimensions that a metric has, no more and no less; None: any."""
    where: tuple[tuple[str, bool, str], ...] = ()
    """Dimension, whether it must be this or must not, value."""
    by: tuple[str, ...] = ()
    order: str = ""
    down: bool = False
    limit: int = MOST


def parse(text: str) -> Select:
    """Raises the service's error."""
    return _Reader(text).select()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._at = place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                raise validation(f"Error in the query at {text[place:].strip()[:20]!r}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()

    def _next(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1] if self._at <= len(self._tokens) else ("", "the end")

    def _take(self, *words: str) -> bool:
        """Several words in a row, or none of them."""
        ahead = self._tokens[self._at : self._at + len(words)]
        fits = [kind in ("word", "sign") and value.upper() for kind, value in ahead] == [*words]
        self._at += len(words) * fits
        return fits

    def _need(self, *words: str) -> None:
        if not self._take(*words):
            found = self._tokens[self._at][1] if self._at < len(self._tokens) else "the end"
            raise validation(f"Error in the query: expected {' '.join(words)}, found {found}")

    def _name(self) -> str:
        kind, value = self._next()
        if kind not in ("name", "word"):
            raise validation(f"Error in the query: expected a name, found {value}")
        return value

    def _function(self) -> str:
        name = self._name().upper()
        if name not in STATISTICS:
            raise validation(f"Error in the query: no function {name}; {', '.join(STATISTICS)} are")
        return name

    def select(self) -> Select:
        self._need("SELECT")
        function = self._function()
        self._need("(")
        metric = self._name()
        self._need(")")
        self._need("FROM")
        schema: frozenset[str] | None = None
        if self._take("SCHEMA", "("):
            namespace, names = self._name(), list[str]()
            while self._take(","):
                names.append(self._name())
            self._need(")")
            schema = frozenset(names)
        else:
            namespace = self._name()
        where, by = self._where(), self._by()
        order, down = self._order()
        limit = self._limit()
        if self._at < len(self._tokens):
            raise validation(f"Error in the query: unexpected {self._tokens[self._at][1]}")
        return Select(function, metric, namespace, schema, where, by, order, down, limit)

    def _where(self) -> tuple[tuple[str, bool, str], ...]:
        found: list[tuple[str, bool, str]] = []
        if self._take("WHERE"):
            while True:
                name, (_, sign), (kind, value) = self._name(), self._next(), self._next()
                if sign not in ("=", "!=") or kind not in ("text", "name", "word"):
                    raise validation("Error in the query: a condition is KEY = 'value' or !=")
                found.append((name, sign == "=", value.replace("''", "'")))
                if not self._take("AND"):
                    break
        return tuple(found)

    def _by(self) -> tuple[str, ...]:
        if not self._take("GROUP", "BY"):
            return ()
        found = [self._name()]
        while self._take(","):
            found.append(self._name())
        return tuple(found)

    def _order(self) -> tuple[str, bool]:
        if not self._take("ORDER", "BY"):
            return "", False
        name = self._function()
        self._need("(")
        self._need(")")
        down = self._take("DESC")
        if not down:
            self._take("ASC")
        return name, down

    def _limit(self) -> int:
        if not self._take("LIMIT"):
            return MOST
        _, value = self._next()
        if not value.isdigit() or not 1 <= int(value) <= MOST:
            raise validation(f"Error in the query: LIMIT takes a number from 1 to {MOST}")
        return int(value)


def grouped(select: Select, every: Iterable[Series]) -> dict[tuple[str, ...], list[Series]]:
    """The metrics that a query is about, by the values of what it groups by."""
    groups: dict[tuple[str, ...], list[Series]] = {}
    number = 0
    for series in every:
        own = dict(series.dimensions)
        if select.schema is not None and own.keys() != select.schema:
            continue
        if any((own.get(name) == value) != equal for name, equal, value in select.where):
            continue
        if any(name not in own for name in select.by):
            continue
        number += 1
        if number > 20 * MOST:
            raise validation("The query is about more than 10,000 metrics.")
        groups.setdefault(tuple(own[name] for name in select.by), []).append(series)
    return groups
