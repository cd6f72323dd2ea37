"""Patterns with `*` and `?`, and policy variables, matched in linear passes: no backtracking.

A variable's value is literal, whatever characters it holds.
Source: IAM User Guide, "Policy variables" and "Wildcards in ARNs".
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

Values = Mapping[str, str | tuple[str, ...]]
"""The request's context: keys in lower case."""
Match = Callable[[str, Values], bool]

_TOKEN = re.compile(r"\$\{([^{}]*)\}|\*|\?")
_LITERAL_NAMES = {"*": "*", "?": "?", "$": "$"}


class Variable(Struct, frozen=True):
    """`${key}` or `${key, 'default'}`."""

    key: str
    default: str | None = None

    def value(self, context: Values) -> str | None:
        """Its one value in this request; None when the key is not there, or has several."""
        found = context.get(self.key, self.default)
        return found if isinstance(found, str) or found is None else None


class Star(Struct, frozen=True):
    """`*`: any characters."""


class One(Struct, frozen=True):
    """`?`: one character."""


Token = str | Variable | Star | One


def tokens(pattern: str, *, wildcards: bool = True, variables: bool = True) -> tuple[Token, ...]:
    """A pattern's parts. Raises `ValueError` for a variable that cannot be read."""
    found: list[Token] = []
    at = 0
    for match in _TOKEN.finditer(pattern):
        is_variable = match[1] is not None
        if (variables if is_variable else wildcards) is False:
            continue
        if match.start() > at:
            found.append(pattern[at : match.start()])
        at = match.end()
        if is_variable:
            found.append(_variable(match[1]))
        else:
            found.append(Star() if match[0] == "*" else One())
    if at < len(pattern):
        found.append(pattern[at:])
    return tuple(found)


def _variable(inside: str) -> Token:
    if inside in _LITERAL_NAMES:
        return _LITERAL_NAMES[inside]
    key, comma, default = inside.partition(",")
    if not key.strip():
        raise ValueError(f"${{{inside}}} names no key")
    if not comma:
        return Variable(key.strip().lower())
    quoted = default.strip()
    if len(quoted) < 2 or quoted[0] != "'" or quoted[-1] != "'":
        raise ValueError(f"the default of ${{{inside}}} must stand in single quotes")
    return Variable(key.strip().lower(), quoted[1:-1])


def matcher(pattern: str, *, ignore_case: bool = False, variables: bool = True) -> Match:
    """Whether a text, whole, is of a pattern. Raises `ValueError`."""
    parts = tokens(pattern, variables=variables)
    if not any(isinstance(part, Variable) for part in parts):
        plain = _compile(parts, ignore_case)
        return lambda text, context: plain(text.lower() if ignore_case else text)

    def match(text: str, context: Values) -> bool:
        filled = fill(parts, context)
        return filled is not None and _compile(filled, ignore_case)(
            text.lower() if ignore_case else text
        )

    return match


def fill(parts: tuple[Token, ...], context: Values) -> tuple[Token, ...] | None:
    """The parts with the variables' values in; None when one has none."""
    filled: list[Token] = []
    for part in parts:
        if isinstance(part, Variable):
            value = part.value(context)
            if value is None:
                return None
            filled.append(value)
        else:
            filled.append(part)
    return tuple(filled)


def text_of(parts: tuple[Token, ...], context: Values) -> str | None:
    """Parts without wildcards as one text; None when a variable has no value."""
    filled = fill(parts, context)
    return None if filled is None else "".join(part for part in filled if isinstance(part, str))


def _compile(parts: tuple[Token, ...], ignore_case: bool) -> Callable[[str], bool]:
    """Between two stars stands a piece of fixed length: each is looked for once, from the left."""
    pieces: list[str] = [""]
    for part in parts:
        if isinstance(part, Star):
            pieces.append("")
        elif isinstance(part, str):
            pieces[-1] += re.escape(part.lower() if ignore_case else part)
        else:
            pieces[-1] += "."
    compiled = [re.compile(piece, re.DOTALL) for piece in pieces]
    if len(compiled) == 1:
        return lambda text: compiled[0].fullmatch(text) is not None
    first, *middle, last = compiled
    # `.` and escaped characters are one character each: the length of the last piece is fixed.
    last_length = len(re.sub(r"\\(.)", r"\1", pieces[-1], flags=re.DOTALL))

    def match(text: str) -> bool:
        found = first.match(text)
        if found is None:
            return False
        at = found.end()
        for piece in middle:
            found = piece.search(text, at)
            if found is None:
                return False
            at = found.end()
        start = len(text) - last_length
        return start >= at and last.fullmatch(text, start) is not None

    return match
