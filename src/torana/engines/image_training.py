"""Training of labels of one's own on pictures, seen as they are and mirrored."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from torana.engines.custom_labels import Model, features
from torana.engines.efficientnet_lite import EfficientNetLite, network
from torana.engines.engine import Capability, Engine
from torana.engines.logistic import separated
from torana.engines.vision import BadPicture, need
from torana.model.picture import Example, Pupil

_HELD_OUT = 0.2


class Taught(Struct, frozen=True):
    """What came of it."""

    labels: int = 0
    trained: int = 0
    tested: int = 0
    f1: float = 0.0
    """The mean of the labels' F1 at one half, on pictures that were kept back."""
    bad: str = ""
    """Set when nothing can be learned."""


class _Trainer:
    def __init__(self, net: EfficientNetLite) -> None:
        self._net = net

    def run(self, batch: Sequence[Pupil], /) -> list[Taught]:
        return [self._train(each) for each in batch]

    def _train(self, pupil: Pupil) -> Taught:
        learned, test = list(pupil.examples), list(pupil.test)
        if not test:
            random.Random(7).shuffle(learned)  # noqa: S311  nothing secret
            kept = round(len(learned) * _HELD_OUT)
            learned, test = learned[kept:], learned[:kept]
        labels = sorted({label for each in learned for label in each.labels})
        if len(labels) < 2 or not test:
            return Taught(bad="There must be pictures of two labels at least, and some to test")
        try:
            rows, truth = self._rows(learned, labels, mirrored=True)
            seen, wanted = self._rows(test, labels, mirrored=False)
        except BadPicture as error:
            return Taught(bad=str(error))
        numpy = need("numpy")
        fitted = [separated(numpy, rows, truth[:, at]) for at in range(len(labels))]
        weights = numpy.asarray([each[0] for each in fitted], "float32")
        model = Model(labels, weights, numpy.asarray([each[1] for each in fitted], "float32"))
        model.save(Path(pupil.path))
        said = model.scores(seen) >= 0.5
        return Taught(len(labels), len(learned), len(test), _f1(said, wanted))

    def _rows(
        self, examples: Sequence[Example], labels: Sequence[str], *, mirrored: bool
    ) -> tuple[Any, Any]:
        """Features and truth, a row for each picture and each mirrored one."""
        numpy = need("numpy")
        rows, truth = list[Any](), list[list[bool]]()
        for each in examples:
            data = Path(each.path).read_bytes()
            for turned in (False, True) if mirrored else (False,):
                try:
                    rows.append(features(self._net, data, mirrored=turned))
                except BadPicture as error:
                    name = Path(each.path).name
                    raise BadPicture(f"Picture {name}: {error}") from None
                truth.append([label in each.labels for label in labels])
        return numpy.asarray(rows, "float32"), numpy.asarray(truth)


def _f1(said: Any, wanted: Any) -> float:
    """The mean over the labels that there are pictures of."""
    found: list[float] = []
    for at in range(wanted.shape[1]):
        right = int((said[:, at] & wanted[:, at]).sum())
        total = int(said[:, at].sum() + wanted[:, at].sum())
        if wanted[:, at].any():
            found.append(2 * right / total if total else 0.0)
    return sum(found) / len(found) if found else 0.0


def load() -> Engine[Pupil, Taught]:
    """Raises `EngineMissing`."""
    return _Trainer(network())


ENGINE = Capability(
    name="image_training", input=Pupil, output=Taught, load=load, batch=1, longest=3600.0
)
