"""JSONPath as the service's engine (Jayway) does it, compiled to closures.

Source: the json-path README and its released behaviour. A path that can only find one thing answers
it; any other answers a list.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

import msgspec

# JSON is of any type by nature.
# pyright: basic
from torana.vtl.budget import Budget
from torana.vtl.cursor import Cursor
from torana.vtl.errors import BodyNotJson, TemplateError, TemplateFailure
from torana.vtl.jsonfilter import Filter, filter_expression
from torana.vtl.jsonfunctions import FUNCTIONS

Step = Callable[[Any, Any, Budget], Iterator[Any]]
"""From one value (and the document) to what the step finds in it."""
Read = Callable[[Any, Budget], Any]
"""From a JSON value to what the path means: `MISSING` where nothing is there."""

Keys = tuple[Any, ...]
"""Names in maps (str) and places in lists (int)."""


class Missing:
    """Where a path that can only find one thing finds nothing."""

    __slots__ = ()


MISSING = Missing()
_DECODE = msgspec.json.Decoder().decode
_LONGEST = 2000
_NAME = re.compile(r"[^\s.\[\]()'\"*?:,@]+")
_NAME_IN_FILTER = re.compile(r"[^\s.\[\]()'\"*?:,@=<>!~&|]+")
_FUNCTION = re.compile(r"\.?([a-z]+)\(\s*(\d*)\s*\)")
_PLACES = re.compile(r"\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*\]")
_SLICE = re.compile(r"\s*(-?\d*)\s*:\s*(-?\d*)\s*\]")
_QUOTED = re.compile(r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*""")


class Path:
    """A compiled path."""

    __slots__ = ("definite", "function", "keys", "steps")

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.keys: list[str | int | None] = []
        """Of each step the one name or place that it takes; None where it is another step."""
        self.definite = True
        self.function: Callable[[Any], Any] | None = None

    def take(self, step: Step, key: str | int | None = None) -> None:
        """One step more."""
        self.steps.append(step)
        self.keys.append(key)

    def alone(self) -> Keys | None:
        """The keys of a path that has nothing else."""
        keys = tuple(key for key in self.keys if key is not None)
        return keys if self.function is None and len(keys) == len(self.keys) else None

    def read(self, value: Any, root: Any, budget: Budget) -> Any:
        """What it finds; `MISSING` for a definite path that finds nothing."""
        found: list[Any] = [value]
        for step in self.steps:
            found = [inner for outer in found for inner in step(outer, root, budget)]
            budget.spend(1 + (len(found) or 1))
        answer = (found[0] if found else MISSING) if self.definite else found
        if self.function is None or answer is MISSING:
            return answer
        return self.function(answer)


@lru_cache(maxsize=4096)
def path(expression: str) -> Read:
    """Compile a path. Raises `TemplateFailure`."""
    compiled = parsed(expression)
    keys = compiled.alone()
    if keys is not None:
        return lambda value, budget: _reached(keys, value, budget)
    return lambda value, budget: compiled.read(value, value, budget)


def _reached(keys: Keys, value: Any, budget: Budget) -> Any:
    budget.spend(2 * len(keys))
    return reach(keys, value)


def reach(keys: Keys, value: Any) -> Any:
    """What `Path.read` finds by steps, of keys alone. Free: whoever asks pays for it."""
    for key in keys:
        if key.__class__ is str:
            value = value.get(key, MISSING) if value.__class__ is dict else MISSING
        elif isinstance(value, list) and -len(value) <= key < len(value):
            value = value[key]
        else:
            return MISSING
    return value


def parsed(expression: str) -> Path:
    """A path. Raises `TemplateFailure`."""
    if len(expression) > _LONGEST:
        raise TemplateFailure(f"a JSONPath may have {_LONGEST} characters")
    text = expression.strip()
    cursor = Cursor(text if text[:1] in ("$", "@") else "$." + text)
    cursor.at = 1
    try:
        compiled = read_path(cursor)
        if cursor.at < len(cursor.source):
            raise cursor.fail("the path ends here")
    except (TemplateError, ValueError) as error:
        raise TemplateFailure(f"cannot read the path {expression!r}: {error}") from error
    return compiled


def json_path(expression: str) -> Callable[[bytes], Any]:
    """A path over a body's bytes, answering None where nothing is there. Raises `TemplateFailure`
    here, and `BodyNotJson` when it is called with other than JSON."""
    read = path(expression)

    def over(body: bytes) -> Any:
        found = read(decode(body), Budget())
        return None if found is MISSING else found

    return over


def decode(body: bytes) -> Any:
    """A body as JSON. Raises `BodyNotJson`."""
    try:
        return _DECODE(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BodyNotJson(str(error)) from error


def read_path(cursor: Cursor) -> Path:
    """The steps after `$` or `@`, as far as they go. Raises `TemplateError`."""
    found = Path()
    while cursor.at < len(cursor.source) and cursor.source[cursor.at] in ".[":
        if found.function is not None:
            raise cursor.fail("nothing follows a function")
        deep = cursor.take("..")
        if deep:
            found.take(_deep)
            found.definite = False
        elif cursor.take("."):
            pass
        if cursor.sees("["):
            _bracket(cursor, found, deep)
        elif not _function(cursor, found):
            _dotted(cursor, found)
    return found


def _function(cursor: Cursor, found: Path) -> bool:
    call = _FUNCTION.match(cursor.source, cursor.at)
    if call is None:
        return False
    made = FUNCTIONS.get(call[1])
    if made is None:
        raise cursor.fail(f"no function {call[1]!r}")
    cursor.at = call.end()
    place = int(call[2] or 0)
    found.function = lambda value: made(value, place)
    return True


def _dotted(cursor: Cursor, found: Path) -> None:
    if cursor.take("*"):
        found.take(_all)
        found.definite = False
        return
    name = cursor.match(_NAME_IN_FILTER if cursor.depth else _NAME)
    if name is None:
        raise cursor.fail("expected a name")
    found.take(_member(name[0]), name[0])


def _bracket(cursor: Cursor, found: Path, deep: bool) -> None:
    cursor.need("[")
    cursor.space()
    if cursor.take("*"):
        cursor.space()
        cursor.need("]")
        found.take(_all)
        found.definite = False
    elif cursor.take("?"):
        holds = _filter(cursor)
        found.take(_itself(holds) if deep else _filtered(holds))
        found.definite = False
    elif (places := cursor.match(_PLACES)) is not None:
        several = [int(place) for place in places[1].split(",")]
        found.take(_items(several), several[0] if len(several) == 1 else None)
        found.definite = found.definite and len(several) == 1
    elif (cut := cursor.match(_SLICE)) is not None:
        found.take(_slice(cut[1], cut[2]))
        found.definite = False
    else:
        _quoted(cursor, found)


def _filter(cursor: Cursor) -> Filter:
    cursor.space()
    cursor.need("(")
    holds = filter_expression(cursor, read_path)
    cursor.space()
    cursor.need(")")
    cursor.space()
    cursor.need("]")
    return holds


def _quoted(cursor: Cursor, found: Path) -> None:
    names: list[str] = []
    while True:
        name = cursor.match(_QUOTED)
        if name is None:
            raise cursor.fail("expected ?, a quote, a number or *")
        names.append(re.sub(r"\\(.)", r"\1", name[1] if name[1] is not None else name[2]))
        if not cursor.take(","):
            break
    cursor.need("]")
    if len(names) == 1:
        found.take(_member(names[0]), names[0])
    else:
        found.take(_members(names))


def _member(name: str) -> Step:
    def member(value: Any, root: Any, budget: Budget) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return member


def _members(names: list[str]) -> Step:
    def members(value: Any, root: Any, budget: Budget) -> Iterator[Any]:
        if isinstance(value, dict):
            yield {name: value[name] for name in names if name in value}

    return members


def _items(places: list[int]) -> Step:
    def items(value: Any, root: Any, budget: Budget) -> Iterator[Any]:
        if isinstance(value, list):
            for place in places:
                if -len(value) <= place < len(value):
                    yield value[place]

    return items


def _slice(low: str, high: str) -> Step:
    cut = slice(int(low) if low else None, int(high) if high else None)

    def part(value: Any, root: Any, budget: Budget) -> Iterator[Any]:
        return iter(value[cut] if isinstance(value, list) else ())

    return part


def _filtered(holds: Filter) -> Step:
    def chosen(value: Any, root: Any, budget: Budget) -> Iterator[Any]:
        items = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
        for item in items:
            budget.spend(1)
            if holds(item, root, budget):
                yield item

    return chosen


def _itself(holds: Filter) -> Step:
    """After a deep scan a filter chooses among what was visited."""

    def chosen(value: Any, root: Any, budget: Budget) -> Iterator[Any]:
        budget.spend(1)
        if holds(value, root, budget):
            yield value

    return chosen


def _all(value: Any, root: Any, budget: Budget) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from cast(dict[str, Any], value).values()
    elif isinstance(value, list):
        yield from cast(list[Any], value)


def _deep(value: Any, root: Any, budget: Budget) -> Iterator[Any]:
    """A value and all containers in it, each before what is in it."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        budget.spend(1)
        yield each
        if isinstance(each, dict):
            waiting.extend(reversed([x for x in each.values() if isinstance(x, dict | list)]))
        elif isinstance(each, list):
            waiting.extend(x for x in reversed(each) if isinstance(x, dict | list))
