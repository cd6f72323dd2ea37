"""Tokens of texts, in the vocabulary of OpenAI's models since GPT-4o (o200k_base), which the
package bpe-openai carries."""

import warnings
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from torana.engines.engine import Capability, Engine, EngineMissing, package

VOCABULARY = "o200k_base"


class Words(Struct, frozen=True):
    """A text."""

    text: str


class Tokens(Struct, frozen=True):
    """How many."""

    count: int


class _Counter:
    def __init__(self, encoding: Any) -> None:
        self._encoding = encoding

    def run(self, batch: Sequence[Words], /) -> list[Tokens]:
        """See `Engine`. What looks like a token of control is words, too."""
        return [
            Tokens(len(self._encoding.encode(each.text, disallowed_special=()))) for each in batch
        ]


def load() -> Engine[Words, Tokens]:
    """Raises `EngineMissing`."""
    try:
        with warnings.catch_warnings():
            # It reads its data in a manner that Python 3.11 and 3.12 advise against.
            warnings.simplefilter("ignore", DeprecationWarning)
            return _Counter(package("tokens", "bpe_openai").get_encoding(VOCABULARY))
    except EngineMissing as error:
        raise EngineMissing(
            "estimates of tokens need a vocabulary: pip install 'torana[tokens]'"
        ) from error


ENGINE = Capability(name="tokens", input=Words, output=Tokens, load=load)
