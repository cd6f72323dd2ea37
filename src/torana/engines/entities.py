"""The named entities of a text: who, where, when, what, how much."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from torana.engines import english
from torana.engines.engine import Capability, Engine

TYPES: Mapping[str, str] = {
    "CARDINAL": "QUANTITY",
    "DATE": "DATE",
    "EVENT": "EVENT",
    "FAC": "LOCATION",
    "GPE": "LOCATION",
    "LANGUAGE": "OTHER",
    "LAW": "TITLE",
    "LOC": "LOCATION",
    "MONEY": "QUANTITY",
    "NORP": "OTHER",
    "ORDINAL": "QUANTITY",
    "ORG": "ORGANIZATION",
    "PERCENT": "QUANTITY",
    "PERSON": "PERSON",
    "PRODUCT": "COMMERCIAL_ITEM",
    "QUANTITY": "QUANTITY",
    "TIME": "DATE",
    "WORK_OF_ART": "TITLE",
}
"""OntoNotes' labels as Amazon Comprehend's types."""


class Entity(Struct, frozen=True):
    """A name and where it stands."""

    type: str
    """One of Amazon Comprehend's types."""
    text: str
    begin: int
    """Code points from the start of the text."""
    end: int
    score: float
    """The share of the likeliest readings of the text that agree on span and type."""


class _Entities:
    def __init__(self, nlp: Any) -> None:
        self._nlp = nlp

    def run(self, batch: Sequence[str], /) -> list[list[Entity]]:
        return [self._entities(doc) for doc in english.parse(self._nlp, batch)]

    def _entities(self, doc: Any) -> list[Entity]:
        agreed = english.agreement(self._nlp, doc, TYPES)
        found = list[Entity]()
        for span in doc.ents:
            kind = TYPES[span.label_]
            score = agreed.get((span.start, span.end, kind), 0.0)
            found.append(Entity(kind, span.text, span.start_char, span.end_char, score))
        return found


def load() -> Engine[str, list[Entity]]:
    """Raises `EngineMissing`."""
    return _Entities(english.pipeline("entities"))


ENGINE = Capability(
    name="entities",
    input=str,
    output=list[Entity],
    load=load,
    languages=english.LANGUAGES,
    host=english.HOST,
)
