"""Entities of one's own in texts: what a recogniser is trained on, and how well it finds them."""

from msgspec import Struct


class Marked(Struct, frozen=True):
    """A text and the entities in it: begin, end, type."""

    text: str
    spans: tuple[tuple[int, int, str], ...] = ()


class Training(Struct, frozen=True):
    """What to train."""

    documents: list[Marked]
    test: list[Marked]
    """To measure with; when empty, a tenth of the documents is kept back for that."""
    types: tuple[str, ...]
    path: str
    """Where the model's file is to be."""


class Measured(Struct, frozen=True):
    """How well a type, or all of them, are found: percent."""

    precision: float
    recall: float
    f1: float
    mentions: int = 0
    """That were learned from."""
