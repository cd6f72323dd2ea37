"""Where in a JSON value a path leads, so that what is there can be put in another's place.

`$.a.b`, `$['a']`, `[0]`, `[*]`, `.*` and `..a` of JSONPath (RFC 9535), without filters.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

Spot = tuple[Any, Any]
"""A container, and the key or index in it."""
Step = Callable[[Any], Iterator[Spot]]

_TOKEN = re.compile(
    r"\.\.(?P<deep>[\w-]+|\*)|\.(?P<name>[\w-]+|\*)|\[(?P<index>\d+|\*)\]"
    r"|\[(?P<quote>['\"])(?P<quoted>.*?)(?P=quote)\]"
)


class BadPath(ValueError):
    """It is no path of ours."""


def path(text: str) -> Callable[[Any], list[Spot]]:
    """Finds the spots of a path in a value. Raises `BadPath`."""
    if not text.startswith("$"):
        raise BadPath(f"{text[:80]!r} must begin with $")
    steps, at = list[Step](), 1
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise BadPath(f"{text[:80]!r} is no path at {text[at : at + 20]!r}")
        steps.append(_step(token))
        at = token.end()
    if not steps:
        raise BadPath("a path must lead to a field")

    def find(value: Any) -> list[Spot]:
        spots: list[Spot] = [((value,), 0)]
        for step in steps:
            spots = [found for container, key in spots for found in step(container[key])]
        return spots

    return find


def _step(token: re.Match[str]) -> Step:
    found = token.groupdict()
    if found["deep"] is not None:
        return _deep(found["deep"])
    if found["index"] not in (None, "*"):
        return _index(int(found["index"]))
    name = found["quoted"] if found["quoted"] is not None else found["name"]
    if found["index"] == "*" or (name == "*" and found["quoted"] is None):
        return _every
    return _member(name)


def _member(name: str) -> Step:
    def step(value: Any) -> Iterator[Spot]:
        if isinstance(value, dict) and name in value:
            yield value, name

    return step


def _index(number: int) -> Step:
    def step(value: Any) -> Iterator[Spot]:
        if isinstance(value, list) and number < len(cast(list[Any], value)):
            yield value, number

    return step


def _every(value: Any) -> Iterator[Spot]:
    if isinstance(value, dict):
        for key in [*cast(dict[str, Any], value)]:
            yield value, key
    elif isinstance(value, list):
        for index in range(len(cast(list[Any], value))):
            yield value, index


def _deep(name: str) -> Step:
    def step(value: Any) -> Iterator[Spot]:
        waiting: list[Any] = [value]
        while waiting:
            each = waiting.pop()
            for container, key in _every(each):
                if name in ("*", key):
                    yield container, key
                if isinstance(container[key], dict | list):
                    waiting.append(container[key])

    return step
