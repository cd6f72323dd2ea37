"""Labels of one's own, by models that were trained here on features of pictures.

A label is a logistic regression over EfficientNet-Lite0's 1280 features, of length 1. The file
holds arrays and JSON only.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from torana.engines.efficientnet_lite import EfficientNetLite, fitted, network
from torana.engines.engine import Capability, Engine
from torana.engines.kept import Kept
from torana.engines.vision import BadPicture, decode, need
from torana.model.picture import Sight


class Custom(Struct, frozen=True):
    """A label and how sure it is."""

    name: str
    score: float


class Customs(Struct, frozen=True):
    """The labels, the surest first, or why there are none."""

    labels: list[Custom] = []
    bad: str = ""


class Model:
    """`weights`: a row for each label."""

    def __init__(self, labels: list[str], weights: Any, bias: Any) -> None:
        self.labels, self.weights, self.bias = labels, weights, bias

    def scores(self, rows: Any) -> Any:
        """A row of features to a probability for each label, each by itself."""
        return 1 / (1 + need("numpy").exp(-(rows @ self.weights.T + self.bias)))

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            told = json.dumps(self.labels)
            need("numpy").savez(file, labels=told, weights=self.weights, bias=self.bias)
        fresh.replace(path)


def read(path: Path) -> Model:
    """A model's file. Raises `OSError` and `ValueError`."""
    with need("numpy").load(path, allow_pickle=False) as file:
        return Model(json.loads(str(file["labels"])), file["weights"], file["bias"])


def features(net: EfficientNetLite, data: bytes, *, mirrored: bool = False) -> Any:
    """Of a picture, of length 1. Raises `BadPicture`."""
    numpy = need("numpy")
    pixels = fitted(decode(data))
    found = net.features(pixels[:, ::-1] if mirrored else pixels)
    return found / max(float(numpy.linalg.norm(found)), 1e-6)


class _Labeller:
    def __init__(self, net: EfficientNetLite) -> None:
        self._net = net
        self._models = Kept(read)

    def run(self, batch: Sequence[Sight], /) -> list[Customs]:
        return [self._labels(each) for each in batch]

    def _labels(self, sight: Sight) -> Customs:
        model = self._models(sight.model)
        try:
            row = features(self._net, sight.picture)
        except BadPicture as error:
            return Customs(bad=str(error))
        (scores,) = model.scores(row[None])
        found = [Custom(n, float(s)) for n, s in zip(model.labels, scores, strict=True)]
        return Customs(sorted(found, key=lambda label: -label.score))


def load() -> Engine[Sight, Customs]:
    """Raises `EngineMissing`."""
    return _Labeller(network())


ENGINE = Capability(name="custom_labels", input=Sight, output=Customs, load=load, batch=4)
