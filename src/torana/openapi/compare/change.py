"""Differences as values, and as words."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Level = Literal["breaking", "compatible", "documentation"]
LEVELS: dict[Level, str] = {
    "breaking": "Breaking changes",
    "compatible": "Changes",
    "documentation": "Documentation",
}


class Change(Struct, frozen=True):
    """One difference."""

    level: Level
    rule: str
    """Short name, as listed in `docs/lifecycle.md`."""
    operation: str
    """Such as `GET /pets/{id}`; empty: of the whole API."""
    text: str
    pointer: str
    """JSON pointer to the place in the new document; in the old one for what is not there any
    more."""

    def __str__(self) -> str:
        place = f"{self.operation}: " if self.operation else ""
        return f"{self.level}: {place}{self.text} [{self.rule}] {self.pointer}"


def order(found: Iterable[Change]) -> tuple[Change, ...]:
    """Each once, those that break clients first, then as the documents have them."""
    levels = list(LEVELS)
    return tuple(sorted(dict.fromkeys(found), key=lambda each: levels.index(each.level)))


def breaks(found: Iterable[Change]) -> bool:
    """Whether clients of the old definition may fail."""
    return any(each.level == "breaking" for each in found)


def markdown(found: Iterable[Change]) -> str:
    """A changelog."""
    lines: list[str] = []
    changes = tuple(found)
    for level, title in LEVELS.items():
        of_level = [each for each in changes if each.level == level]
        if of_level:
            lines += [f"## {title}", ""]
            for each in of_level:
                place = f"`{each.operation}`: " if each.operation else ""
                lines.append(f"- {place}{each.text}")
            lines.append("")
    return "\n".join(lines) if lines else "No changes.\n"
