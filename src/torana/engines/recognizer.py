"""What training and use of custom entity recognisers share: words, features, the model's file.

A text is a row of words and signs, each told by itself, its pieces, its shape and its neighbours; a
conditional random field (CRFsuite) labels them as beginning, inside or outside of an entity. No
vocabulary or language is presupposed; of scripts without blanks every character is a word.
"""

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from torana.engines.engine import EngineMissing

_EXTRA = "classify"
_WORD = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]|[^\W_\u2e80-\u9fff\uac00-\ud7af]+|[^\w\s]|_")


class Word(NamedTuple):
    """A word or sign and where it stands."""

    text: str
    begin: int
    end: int


class Place(NamedTuple):
    """An entity: code points, type, probability."""

    begin: int
    end: int
    type: str
    score: float


def need(name: str) -> Any:
    """A module of the extra. Raises `EngineMissing`."""
    try:
        return import_module(name)
    except ImportError as error:
        raise EngineMissing(
            f"entity recognition of one's own needs the package {error.name!r}: "
            f"pip install 'torana[{_EXTRA}]'"
        ) from error


def words(text: str) -> list[Word]:
    """The words and signs of a text."""
    return [Word(found[0], *found.span()) for found in _WORD.finditer(text)]


def features(row: Sequence[Word]) -> list[list[str]]:
    """What is told of each word: of itself, and of two at either side."""
    own = [_of(word.text) for word in row]
    lower = [word.text.lower() for word in row]
    found: list[list[str]] = []
    for at, each in enumerate(own):
        more = [*each]
        for step in (-2, -1, 1, 2):
            place = at + step
            if 0 <= place < len(row):
                more += [f"{step}={lower[place]}", f"{step}s={_shape(row[place].text)}"]
            else:
                more.append(f"{step}=")
        more += [f"-1+0={lower[at - 1] if at else ''} {lower[at]}"]
        found.append(more)
    return found


def _of(word: str) -> list[str]:
    lower = word.lower()
    pieces = [f"p{n}={lower[:n]}" for n in (2, 3)] + [f"e{n}={lower[-n:]}" for n in (2, 3)]
    return [f"w={lower}", f"s={_shape(word)}", f"n={min(len(word), 8)}", *pieces]


def _shape(word: str) -> str:
    """Capitals, small letters, digits and signs, runs of them as one."""
    kinds = (
        "X" if c.isupper() else "x" if c.isalpha() else "9" if c.isdigit() else c for c in word
    )
    return re.sub(r"(.)\1+", r"\1", "".join(kinds))


def labels(row: Sequence[Word], spans: Sequence[tuple[int, int, str]]) -> list[str]:
    """What each word is, by the entities: a word belongs to one that overlaps it."""
    found = ["O"] * len(row)
    for begin, end, kind in sorted(spans):
        inside = [at for at, word in enumerate(row) if word.begin < end and word.end > begin]
        for place, at in enumerate(inside):
            found[at] = f"{'I' if place else 'B'}-{kind}"
    return found


class Model:
    """A trained recogniser. Raises `OSError` and `ValueError` for a file that is none."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise FileNotFoundError(path)
        self._tagger = need("pycrfsuite").Tagger()
        self._tagger.open(str(path))

    def places(self, text: str) -> list[Place]:
        """The entities of a text. A score is the probability of the least likely of its words."""
        row = words(text)
        if not row:
            return []
        said: list[str] = self._tagger.tag(features(row))
        sure = [self._tagger.marginal(label, at) for at, label in enumerate(said)]
        return [
            Place(row[first].begin, row[last - 1].end, kind, min(sure[first:last]))
            for first, last, kind in _runs(said)
        ]


def _runs(said: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """First word, the one after the last, type."""
    start, kind = 0, ""
    for at, label in enumerate([*said, "O"]):
        if kind and label != f"I-{kind}":
            yield start, at, kind
            kind = ""
        if label != "O" and not kind:
            start, kind = at, label[2:]
