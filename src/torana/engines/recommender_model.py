"""A trained recommender: what is kept of it, and how it ranks.

Personal: items as vectors, learned by alternating least squares on implicit feedback (Hu, Koren and
Volinsky, "Collaborative Filtering for Implicit Feedback Datasets"). A user's vector is solved for
from what the user did, at the time of asking, so that new users and new events count at once.
Similar: the cosine of who wanted the items. The file holds arrays and JSON only.
"""

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from torana.engines.engine import EngineMissing
from torana.model.recommendation import PERSONAL, SIMILAR

_EXTRA = "personalize"
CONFIDENCE = 1.0
"""How much surer one more interaction makes."""
_LEAST, _MOST = 1.0, 20.0


def need(name: str) -> Any:
    """A module of the extra. Raises `EngineMissing`."""
    try:
        return import_module(name)
    except ImportError as error:
        raise EngineMissing(
            f"recommendation needs the package {error.name!r}: pip install 'torana[{_EXTRA}]'"
        ) from error


class Model:
    """`arrays`: `popular` (a number for each item); by method `vectors`, or the rows of a sparse
    matrix of similarities."""

    def __init__(self, method: str, items: list[str], arrays: dict[str, Any]) -> None:
        self.method, self.items, self.arrays = method, items, arrays
        self.places = {item: at for at, item in enumerate(items)}
        self._square: Any = None

    def scores(self, history: Sequence[str], item: str = "") -> Any:
        """A number for every item, the greater the better. `history`: what the user did."""
        popular = self.arrays["popular"]
        if self.method == SIMILAR:
            return self._similar(item)
        if self.method != PERSONAL:
            return popular
        known = [self.places[each] for each in history if each in self.places]
        if not known:
            return popular / max(float(popular.max()), 1.0)
        return self.arrays["vectors"] @ self._user(known)

    def _similar(self, item: str) -> Any:
        numpy, at = need("numpy"), self.places.get(item)
        # What nothing is known of is ranked by how many want it, behind everything else.
        popular = self.arrays["popular"]
        found = (popular / max(float(popular.max()), 1.0) * 1e-6).astype("float64")
        if at is None:
            return found
        begin, end = self.arrays["starts"][at : at + 2]
        found[self.arrays["places"][begin:end]] += self.arrays["values"][begin:end]
        found[at] = -numpy.inf
        return found

    def _user(self, known: Sequence[int]) -> Any:
        """The vector that fits what a user did best."""
        numpy, vectors = need("numpy"), self.arrays["vectors"]
        if self._square is None:
            penalty = float(self.arrays["penalty"]) * numpy.eye(vectors.shape[1])
            self._square = vectors.T @ vectors + penalty
        places, counts = numpy.unique(numpy.asarray(known), return_counts=True)
        sure, near = confidence(counts), vectors[places]
        left = self._square + (near * (sure - 1)[:, None]).T @ near
        return numpy.linalg.solve(left, near.T @ sure)

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        told = json.dumps({"method": self.method, "items": self.items})
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            need("numpy").savez(file, told=told, **self.arrays)
        fresh.replace(path)


def penalty(matrix: Any) -> float:
    """On long vectors: the more is known of each user and item, the more (found by trying)."""
    return min(max(matrix.nnz / sum(matrix.shape), _LEAST), _MOST)


def confidence(counts: Any) -> Any:
    """How sure it is that a user wants an item, from how often they met."""
    return 1.0 + CONFIDENCE * need("numpy").log1p(counts)


def read(path: Path) -> Model:
    """A model's file. Raises `OSError` and `ValueError`."""
    with need("numpy").load(path, allow_pickle=False) as file:
        told = json.loads(str(file["told"]))
        arrays = {name: file[name] for name in file.files if name != "told"}
        return Model(told["method"], told["items"], arrays)
