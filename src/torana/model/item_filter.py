"""Amazon Personalize's filter expressions, read and applied.

    EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase") |
    INCLUDE ItemID WHERE Items.GENRE IN ($GENRES) AND Items.PRICE <= 20 IF CurrentUser.AGE > 17

Source: Amazon Personalize Developer Guide, "Filter expression structure and elements".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

_TOKEN = re.compile(
    r"\s*(?:(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[$\w]+(?:\.\w+)?)"
    r"|(?P<sign><=|>=|!=|[=<>(),|*]))"
)
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_DATASETS = frozenset({"items", "interactions", "currentuser"})
_MOST_CLAUSES = 20

Fields = Mapping[str, Any]


class BadFilter(ValueError):
    """No filter expression; says where and why."""


class Test(Struct, frozen=True):
    """A comparison: of a dataset's field with values; `$name` is a parameter."""

    dataset: str
    """items, interactions or currentuser."""
    field: str
    sign: str
    """One of `IN`, `NOT IN` and the comparisons."""
    values: tuple[str | float, ...]


class Clause(Struct, frozen=True):
    """What is let in, or kept out. `tests`: alternatives, each a conjunction."""

    include: bool
    tests: tuple[tuple[Test, ...], ...]
    when: tuple[tuple[Test, ...], ...] = ()
    """Of the user: applies only if so."""


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise BadFilter(f"Unexpected text in the filter expression: {text[at:][:30]!r}")
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind]))
            at = match.end()
        self._at = 0

    def more(self) -> bool:
        return self._at < len(self._tokens)

    def take(self) -> tuple[str, str]:
        if not self.more():
            raise BadFilter("The filter expression ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def word(self, *wanted: str) -> bool:
        """Whether the next is one of these words; it is taken then."""
        if self.more() and self._tokens[self._at][1].upper() in wanted:
            self._at += 1
            return True
        return False

    def expect(self, wanted: str) -> None:
        if not self.word(wanted):
            found = self._tokens[self._at][1] if self.more() else "the end"
            raise BadFilter(f"{wanted} is expected in the filter expression, not {found}")


def parse(text: str) -> tuple[Clause, ...]:
    """The clauses of an expression. Raises `BadFilter`."""
    reader, clauses = _Reader(text), list[Clause]()
    while True:
        clauses.append(_clause(reader))
        if not reader.more():
            break
        reader.expect("|")
    if len(clauses) > _MOST_CLAUSES:
        raise BadFilter(f"A filter has at most {_MOST_CLAUSES} expressions")
    return tuple(clauses)


def _clause(reader: _Reader) -> Clause:
    include = reader.word("INCLUDE")
    if not include:
        reader.expect("EXCLUDE")
    reader.expect("ITEMID")
    reader.expect("WHERE")
    tests = _alternatives(reader)
    for test in (each for tests_ in tests for each in tests_):
        if test.dataset == "currentuser":
            raise BadFilter("CurrentUser belongs behind IF")
    when = _alternatives(reader) if reader.word("IF") else ()
    for test in (each for tests_ in when for each in tests_):
        if test.dataset != "currentuser":
            raise BadFilter("Only CurrentUser can stand behind IF")
    return Clause(include, tests, when)


def _alternatives(reader: _Reader) -> tuple[tuple[Test, ...], ...]:
    found: list[list[Test]] = [[_test(reader)]]
    while True:
        if reader.word("AND"):
            found[-1].append(_test(reader))
        elif reader.word("OR"):
            found.append([_test(reader)])
        else:
            return tuple(tuple(each) for each in found)


def _test(reader: _Reader) -> Test:
    _, name = reader.take()
    dataset, _, field = name.partition(".")
    if dataset.lower() not in _DATASETS or not field:
        raise BadFilter(f"{name} is not a field of Items, Interactions or CurrentUser")
    if reader.word("NOT"):
        reader.expect("IN")
        return Test(dataset.lower(), field.upper(), "NOT IN", _listed(reader))
    if reader.word("IN"):
        return Test(dataset.lower(), field.upper(), "IN", _listed(reader))
    _, sign = reader.take()
    if sign not in _COMPARED:
        raise BadFilter(f"{sign} is not an operator of filter expressions")
    return Test(dataset.lower(), field.upper(), sign, (_value(reader),))


def _listed(reader: _Reader) -> tuple[str | float, ...]:
    reader.expect("(")
    found = [_value(reader)]
    while reader.word(","):
        found.append(_value(reader))
    reader.expect(")")
    return tuple(found)


def _value(reader: _Reader) -> str | float:
    kind, text = reader.take()
    if kind == "string":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if kind == "number":
        return float(text)
    if kind == "word" and text.startswith("$") and len(text) > 1:
        return text
    raise BadFilter(f"{text} is no value: a string, a number or a $parameter")


def parameters(clauses: Sequence[Clause]) -> frozenset[str]:
    """The names of the parameters, without `$`."""
    return frozenset(
        value[1:]
        for clause in clauses
        for tests in (*clause.tests, *clause.when)
        for test in tests
        for value in test.values
        if isinstance(value, str) and value.startswith("$")
    )


class Filter:
    """An expression with its parameters' values, for one user.

    `values`: as the service takes them: `"a","b"` or `5`. Raises `BadFilter`.
    """

    def __init__(
        self,
        clauses: Sequence[Clause],
        values: Mapping[str, str],
        user: Fields,
        interactions: Mapping[str, Sequence[Fields]],
    ) -> None:
        """`interactions`: the user's, by item."""
        missing = parameters(clauses) - values.keys()
        if missing:
            raise BadFilter(f"A value for the filter's parameter {min(missing)} is missing")
        self._given = {name: _given(value) for name, value in values.items()}
        self._clauses = [
            clause for clause in clauses if not clause.when or self._any(clause.when, [user])
        ]
        self._interactions = interactions

    def passes(self, item: str, fields: Fields) -> bool:
        """Whether an item is let through."""
        return all(self._meets(each, item, fields) == each.include for each in self._clauses)

    def _meets(self, clause: Clause, item: str, fields: Fields) -> bool:
        done = self._interactions.get(item, ())
        return any(
            self._all([t for t in tests if t.dataset == "items"], fields)
            and self._by_one([t for t in tests if t.dataset == "interactions"], done)
            for tests in clause.tests
        )

    def _by_one(self, tests: Sequence[Test], done: Sequence[Fields]) -> bool:
        return not tests or any(self._all(tests, each) for each in done)

    def _any(self, alternatives: Sequence[Sequence[Test]], rows: Sequence[Fields]) -> bool:
        return any(self._all(tests, row) for tests in alternatives for row in rows)

    def _all(self, tests: Sequence[Test], fields: Fields) -> bool:
        return all(self._holds(test, fields) for test in tests)

    def _holds(self, test: Test, fields: Fields) -> bool:
        wanted = [value for each in test.values for value in self._meant(each)]
        found = fields.get(test.field)
        if test.sign in ("IN", "NOT IN"):
            there = _among(found, wanted)
            return there == (test.sign == "IN")
        if found is None or not wanted:
            return False
        try:
            return _COMPARED[test.sign](float(found), float(wanted[0]))
        except ValueError:
            return test.sign in ("=", "!=") and (str(found) == wanted[0]) == (test.sign == "=")

    def _meant(self, value: str | float) -> Sequence[str | float]:
        if isinstance(value, str) and value.startswith("$"):
            return self._given[value[1:]]
        return (value,)


def _among(found: Any, wanted: Sequence[str | float]) -> bool:
    if found is None:
        return False
    if "*" in wanted:
        return True
    parts = cast("list[Any]", found) if isinstance(found, list) else str(found).split("|")
    texts = {_text(each) for each in wanted}
    return any(_text(part) in texts for part in parts)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _given(text: str) -> tuple[str | float, ...]:
    """Values as they are given with a request."""
    reader, found = _Reader(text), list[str | float]()
    while reader.more():
        found.append(_value(reader))
        if reader.more():
            reader.expect(",")
    return tuple(found)
