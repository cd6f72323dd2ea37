"""Training of a text classifier on labelled documents, with scikit-learn."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from torana.engines.classifier import Model, counts, need, weighted
from torana.engines.engine import Capability, Engine

_HELD_OUT = 0.1
_LEAST = 10
"""Documents of a label, as the service asks for."""


class Document(Struct, frozen=True):
    """A text and what it is."""

    labels: tuple[str, ...]
    text: str


class Training(Struct, frozen=True):
    """What to train."""

    documents: list[Document]
    test: list[Document]
    """To measure with; when empty, a tenth of the documents is kept back for that."""
    exclusive: bool
    """Whether a document has one label."""
    path: str
    """Where the model's file is to be."""


class Trained(Struct, frozen=True):
    """What came of it."""

    labels: int = 0
    documents: int = 0
    tested: int = 0
    metrics: dict[str, float] = {}
    """By the service's names."""
    bad: str = ""
    """Set when nothing can be learned from the documents."""


class _Trainer:
    def __init__(self) -> None:
        need("sklearn")

    def run(self, batch: Sequence[Training], /) -> list[Trained]:
        return [self._train(each) for each in batch]

    def _train(self, wanted: Training) -> Trained:
        learned, test = list(wanted.documents), list(wanted.test)
        if not test:
            random.Random(7).shuffle(learned)  # noqa: S311  nothing secret
            kept = max(1, round(len(learned) * _HELD_OUT))
            learned, test = learned[kept:], learned[:kept]
        labels = sorted({label for each in learned for label in each.labels})
        if bad := _objection(learned, labels):
            return Trained(bad=bad)
        model = _fit(learned, labels, wanted.exclusive)
        model.save(Path(wanted.path))
        metrics = _measure(model, test)
        return Trained(len(labels), len(learned), len(test), metrics)


def _objection(documents: list[Document], labels: list[str]) -> str:
    if len(labels) < 2:
        return "The documents must have two labels at least"
    for label in labels:
        found = sum(label in each.labels for each in documents)
        if found < _LEAST:
            return f"The label {label!r} has {found} documents for training; {_LEAST} are needed"
    return ""


def _fit(documents: list[Document], labels: list[str], exclusive: bool) -> Model:
    numpy = need("numpy")
    rows = counts([each.text for each in documents])
    found = numpy.bincount(rows.indices, minlength=rows.shape[1])
    idf = (numpy.log((1 + len(documents)) / (1 + found)) + 1).astype(numpy.float32)
    features = need("sklearn.preprocessing").normalize(weighted(rows, idf))
    make = need("sklearn.linear_model").LogisticRegression
    if exclusive:
        answer = [labels.index(each.labels[0]) for each in documents]
        fitted = make(C=30.0, max_iter=300, class_weight="balanced").fit(features, answer)
        weights, bias = fitted.coef_, fitted.intercept_
        if len(labels) == 2:
            weights, bias = numpy.vstack([-weights, weights]) / 2, numpy.r_[-bias, bias] / 2
    else:
        each = [
            make(C=30.0, max_iter=300, class_weight="balanced").fit(
                features, [label in document.labels for document in documents]
            )
            for label in labels
        ]
        weights = numpy.vstack([one.coef_ for one in each])
        bias = numpy.concatenate([one.intercept_ for one in each])
    return Model(labels, exclusive, idf, weights.astype(numpy.float32), bias.astype(numpy.float32))


def _measure(model: Model, test: list[Document]) -> dict[str, float]:
    numpy, metrics = need("numpy"), need("sklearn.metrics")
    scores = model.scores([each.text for each in test])
    truth = numpy.array([[label in each.labels for label in model.labels] for each in test])
    least = scores.max(axis=1, keepdims=True) if model.exclusive else 0.5
    said = scores >= least
    found: dict[str, float] = {
        "Accuracy": float((truth == said).all(axis=1).mean()),
        "HammingLoss": float((truth != said).mean()),
    }
    for average, prefix in (("macro", ""), ("micro", "Micro")):
        numbers: Any = metrics.precision_recall_fscore_support(
            truth, said, average=average, zero_division=0
        )
        names = ("Precision", "Recall", "F1Score")
        found.update({f"{prefix}{n}": float(v) for n, v in zip(names, numbers[:3], strict=True)})
    return found


def load() -> Engine[Training, Trained]:
    """Raises `EngineMissing`."""
    return _Trainer()


ENGINE = Capability(
    name="classifier_training",
    input=Training,
    output=Trained,
    load=load,
    batch=1,
    longest=3600.0,
)
