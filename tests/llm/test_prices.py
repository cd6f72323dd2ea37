"""What models cost: the catalogue that comes along, and what the settings say."""

from torana.llm.chat import Usage
from torana.llm.prices import catalogue, price_of
from torana.llm_settings import LlmPrice


def test_the_catalogue_knows_models_by_name_and_without_their_date() -> None:
    prices = catalogue({})
    assert len(prices) > 2000
    haiku = price_of(prices, "claude-haiku-4-5-20251001")
    assert haiku is not None
    assert haiku == price_of(prices, "claude-haiku-4-5")
    assert 0 < haiku.cached < haiku.input < haiku.output < 1e-4
    assert price_of(prices, "nobody-knows-this") is None


def test_the_settings_win() -> None:
    prices = catalogue({"gpt-4o": LlmPrice(1.0, 2.0, 0.5)})
    price = price_of(prices, "gpt-4o")
    assert price is not None
    assert round(price.of(Usage(input=1_000_000, output=500_000, cached=200_000)), 6) == 1.9
