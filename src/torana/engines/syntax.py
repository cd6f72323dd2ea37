"""The words of a text and their parts of speech."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from torana.engines import english
from torana.engines.engine import Capability, Engine


class Token(Struct, frozen=True):
    """A word or a sign, and where it stands."""

    text: str
    begin: int
    """Code points from the start of the text."""
    end: int
    tag: str
    """Universal part of speech; `O` for what is none, as Amazon Comprehend writes it."""
    score: float
    """Probability of the tagger's choice."""


class _Syntax:
    def __init__(self, nlp: Any) -> None:
        self._nlp = nlp

    def run(self, batch: Sequence[str], /) -> list[list[Token]]:
        return [self._tokens(doc) for doc in english.parse(self._nlp, batch)]

    def _tokens(self, doc: Any) -> list[Token]:
        certain = english.tag_certainties(self._nlp, doc)
        return [
            Token(
                token.text,
                token.idx,
                token.idx + len(token.text),
                "O" if token.pos_ == "X" else token.pos_,
                score,
            )
            for token, score in zip(doc, certain, strict=True)
            if not token.is_space
        ]


def load() -> Engine[str, list[Token]]:
    """Raises `EngineMissing`."""
    return _Syntax(english.pipeline("syntax"))


ENGINE = Capability(
    name="syntax",
    input=str,
    output=list[Token],
    load=load,
    languages=english.LANGUAGES,
    host=english.HOST,
)
