"""What tokens cost: a catalogue that comes along, and what the settings say otherwise."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from torana.llm.chat import Usage
from torana.llm_settings import LlmPrice

_MILLION = 1_000_000
_DATE = re.compile(r"-(?:\d{8}|\d{4}-\d\d-\d\d)$")


class _Catalogue(Struct):
    """What `bench/prices.py` writes."""

    source: str
    models: dict[str, LlmPrice]


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
    return {**_kept(), **_prices(overrides)}


@cache
def _kept() -> dict[str, Price]:
    """Those that come along: a start asks for them several times. Not to be changed."""
    data = files("torana.llm").joinpath("prices.json").read_bytes()
    return _prices(msgspec.json.decode(data, type=_Catalogue).models)


def _prices(given: Mapping[str, LlmPrice]) -> dict[str, Price]:
    return {name: _price(each) for name, each in given.items()}


def price_of(prices: Mapping[str, Price], model: str) -> Price | None:
    """By the model's name, or by that without its date (`-20251001`, `-2025-10-01`)."""
    return prices.get(model) or prices.get(_DATE.sub("", model))


def _price(given: LlmPrice) -> Price:
    cached = given.input if given.cached is None else given.cached
    return Price(given.input / _MILLION, given.output / _MILLION, cached / _MILLION)
