"""A line and column of a text, and the way to a part of a value."""

from msgspec import Struct

Path = tuple[str | int, ...]
"""Keys and indexes from the root."""


class Spot(Struct, frozen=True):
    """Counted from 1."""

    line: int
    column: int


class SyntaxMistake(Exception):
    """The text is no JSON or YAML that can be taken."""

    def __init__(self, spot: Spot, message: str) -> None:
        super().__init__(message)
        self.spot = spot


class Mark(Struct):
    """Where a part stands, and where its own parts stand."""

    spot: Spot
    parts: dict[str | int, "Mark"] = {}

    def locate(self, path: Path) -> Spot:
        """The spot of a part, or of the nearest part around one that is not there."""
        mark = self
        for key in path:
            inner = mark.parts.get(key)
            if inner is None:
                break
            mark = inner
        return mark.spot
