"""A place in a template's text."""

import re

from torana.vtl.errors import TemplateError

SPACE = re.compile(r"(?:\s+|##[^\n]*\n?|#\*.*?\*#)*", re.DOTALL)
_DEEPEST = 32
"""Brackets in brackets; Python's own parser takes two hundred."""


class Cursor:
    """Where the reading of a template stands."""

    __slots__ = ("at", "depth", "source")

    def __init__(self, source: str) -> None:
        self.source, self.at, self.depth = source, 0, 0

    def fail(self, message: str, at: int | None = None) -> TemplateError:
        """An error here, with line and column counted from 1."""
        place = self.at if at is None else at
        before = self.source[:place]
        return TemplateError(message, before.count("\n") + 1, place - (before.rfind("\n") + 1) + 1)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what matches here."""
        found = pattern.match(self.source, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def sees(self, text: str) -> bool:
        """Whether this text is next."""
        return self.source.startswith(text, self.at)

    def take(self, text: str) -> bool:
        """Take this text if it is next."""
        if self.sees(text):
            self.at += len(text)
            return True
        return False

    def need(self, text: str) -> None:
        """Take this text. Raises `TemplateError`."""
        if not self.take(text):
            near = self.source[self.at : self.at + 12].split("\n")[0] or "the end"
            raise self.fail(f"expected {text!r} before {near!r}")

    def space(self) -> None:
        """Skip white space and comments."""
        self.match(SPACE)

    def deeper(self) -> None:
        """One bracket further in; `self.depth -= 1` comes out. Raises `TemplateError`."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fail("nested too deeply")
