"""Write the price catalogue that comes along from the package genai-prices, which Pydantic keeps.

    pip install -U genai-prices && python -m bench.prices

Prices are those of today for the shortest context, in US dollars for a million tokens. Of a name
that several providers have, the one earlier in `MAKERS` counts.
"""

from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from genai_prices.data import providers

MAKERS = ("openai", "anthropic", "google", "mistral", "cohere", "deepseek", "x-ai", "groq")
FILE = Path("src/torana/llm/prices.json")


def main() -> None:
    """Read the package's data, and write ours."""
    found: dict[str, dict[str, float]] = {}
    order = {name: at for at, name in enumerate(MAKERS)}
    for provider in sorted(providers, key=lambda each: order.get(each.id, len(order))):
        for model in provider.models:
            price = _price(model)
            if price is None:
                continue
            for name in (model.id, *_equals(model.match)):
                found.setdefault(name, price)
    source = f"genai-prices {version('genai-prices')} (MIT), read {datetime.now(UTC):%Y-%m-%d}"
    rows = ",\n".join(
        f"{msgspec.json.encode(name).decode()}: {msgspec.json.encode(found[name]).decode()}"
        for name in sorted(found)
    )
    head = msgspec.json.encode(source).decode()
    FILE.write_text(f'{{"source": {head}, "models": {{\n{rows}\n}}}}\n')
    print(f"{len(found)} models from {source}")


def _price(model: Any) -> dict[str, float] | None:
    now = datetime.now(UTC).replace(hour=12)  # some are cheaper at night
    prices = model.get_prices(now)
    taken = {
        "input": _number(prices.input_mtok),
        "output": _number(prices.output_mtok),
        "cached": _number(prices.cache_read_mtok),
    }
    if taken["input"] is None:
        return None
    taken["output"] = taken["output"] or 0.0
    return {name: value for name, value in taken.items() if value is not None}


def _number(price: Any) -> float | None:
    if price is None:
        return None
    value = getattr(price, "base", price)
    return float(value) if isinstance(value, Decimal | int | float) else None


def _equals(clause: Any) -> list[str]:
    """The names that a rule of matching spells out."""
    found = [clause.equals] if hasattr(clause, "equals") else []
    for each in getattr(clause, "or_", None) or ():
        found += _equals(each)
    return found


if __name__ == "__main__":
    main()
