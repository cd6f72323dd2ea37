"""Topics by a few examples: what tells them from everyday talk, in the rows of the embeddings."""
# Rows are NumPy's, which comes with the engines.
# pyright: basic

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

from torana.engines.engine import package
from torana.engines.intent_model import centred_rows
from torana.engines.logistic import separated

_STRETCH = 3.0
"""Of rows before they are told apart: sets what a likelihood of 0.5 means for few examples."""


@cache
def _talk() -> Any:
    """Everyday talk, embedded."""
    numpy = package("topics", "numpy")
    kept = files("torana.engines").joinpath("intent_background.npz").read_bytes()
    with numpy.load(BytesIO(kept)) as file:
        return file["rows"].astype("float32")


class TopicModel:
    """Weights and a bias for each topic."""

    def __init__(self, examples: Mapping[str, Sequence[Sequence[float]]]) -> None:
        """`examples`: rows of length 1, at least one of each topic. Takes part of a second."""
        numpy = self._numpy = package("topics", "numpy")
        talk = _talk()
        self._mean = talk.mean(axis=0)
        others = self._near(talk)
        self._topics: list[tuple[str, Any, float]] = []
        for name, rows in examples.items():
            near = self._near(numpy.asarray(rows, "float32"))
            answer = numpy.arange(len(near) + len(others)) < len(near)
            weights, bias = separated(numpy, numpy.vstack([near, others]), answer)
            self._topics.append((name, weights, bias))

    def _near(self, rows: Any) -> Any:
        return centred_rows(rows, self._mean) * _STRETCH

    def likelihoods(self, row: Sequence[float]) -> dict[str, float]:
        """How likely a text is of each topic, 0 to 1."""
        (near,) = self._near(self._numpy.asarray([row], "float32"))
        return {
            name: float(1 / (1 + self._numpy.exp(-(near @ weights + bias))))
            for name, weights, bias in self._topics
        }
