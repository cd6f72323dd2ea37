"""JSON: strict values fast; the lines only when something has to be said about them."""

import json
import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from torana.openapi.spot import Mark, Spot, SyntaxMistake

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class _Twice(Exception):
    """A key stands twice in one object."""


def load(text: str) -> Any:
    """Raises `SyntaxMistake`: also for a repeated key, NaN and numbers too large."""
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise SyntaxMistake(Spot(error.lineno, error.colno), f"no JSON: {error.msg}") from None
    except _Twice as error:
        raise SyntaxMistake(_second(text), f"the key {str(error)!r} stands twice") from None
    except RecursionError:
        raise SyntaxMistake(Spot(1, 1), "the document is nested too deep") from None
    except UnicodeEncodeError:
        raise SyntaxMistake(Spot(1, 1), "an escape stands for half a character") from None
    except ValueError as error:
        raise SyntaxMistake(Spot(1, 1), f"no JSON: {error}") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)
    return made


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:40]} is too large")
    return number


class _Level:
    """An object or array that the walk is in."""

    __slots__ = ("is_object", "key", "mark", "wants_key")

    def __init__(self, is_object: bool, mark: Mark) -> None:
        self.is_object = is_object
        self.key: str | int = "" if is_object else 0
        self.wants_key = is_object
        self.mark = mark


def marks(text: str) -> Mark:
    """Where every part of a text that loads begins: a member at its key."""
    root = Mark(Spot(1, 1))
    for level, spot in _parts(text, root):
        level.mark.parts[level.key] = Mark(spot)
    return root


def _second(text: str) -> Spot:
    """Where a key stands for the second time in its object."""
    for level, spot in _parts(text, Mark(Spot(1, 1))):
        if level.key in level.mark.parts:
            return spot
        level.mark.parts[level.key] = Mark(spot)
    return Spot(1, 1)


def _parts(text: str, root: Mark) -> Iterator[tuple[_Level, Spot]]:
    """Every member and element, as it begins. Whoever iterates keeps its mark in the level's."""
    lines = [0, *(found.end() for found in re.finditer("\n", text))]
    levels: list[_Level] = []
    for match in _TOKEN.finditer(text):
        piece = match[0]
        level = levels[-1] if levels else None
        if piece in "}]":
            levels.pop()
        elif piece in ",:":
            _separate(level, piece)
        elif level is not None and level.wants_key:
            level.key, level.wants_key = json.loads(piece), False
            yield level, _spot(lines, match.start())
        else:
            if level is not None and not level.is_object:
                yield level, _spot(lines, match.start())
            if piece in "{[":
                mark = root if level is None else level.mark.parts[level.key]
                levels.append(_Level(piece == "{", mark))


def _separate(level: _Level | None, piece: str) -> None:
    if piece == "," and level is not None:
        level.wants_key = level.is_object
        if not level.is_object:
            level.key = int(level.key) + 1


def _spot(lines: list[int], offset: int) -> Spot:
    line = bisect_right(lines, offset)
    return Spot(line, offset - lines[line - 1] + 1)
