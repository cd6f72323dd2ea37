"""What one rendering may do: every loop turn, call, item looked at and character made counts."""

from typing import NoReturn

from msgspec import Struct

from torana.vtl.errors import TemplateLimit

MOST_ITEMS = 100_000
"""Items of any one list or map."""
MOST_TEXT = 10_000_000
"""Characters of any one text, and of the output."""
STEPS = 1_000_000
ALL_TEXT = 8 * MOST_TEXT
"""Characters of all texts made on the way."""
LONG = 4096
"""Characters of a piece of the output that is charged for even where it is written once."""
_DEEPEST = 20
"""Macros in macros. Source: Velocity's `velocimacro.max.depth`."""


class Budget(Struct):
    """What is left of it."""

    steps: int = STEPS
    text: int = ALL_TEXT
    depth: int = 0
    changes: bool = True
    """Whether the template may change values, so that one may come to hold itself."""

    def spend(self, steps: int) -> None:
        """Some work. Raises `TemplateLimit`."""
        self.steps -= steps
        if self.steps < 0:
            self.over()

    def over(self) -> NoReturn:
        """There are no steps left. Raises `TemplateLimit`."""
        raise TemplateLimit("the template does too much")

    def made(self, text: str) -> str:
        """A text that was made. Raises `TemplateLimit`."""
        size = len(text)
        if size > 256:
            self.text -= size
            if size > MOST_TEXT:
                raise TemplateLimit("a text grew too long")
            if self.text < 0:
                raise TemplateLimit("the template makes too much text")
        return text

    def makes(self, size: int) -> None:
        """A text of this size is about to be made. Raises `TemplateLimit`."""
        if size > MOST_TEXT or size > self.text:
            raise TemplateLimit("a text grew too long")

    def enter(self, deepest: int = _DEEPEST) -> None:
        """One macro, block or evaluation further in; `self.depth -= 1` leaves."""
        if self.depth >= deepest:
            raise TemplateLimit("macros call each other too deeply")
        self.depth += 1
        self.steps -= 1
        if self.steps < 0:
            self.over()


def grown(size: int) -> None:
    """A list or map of this size. Raises `TemplateLimit`."""
    if size > MOST_ITEMS:
        raise TemplateLimit("a list or map grew too large")
