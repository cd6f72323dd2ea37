"""Labels of one's own for pictures: what they are trained on, and what is asked."""

from msgspec import Struct


class Example(Struct, frozen=True):
    """A picture's file, and what it shows."""

    path: str
    labels: tuple[str, ...]


class Pupil(Struct, frozen=True):
    """What to train. `test`: to measure with; empty: a fifth is kept back for that."""

    examples: list[Example]
    test: list[Example]
    path: str
    """Where the model's file is to be."""


class Sight(Struct, frozen=True):
    """A picture for a model."""

    model: str
    picture: bytes
