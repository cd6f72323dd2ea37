"""Java's regular expressions for templates, on an engine whose time grows only with the text.

RE2 knows no look-around and no back-references; a pattern that needs them is refused.
"""
# pyright: basic

import re
from functools import lru_cache
from typing import Any

import re2

from torana.vtl.budget import Budget
from torana.vtl.errors import TemplateFailure

_SPECIAL = frozenset("\\.[]{}()<>*+-=!?^$|")
_GROUP = re.compile(r"\\(.)|\$(\d)|\$\{(\w+)\}|([^\\$]+|[\\$])", re.DOTALL)
_LONGEST = 1000


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    if len(pattern) > _LONGEST:
        raise TemplateFailure(f"a pattern may have {_LONGEST} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise TemplateFailure(f"cannot use the pattern {pattern!r}: {error}") from error


def _plain(pattern: str) -> str | None:
    """The text that a pattern without any operator stands for."""
    if not _SPECIAL.intersection(pattern):
        return pattern
    if len(pattern) == 2 and pattern[0] == "\\" and not pattern[1].isalnum():
        return pattern[1]
    return None


def matches(budget: Budget, text: str, pattern: str) -> bool:
    """`String.matches`: the whole text."""
    budget.spend(1 + len(text) // 64)
    return _compiled(pattern).fullmatch(text) is not None


def replace_all(budget: Budget, text: str, pattern: str, new: str) -> str:
    """`String.replaceAll`; `$1` and `\\$` in the new text as Java has them."""
    return _replaced(budget, text, pattern, new, 0)


def replace_first(budget: Budget, text: str, pattern: str, new: str) -> str:
    """`String.replaceFirst`."""
    return _replaced(budget, text, pattern, new, 1)


def _replaced(budget: Budget, text: str, pattern: str, new: str, most: int) -> str:
    budget.spend(1 + len(text) // 64)
    pieces = _pieces(new)
    plain = _plain(pattern)
    if plain and all(isinstance(piece, str) for piece in pieces):
        joined = "".join(str(piece) for piece in pieces)
        count = text.count(plain) if not most else 1
        budget.makes(len(text) + count * max(0, len(joined) - len(plain)))
        return text.replace(plain, joined, most or -1)
    out: list[str] = []
    end = size = 0
    for number, found in enumerate(_compiled(pattern).finditer(text)):
        if most and number >= most:
            break
        out.append(text[end : found.start()])
        new_text = "".join(
            piece if isinstance(piece, str) else found.group(piece) or "" for piece in pieces
        )
        out.append(new_text)
        end = found.end()
        size += len(new_text)
        budget.spend(1)
        budget.makes(size)
    out.append(text[end:])
    return "".join(out)


@lru_cache(maxsize=256)
def _pieces(new: str) -> tuple[str | int, ...]:
    """A replacement as texts and group numbers."""
    found: list[str | int] = []
    for escaped, group, name, plain in _GROUP.findall(new):
        if name or plain in ("\\", "$"):
            raise TemplateFailure(f"cannot use the replacement {new!r}")
        found.append(int(group) if group else escaped or plain)
    return tuple(found)


def split(budget: Budget, text: str, pattern: str, limit: int = 0) -> list[str]:
    """`String.split`: without empty texts at the end, unless the limit says so."""
    budget.spend(1 + len(text) // 8)
    most = limit - 1 if limit > 0 else -1
    plain = _plain(pattern)
    parts = text.split(plain, most) if plain else _cut(text, pattern, most)
    if limit == 0:
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
    return parts


def _cut(text: str, pattern: str, most: int) -> list[str]:
    parts: list[str] = []
    start = 0
    for found in _compiled(pattern).finditer(text):
        if len(parts) == most:
            break
        if found.end() == 0 or (found.start() == found.end() == len(text)):
            continue
        parts.append(text[start : found.start()])
        start = found.end()
    parts.append(text[start:])
    return parts


def contains(text: Any, part: Any) -> bool:
    """Whether a text holds another."""
    return isinstance(text, str) and isinstance(part, str) and part in text
