"""Training of a custom entity recogniser on marked texts, with CRFsuite."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from torana.engines.engine import Capability, Engine
from torana.engines.recognizer import Model, features, labels, need, words
from torana.model.marked_text import Marked, Measured, Training

_HELD_OUT = 0.1
_LEAST = 25
"""Mentions of a type, as the service asks for."""
_SETTINGS = {"c1": 0.1, "c2": 0.05, "max_iterations": 100, "feature.possible_transitions": True}


class Trained(Struct, frozen=True):
    """What came of it."""

    documents: int = 0
    tested: int = 0
    whole: Measured = Measured(0, 0, 0)
    types: dict[str, Measured] = {}
    bad: str = ""
    """Set when nothing can be learned from the documents."""


class _Trainer:
    def __init__(self) -> None:
        need("pycrfsuite")

    def run(self, batch: Sequence[Training], /) -> list[Trained]:
        return [self._train(each) for each in batch]

    def _train(self, wanted: Training) -> Trained:
        learned, test = list(wanted.documents), list(wanted.test)
        mentions = Counter(kind for each in learned for _, _, kind in each.spans)
        for kind in wanted.types:
            if mentions[kind] < _LEAST:
                told = f"The entity type {kind} has {mentions[kind]} mentions in the documents; "
                return Trained(bad=f"{told}{_LEAST} are needed")
        if not test:
            random.Random(7).shuffle(learned)  # noqa: S311  nothing secret
            kept = max(1, round(len(learned) * _HELD_OUT))
            learned, test = learned[kept:], learned[:kept]
        model = _fit(learned, Path(wanted.path))
        counts = _measure(model, test)
        mentions = Counter(kind for each in learned for _, _, kind in each.spans)
        return Trained(
            len(learned),
            len(test),
            _measured([sum(column) for column in zip(*counts.values(), strict=True)]),
            {kind: _measured(counts[kind], mentions[kind]) for kind in wanted.types},
        )


def _fit(documents: Sequence[Marked], path: Path) -> Model:
    trainer = need("pycrfsuite").Trainer(algorithm="lbfgs", params=_SETTINGS, verbose=False)
    for each in documents:
        row = words(each.text)
        if row:
            trainer.append(features(row), labels(row, each.spans))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    trainer.train(str(fresh))
    fresh.replace(path)
    return Model(path)


def _measure(model: Model, test: Sequence[Marked]) -> Mapping[str, list[int]]:
    """Found rightly, found, there; by type. Begin, end and type must all agree."""
    counts = defaultdict[str, list[int]](lambda: [0, 0, 0])
    for each in test:
        said = {(place.begin, place.end, place.type) for place in model.places(each.text)}
        true = set(each.spans)
        for column, group in enumerate((said & true, said, true)):
            for _, _, kind in group:
                counts[kind][column] += 1
    return counts


def _measured(counts: Sequence[int], mentions: int = 0) -> Measured:
    right, said, true = counts or (0, 0, 0)
    precision, recall = 100 * right / said if said else 0.0, 100 * right / true if true else 0.0
    both = precision + recall
    return Measured(precision, recall, 2 * precision * recall / both if both else 0.0, mentions)


def load() -> Engine[Training, Trained]:
    """Raises `EngineMissing`."""
    return _Trainer()


ENGINE = Capability(
    name="recognizer_training",
    input=Training,
    output=Trained,
    load=load,
    batch=1,
    longest=3600.0,
)
