"""JSONPath in the dialect of the service's engine (Jayway), compiled to closures.

Supported: `$`, names, quoted names, indexes, unions, slices, wildcards, deep scans and filters that
compare a member with a constant. Anything else is refused as a `TemplateFailure`.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

import msgspec

# JSON is of any type by nature.
# pyright: basic
from torana.vtl.errors import BodyNotJson, TemplateFailure

Step = Callable[[Any], Iterator[Any]]
Read = Callable[[Any], Any]
"""From a JSON value to what the path means: None where nothing is there."""

_NAME = re.compile(r"\.?([A-Za-z_][\w-]*)")
_BRACKET = re.compile(
    r"\[\s*(-?\d+|\*|-?\d*:-?\d*|'(?:[^'\\]|\\.)*'(?:\s*,\s*'[^']*')*|-?\d+(?:\s*,\s*-?\d+)+)\s*\]"
)
_FILTER = re.compile(
    r"\[\?\(\s*@((?:\.[A-Za-z_][\w-]*)*)\s*(?:(==|!=|<=|>=|<|>)\s*('[^']*'|\"[^\"]*\"|-?[\d.]+|true|false|null))?\s*\)\]"
)


@lru_cache(maxsize=4096)
def path(expression: str) -> Read:
    """Compile a path. Raises `TemplateFailure`."""
    text = expression.strip()
    if not text.startswith("$"):
        text = "$." + text
    at, definite = 1, True
    steps: list[Step] = []
    while at < len(text):
        step, at, one = _step(text, at)
        steps.append(step)
        definite = definite and one

    def read(value: Any) -> Any:
        found: list[Any] = [value]
        for step in steps:
            found = [inner for outer in found for inner in step(outer)]
            if len(found) > 1_000_000:
                raise TemplateFailure("the path finds too much")
        if definite:
            return found[0] if found else None
        return found

    return read


def json_path(expression: str) -> Callable[[bytes], Any]:
    """A path over a body's bytes. Raises `BodyNotJson` when it is called with other than JSON."""
    read = path(expression)
    return lambda body: read(decode(body))


def decode(body: bytes) -> Any:
    """A body as JSON. Raises `BodyNotJson`."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BodyNotJson(str(error)) from error


def _step(text: str, at: int) -> tuple[Step, int, bool]:
    if text.startswith("..", at):
        inner, end, _ = _step(text, at + (2 if text[at + 2 : at + 3] == "[" else 1))
        return (lambda value: (x for each in _deep(value) for x in inner(each))), end, False
    if text.startswith(".*", at):
        return _all, at + 2, False
    if text.startswith(".length()", at):
        return _length, at + len(".length()"), True
    found = _NAME.match(text, at)
    if found is not None and text[at] == ".":
        return _member(found[1]), found.end(), True
    found = _FILTER.match(text, at)
    if found is not None:
        return _filter(found[1], found[2], found[3]), found.end(), False
    found = _BRACKET.match(text, at)
    if found is None:
        raise TemplateFailure(f"cannot read the path {text!r} at {text[at:]!r}")
    step, one = _bracket(found[1])
    return step, found.end(), one


def _bracket(inner: str) -> tuple[Step, bool]:
    if inner == "*":
        return _all, False
    if inner.startswith("'"):
        names = re.findall(r"'((?:[^'\\]|\\.)*)'", inner)
        if len(names) == 1:
            return _member(names[0].replace("\\'", "'")), True
        return (lambda value: iter([{n: value[n] for n in names if n in value}])), True
    if ":" in inner:
        low, _, high = inner.partition(":")
        cut = slice(int(low) if low else None, int(high) if high else None)
        return (lambda value: iter(value[cut] if isinstance(value, list) else [])), False  # pyright: ignore[reportUnknownLambdaType,reportUnknownArgumentType]
    places = [int(place) for place in inner.split(",")]
    return (lambda value: _items(value, places)), len(places) == 1


def _items(value: Any, places: list[int]) -> Iterator[Any]:
    if isinstance(value, list):
        items = cast(list[Any], value)
        for place in places:
            if -len(items) <= place < len(items):
                yield items[place]


def _member(name: str) -> Step:
    def member(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return member


def _length(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list | str):
        yield len(value)


def _all(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from cast(dict[str, Any], value).values()
    elif isinstance(value, list):
        yield from cast(list[Any], value)


def _deep(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        each = waiting.pop(0)
        yield each
        waiting.extend(inner for inner in _all(each) if isinstance(inner, dict | list))


def _filter(members: str, operator: str | None, constant: str | None) -> Step:
    names = members.split(".")[1:]
    wanted: Any = None
    if constant is not None:
        quoted = constant[0] in "'\""
        wanted = constant[1:-1] if quoted else msgspec.json.decode(constant)

    def holds(item: Any) -> bool:
        for name in names:
            if not isinstance(item, dict) or name not in item:
                return False
            item = cast(dict[str, Any], item)[name]
        return operator is None or _compare(item, operator, wanted)

    return lambda value: (item for item in _all(value) if holds(item))


def _compare(left: Any, operator: str, right: Any) -> bool:
    if operator in ("==", "!="):
        return (left == right) is (operator == "==")
    try:
        order = (left > right) - (left < right)
    except TypeError:
        return False
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]
