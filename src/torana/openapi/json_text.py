"""JSON: strict values fast; the lines only when something has to be said about them."""

import json
import math
import re
from typing import Any

from torana.openapi.spot import Path, Spot, SyntaxMistake

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

    __slots__ = ("is_object", "key", "keys", "wants_key")

    def __init__(self, is_object: bool) -> None:
        self.is_object = is_object
        self.key: str | int = "" if is_object else 0
        self.wants_key = is_object
        self.keys: set[str] = set()


def locate(text: str, path: Path) -> Spot:
    """Where the part at a path begins (its key, for a member), in text that loads."""
    levels: list[_Level] = []
    best, depth = 0, 0
    for token in _TOKEN.finditer(text):
        if _advance(levels, token[0]) and len(levels) > depth:
            walked = tuple(level.key for level in levels[: depth + 1])
            if len(levels) == depth + 1 and walked == path[: depth + 1]:
                best, depth = token.start(), depth + 1
                if depth == len(path):
                    break
    return _spot(text, best)


def _second(text: str) -> Spot:
    """Where a key stands for the second time in its object."""
    levels: list[_Level] = []
    for token in _TOKEN.finditer(text):
        if _advance(levels, token[0]) and levels[-1].is_object:
            level = levels[-1]
            if level.key in level.keys:
                return _spot(text, token.start())
            level.keys.add(str(level.key))
    return Spot(1, 1)


def _advance(levels: list[_Level], piece: str) -> bool:
    """Take a piece; true where it begins a member of an object or an element of an array."""
    if piece in "}]":
        levels.pop()
        return False
    level = levels[-1] if levels else None
    if piece in ",:":
        if piece == "," and level is not None:
            level.wants_key = level.is_object
            if not level.is_object:
                level.key = int(level.key) + 1
        return False
    if level is not None and level.wants_key:
        level.key, level.wants_key = json.loads(piece), False
        return True
    begins = level is not None and not level.is_object
    if piece in "{[":
        levels.append(_Level(piece == "{"))
    return begins


def _spot(text: str, offset: int) -> Spot:
    line = text.count("\n", 0, offset) + 1
    return Spot(line, offset - (text.rfind("\n", 0, offset) + 1) + 1)
