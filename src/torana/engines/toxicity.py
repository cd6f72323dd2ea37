"""How toxic an English text is, and in which manner: a small network read word by word.

The network is tox-block's (Pascal Bliem, MIT): two LSTMs of 50 units over GloVe vectors, learned
from Jigsaw's comments of Wikipedia's talk pages. `bench/convert_toxicity.py` took its weights; the
arithmetic is ours. It knows 20,000 words as they are written: a word in disguise is not seen.
"""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from io import BytesIO
from typing import Any

from msgspec import Struct

from torana.engines.engine import Capability, Engine, package

LANGUAGES = frozenset(["en"])
_WEIGHTS = "toxicity.npz"
_WINDOW, _STEP, _MOST = 100, 75, 40
"""Words that are read at once, how far the next ones begin, and how many such windows of a text."""
_UNITS = 50
_WORD = re.compile(r"[^\s!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~]+")


class Toxicity(Struct, frozen=True):
    """Probabilities, each by itself: a text may be several or none."""

    toxic: float
    severe: float
    obscene: float
    threat: float
    insult: float
    identity_hate: float


class Reader:
    """The engine. `weights`: as the conversion writes them."""

    def __init__(self, numpy: Any, weights: Mapping[str, Any]) -> None:
        self._numpy = numpy
        words = bytes(weights["words"]).decode().split("\n")
        self._places = {word: place for place, word in enumerate(words, 1)}
        self._vectors = weights["vectors"].astype("float32")
        self._vectors *= weights["scale"].astype("float32")[:, None]
        self._layers = {
            name: value.astype("float32")
            for name, value in weights.items()
            if name not in ("words", "vectors", "scale")
        }

    def run(self, batch: Sequence[str], /) -> list[Toxicity]:
        """See `Engine`. Of a long text its worst part counts."""
        parts = [self._windows(text) for text in batch]
        scores = self._scores([window for each in parts for window in each])
        found, at = list[Toxicity](), 0
        for each in parts:
            worst = scores[at : at + len(each)].max(axis=0)
            found.append(Toxicity(*(float(score) for score in worst)))
            at += len(each)
        return found

    def _windows(self, text: str) -> list[list[int]]:
        """The places of the known words, by windows; one at least, which may be empty."""
        words = _WORD.findall(text.lower().replace("\u2019", "'"))
        places = [self._places[word] for word in words if word in self._places]
        starts = range(0, max(1, len(places) - (_WINDOW - _STEP)), _STEP)[:_MOST]
        return [places[start : start + _WINDOW] for start in starts]

    def _scores(self, windows: list[list[int]]) -> Any:
        numpy = self._numpy
        rows = numpy.zeros((len(windows), _WINDOW), "int32")
        for row, places in zip(rows, windows, strict=True):
            row[_WINDOW - len(places) :] = places
        read = self._vectors[rows]
        ahead = self._strongest(read, "forward")
        back = self._strongest(read[:, ::-1], "backward")
        layers = self._layers
        both = numpy.concatenate([ahead, back], axis=1)
        hidden = numpy.maximum(both @ layers["hidden_kernel"] + layers["hidden_bias"], 0)
        return 1 / (1 + numpy.exp(-(hidden @ layers["out_kernel"] + layers["out_bias"])))

    def _strongest(self, read: Any, side: str) -> Any:
        """What an LSTM says of each window at its strongest, unit by unit."""
        numpy, recurrent = self._numpy, self._layers[f"{side}_recurrent_kernel"]
        given = read @ self._layers[f"{side}_kernel"] + self._layers[f"{side}_bias"]
        said = cell = numpy.zeros((len(read), _UNITS), "float32")
        strongest = numpy.full_like(cell, -1)
        for at in range(_WINDOW):
            gates = given[:, at] + said @ recurrent
            opened = numpy.clip(0.2 * gates + 0.5, 0, 1)
            news = numpy.tanh(gates[:, 2 * _UNITS : 3 * _UNITS])
            cell = opened[:, _UNITS : 2 * _UNITS] * cell + opened[:, :_UNITS] * news
            said = opened[:, 3 * _UNITS :] * numpy.tanh(cell)
            strongest = numpy.maximum(strongest, said)
        return strongest


def load() -> Engine[str, Toxicity]:
    """Raises `EngineMissing`."""
    numpy = package("toxicity", "numpy")
    kept = files("torana.engines").joinpath(_WEIGHTS).read_bytes()
    with numpy.load(BytesIO(kept)) as weights:
        return Reader(numpy, dict(weights))


ENGINE = Capability(
    name="toxicity",
    input=str,
    output=Toxicity,
    load=load,
    languages=LANGUAGES,
    host="sentiment",
    batch=16,
)
