"""Personal data in an English text, by shape, check digit, announcing word or named entity."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from msgspec import Struct

from torana.engines import english
from torana.engines.engine import Capability, Engine
from torana.engines.entities import TYPES
from torana.engines.pii_patterns import PATTERNS

_BY_ENTITY = {"PERSON": "NAME", "DATE": "DATE_TIME", "TIME": "DATE_TIME"}
_LEAST = 0.3
"""Readings of an entity that fewer agree on are left out."""


class Personal(Struct, frozen=True):
    """A piece of personal data and where it stands."""

    type: str
    """One of Amazon Comprehend's PII entity types."""
    begin: int
    """Code points from the start of the text."""
    end: int
    score: float
    """For names and dates the share of readings that agree; else fixed by the kind of evidence:
    0.99 a check digit or fixed prefix, 0.9 the shape, 0.8 an announcing word."""


def by_pattern(text: str) -> Iterator[Personal]:
    """Everything that a pattern finds; findings may overlap."""
    for pattern in PATTERNS:
        for match in pattern.shape.finditer(text):
            group = "x" if "x" in pattern.shape.groupindex else 0
            if pattern.holds(match[group]):
                yield Personal(pattern.type, match.start(group), match.end(group), pattern.score)


def without_overlaps(*found: Iterable[Personal]) -> list[Personal]:
    """The first of those that overlap, in the order of the text."""
    kept = list[Personal]()
    for each in chain(*found):
        if all(each.end <= other.begin or other.end <= each.begin for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda p: p.begin)


def _surest(personal: Personal) -> tuple[float, int]:
    return -personal.score, personal.begin - personal.end


class _Pii:
    def __init__(self, nlp: Any) -> None:
        self._nlp = nlp

    def run(self, batch: Sequence[str], /) -> list[list[Personal]]:
        docs = english.parse(self._nlp, batch)
        return [
            without_overlaps(sorted(by_pattern(text), key=_surest), self._named(doc))
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
