"""Entities of one's own, found with recognisers that were trained here."""

from collections.abc import Sequence

from msgspec import Struct

from torana.engines.engine import Capability, Engine
from torana.engines.entities import Entity
from torana.engines.kept import Kept
from torana.engines.recognizer import Model, need


class Question(Struct, frozen=True):
    """A text for a model."""

    path: str
    """The model's file."""
    text: str


class _Recognizer:
    def __init__(self) -> None:
        need("pycrfsuite")
        self._models = Kept(Model)

    def run(self, batch: Sequence[Question], /) -> list[list[Entity]]:
        return [self._entities(each) for each in batch]

    def _entities(self, question: Question) -> list[Entity]:
        text = question.text
        return [
            Entity(place.type, text[place.begin : place.end], place.begin, place.end, place.score)
            for place in self._models(question.path).places(text)
        ]


def load() -> Engine[Question, list[Entity]]:
    """Raises `EngineMissing`."""
    return _Recognizer()


ENGINE = Capability(name="custom_entities", input=Question, output=list[Entity], load=load)
