"""The noun phrases of a text."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from torana.engines import english
from torana.engines.engine import Capability, Engine


class Phrase(Struct, frozen=True):
    """A noun phrase and where it stands."""

    text: str
    begin: int
    """Code points from the start of the text."""
    end: int
    score: float
    """The probability of the least certain part of speech in it."""


class _Phrases:
    def __init__(self, nlp: Any) -> None:
        self._nlp = nlp

    def run(self, batch: Sequence[str], /) -> list[list[Phrase]]:
        return [self._phrases(doc) for doc in english.parse(self._nlp, batch)]

    def _phrases(self, doc: Any) -> list[Phrase]:
        certain = english.tag_certainties(self._nlp, doc)
        chunks = [chunk for chunk in doc.noun_chunks if _names_something(chunk)]
        return [
            Phrase(
                chunk.text,
                chunk.start_char,
                chunk.end_char,
                min(certain[chunk.start : chunk.end]),
            )
            for chunk in chunks
        ]


def _names_something(chunk: Any) -> bool:
    """Not a pronoun alone ("he"), nor mere signs."""
    return chunk.root.pos_ != "PRON" and any(c.isalnum() for c in chunk.text)


def load() -> Engine[str, list[Phrase]]:
    """Raises `EngineMissing`."""
    return _Phrases(english.pipeline("key phrases"))


ENGINE = Capability(
    name="key_phrases",
    input=str,
    output=list[Phrase],
    load=load,
    languages=english.LANGUAGES,
    host=english.HOST,
)
