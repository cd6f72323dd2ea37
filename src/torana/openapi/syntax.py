"""Text to a plain value, and the line of every part of it: JSON or YAML, told apart by looking.

A value holds only `dict[str, …]`, `list`, `str`, `int`, `float`, `bool` and None, whichever syntax
it came from. What could exhaust a process (size, depth, aliases) is refused here.
"""

from collections.abc import Callable
from typing import Any, cast

from msgspec import Struct

from torana.openapi import json_text, yaml_text
from torana.openapi.spot import Mark, Spot, SyntaxMistake

LARGEST = 32 * 1024 * 1024
"""Bytes. The service takes 6 MB in an import; a file may hold an API of 10,000 resources."""
DEEPEST = 100
MOST_NODES = 2_000_000
"""After aliases are followed."""


class Parsed(Struct, frozen=True):
    """A value and, when asked, where its parts stand."""

    value: Any
    marks: Callable[[], Mark]


def parse(text: str, filename: str) -> Parsed:
    """Raises `SyntaxMistake`."""
    text = text.removeprefix("\ufeff")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise SyntaxMistake(Spot(1, 1), "the text is not Unicode (a lone surrogate)") from error
    if size > LARGEST:
        raise SyntaxMistake(Spot(1, 1), f"the document has {size} bytes; {LARGEST} is the limit")
    parsed = _json_or_yaml(text, filename)
    _measure(parsed.value)
    return parsed


def _json_or_yaml(text: str, filename: str) -> Parsed:
    is_json = filename.endswith(".json")
    if is_json or text.lstrip()[:1] == "{":
        try:
            return Parsed(json_text.load(text), lambda: json_text.marks(text))
        except SyntaxMistake:
            if is_json:
                raise
    value, mark = yaml_text.load(text, DEEPEST)
    return Parsed(value, lambda: mark)


def _measure(root: Any) -> None:
    """An alias costs what it stands for, so a small file cannot unfold without end."""
    count = 0
    waiting: list[tuple[Any, int]] = [(root, 1)]
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if count > MOST_NODES:
            raise SyntaxMistake(Spot(1, 1), f"the document unfolds to more than {MOST_NODES} parts")
        if isinstance(value, dict):
            parts = list(cast(dict[str, Any], value).values())
        elif isinstance(value, list):
            parts = cast(list[Any], value)
        else:
            continue
        if depth > DEEPEST:
            raise SyntaxMistake(Spot(1, 1), f"the document is nested deeper than {DEEPEST} levels")
        waiting.extend((part, depth + 1) for part in parts)
