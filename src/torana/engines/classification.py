"""Texts classified with models that were trained here."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from torana.engines.classifier import Model, need, read
from torana.engines.engine import Capability, Engine

_MOST = 16
"""Models that are held at the same time."""


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
        self._models: OrderedDict[str, Model] = OrderedDict()

    def run(self, batch: Sequence[Question], /) -> list[list[Class]]:
        return [self._classify(each) for each in batch]

    def _classify(self, question: Question) -> list[Class]:
        model = self._model(question.path)
        (scores,) = model.scores([question.text])
        found = [Class(label, float(s)) for label, s in zip(model.labels, scores, strict=True)]
        return sorted(found, key=lambda each: -each.score)

    def _model(self, path: str) -> Model:
        if path not in self._models:
            self._models[path] = read(Path(path))
            if len(self._models) > _MOST:
                self._models.popitem(last=False)
        self._models.move_to_end(path)
        return self._models[path]


def load() -> Engine[Question, list[Class]]:
    """Raises `EngineMissing`."""
    return _Classifier()


ENGINE = Capability(name="classification", input=Question, output=list[Class], load=load)
