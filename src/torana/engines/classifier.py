"""What training and classification share: features of a text, and a model as a file of numbers.

A text is the TF-IDF of its hashed words, pairs of words and pieces of words, so that no vocabulary
is kept and every language works; the classes are a logistic regression over it. The file holds
arrays only: reading it runs nothing.
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from torana.engines.engine import EngineMissing

_FEATURES = 1 << 16
_EXTRA = "classify"


def need(name: str) -> Any:
    """A module of the extra. Raises `EngineMissing`."""
    try:
        return import_module(name)
    except ImportError as error:
        raise EngineMissing(
            f"classification needs the package {error.name!r}: pip install 'torana[{_EXTRA}]'"
        ) from error


def counts(texts: list[str]) -> Any:
    """A sparse row of hashed features for each text."""
    text = need("sklearn.feature_extraction.text")
    rows = [
        text.HashingVectorizer(
            n_features=_FEATURES,
            alternate_sign=False,
            analyzer=analyzer,
            ngram_range=lengths,
            norm=None,
            dtype=need("numpy").float32,
        ).transform(texts)
        for analyzer, lengths in (("word", (1, 2)), ("char_wb", (3, 5)))
    ]
    return need("scipy.sparse").hstack(rows, format="csr")


class Model:
    """A trained classifier."""

    def __init__(
        self, labels: list[str], exclusive: bool, idf: Any, weights: Any, bias: Any
    ) -> None:
        """`exclusive`: a text has one label; else any number. `weights`: a row for each label."""
        self.labels, self.exclusive = labels, exclusive
        self._idf, self._weights, self._bias = idf, weights, bias

    def scores(self, texts: list[str]) -> Any:
        """A row for each text, a probability for each label."""
        numpy = need("numpy")
        rows = need("sklearn.preprocessing").normalize(weighted(counts(texts), self._idf))
        logits = rows @ self._weights.T + self._bias
        if not self.exclusive:
            return 1 / (1 + numpy.exp(-logits))
        exponents = numpy.exp(logits - logits.max(axis=1, keepdims=True))
        return exponents / exponents.sum(axis=1, keepdims=True)

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        told = json.dumps({"labels": self.labels, "exclusive": self.exclusive})
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            need("numpy").savez(
                file, told=told, idf=self._idf, weights=self._weights, bias=self._bias
            )
        fresh.replace(path)


def read(path: Path) -> Model:
    """A model's file. Raises `OSError` and `ValueError`."""
    with need("numpy").load(path, allow_pickle=False) as file:
        told = json.loads(str(file["told"]))
        return Model(told["labels"], told["exclusive"], file["idf"], file["weights"], file["bias"])


def weighted(rows: Any, idf: Any) -> Any:
    """Counts, dampened and weighted by how rare each feature is."""
    rows = rows.copy()
    rows.data = 1 + need("numpy").log(rows.data)
    return rows.multiply(idf).tocsr()
