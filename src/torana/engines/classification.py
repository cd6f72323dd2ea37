"""Texts classified with models that were trained here."""

from collections.abc import Sequence

from msgspec import Struct

from torana.engines.classifier import need, read
from torana.engines.engine import Capability, Engine
from torana.engines.kept import Kept


class Question(Struct, frozen=True):
    """A text for a model."""

    path: str
    """The model's file."""
    text: str


class Class(Struct, frozen=True):
    """A label and how likely it is."""

    label: str
    score: float


class _Classifier:
    def __init__(self) -> None:
        need("sklearn")
        self._models = Kept(read)

    def run(self, batch: Sequence[Question], /) -> list[list[Class]]:
        return [self._classify(each) for each in batch]

    def _classify(self, question: Question) -> list[Class]:
        model = self._models(question.path)
        (scores,) = model.scores([question.text])
        found = [Class(label, float(s)) for label, s in zip(model.labels, scores, strict=True)]
        return sorted(found, key=lambda each: -each.score)


def load() -> Engine[Question, list[Class]]:
    """Raises `EngineMissing`."""
    return _Classifier()


ENGINE = Capability(name="classification", input=Question, output=list[Class], load=load)
