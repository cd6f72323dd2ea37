"""What tokens cost: a catalogue that comes along, and what the settings say otherwise."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

import msgspec
from msgspec import Struct

from torana.llm.chat import Usage
from torana.llm_settings import LlmPrice

_MILLION = 1_000_000


class Price(Struct, frozen=True):
    """US dollars a token."""

    input: float
    output: float
    cached: float

    def of(self, usage: Usage) -> float:
        """What an answer cost, in US dollars."""
        fresh = usage.input - usage.cached
        return fresh * self.input + usage.cached * self.cached + usage.output * self.output

    def worst(self) -> float:
        """To compare with others by."""
        return self.input + self.output


def catalogue(overrides: Mapping[str, LlmPrice]) -> dict[str, Price]:
    """Prices by a provider's model."""
    text = files("torana.llm").joinpath("prices.toml").read_text("utf-8")
    known = msgspec.convert(tomllib.loads(text)["models"], dict[str, LlmPrice])
    return {name: _price(each) for name, each in {**known, **overrides}.items()}


def _price(given: LlmPrice) -> Price:
    cached = given.input if given.cached is None else given.cached
    return Price(given.input / _MILLION, given.output / _MILLION, cached / _MILLION)
