"""What recommenders are trained from, and what they are asked."""

from msgspec import Struct

SIMILAR, PERSONAL, POPULAR, TRENDING = "similar", "personal", "popular", "trending"
"""How items are ranked: like another item, for a user, by how many want them, by how many more."""


class Study(Struct, frozen=True):
    """What to train."""

    data: str
    """The dataset group's file."""
    path: str
    """Where the model's file is to be."""
    method: str
    event_type: str = ""
    """Only events of that type; empty: all."""
    threshold: float | None = None
    """Only events whose value is so great at least."""
    factors: int = 64


class Studied(Struct, frozen=True):
    """What came of it."""

    metrics: dict[str, float] = {}
    """By the service's names, of items that the users did not have before."""
    users: int = 0
    items: int = 0
    interactions: int = 0
    bad: str = ""
    """Set when nothing can be learned from the data."""


class Wish(Struct, frozen=True):
    """What is asked of a trained recommender."""

    model: str
    data: str
    count: int
    user: str = ""
    item: str = ""
    among: tuple[str, ...] = ()
    """Items that are to be ranked; empty: any."""
    filter: str = ""
    values: dict[str, str] = {}
    """Of the filter's parameters."""
    columns: tuple[str, ...] = ()
    """Of the items, to be told with them."""


class Pick(Struct, frozen=True):
    """An item that is recommended."""

    item: str
    score: float | None = None
    """Of all that were ranked they add up to 1. None: the method has none."""
    metadata: dict[str, str] = {}


class Picked(Struct, frozen=True):
    """The items, the best first."""

    items: list[Pick] = []
    bad: str = ""
    """Set when the wish cannot be met; says why."""
