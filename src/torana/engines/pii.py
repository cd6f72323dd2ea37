"""Personal data in an English text, by shape, check digit, announcing word or named entity."""

from collections.abc import Iterator, Sequence
from typing import Any

from torana.engines import english
from torana.engines.engine import Capability, Engine
from torana.engines.entities import TYPES
from torana.personal.find import Personal, by_pattern, surest, without_overlaps

_BY_ENTITY = {"PERSON": "NAME", "DATE": "DATE_TIME", "TIME": "DATE_TIME"}
_LEAST = 0.3
"""Readings of an entity that fewer agree on are left out."""


class _Pii:
    def __init__(self, nlp: Any) -> None:
        self._nlp = nlp

    def run(self, batch: Sequence[str], /) -> list[list[Personal]]:
        docs = english.parse(self._nlp, batch)
        return [
            without_overlaps(sorted(by_pattern(text), key=surest), self._named(doc))
            for text, doc in zip(batch, docs, strict=True)
        ]

    def _named(self, doc: Any) -> Iterator[Personal]:
        agreed = english.agreement(self._nlp, doc, TYPES)
        for span in doc.ents:
            score = agreed.get((span.start, span.end, TYPES[span.label_]), 0.0)
            kind = _BY_ENTITY.get(span.label_)
            # A bare number that is longer than a year is no date.
            bare = span.text.isdigit() and len(span.text) > 4
            if kind and score >= _LEAST and not bare:
                yield Personal(kind, span.start_char, span.end_char, score)


def load() -> Engine[str, list[Personal]]:
    """Raises `EngineMissing`."""
    return _Pii(english.pipeline("pii"))


ENGINE = Capability(
    name="pii",
    input=str,
    output=list[Personal],
    load=load,
    languages=english.LANGUAGES,
    host=english.HOST,
)
