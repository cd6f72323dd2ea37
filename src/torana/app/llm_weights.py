"""Weights of a model's targets, changed at run time: a canary grows, or is taken back, in every
process at once and without a restart."""

from collections.abc import Mapping
from typing import Any

import msgspec

from torana.llm.prices import Price
from torana.llm.route import Models, Target
from torana.state.store import Change, Deleted, Document, Store

WEIGHTS = "llm.weights"
"""Under the model's name: weights by `provider/model`."""


class Weights:
    """Of a process."""

    def __init__(self, models: Models, store: Store) -> None:
        self._models, self._store = models, store
        self._own = {
            name: {named(target): target.weight for target in model.targets}
            for name, model in models.items()
        }

    async def load(self) -> None:
        """Take in what the store says."""
        async for document in self._store.scan(WEIGHTS):
            self.take(document)

    def take(self, news: Document | Deleted) -> None:
        """Take in a change; without a document the settings' weights hold."""
        if isinstance(news, Document):
            self._set(news.id, msgspec.json.decode(news.body, type=dict[str, float]))
        else:
            self._set(news.id, {})

    def _set(self, name: str, given: Mapping[str, float]) -> None:
        """Targets that came or went since are left to the settings."""
        model = self._models.get(name)
        for target in model.targets if model is not None else ():
            place = named(target)
            target.weight = float(given.get(place, self._own[name][place]))

    def listed(self) -> list[dict[str, Any]]:
        """Every model with its targets, as they do in this process."""
        return [
            {
                "name": name,
                "targets": [
                    {
                        "target": named(target),
                        "weight": target.weight,
                        "busy": target.busy,
                        "latency": round(target.latency, 4),
                        "failing": target.ill(),
                        "price": _a_million(target.price),
                    }
                    for target in model.targets
                ],
            }
            for name, model in self._models.items()
        ]

    async def change(self, name: str, given: dict[str, Any] | None) -> dict[str, Any]:
        """Set weights by `provider/model`; None: the settings' again. Raises `KeyError` and
        `ValueError`."""
        if name not in self._own:
            raise KeyError(f"there is no model {name!r}")
        before = await self._store.get(WEIGHTS, name)
        version = before.version if before is not None else 0
        if given is None:
            if before is not None:
                await self._store.commit([Change(WEIGHTS, name, version, None)])
            self._set(name, {})
            return self._own[name]
        known = self._own[name]
        wrong = [each for each in given if each not in known]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is none of {', '.join(known)}")
        if not all(isinstance(each, int | float) and each >= 0 for each in given.values()):
            raise ValueError("weights are numbers from 0")
        made = {place: float(given.get(place, known[place])) for place in known}
        if not any(made.values()):
            raise ValueError("one weight at least must be above 0")
        body = msgspec.json.encode(made)
        await self._store.commit([Change(WEIGHTS, name, version, body)])
        self._set(name, made)
        return made


def _a_million(price: Price | None) -> dict[str, float] | None:
    """US dollars for a million tokens; None: nobody knows, and no budget of money counts it."""
    if price is None:
        return None
    each = {"input": price.input, "output": price.output, "cached": price.cached}
    return {name: round(value * 1_000_000, 6) for name, value in each.items()}


def named(target: Target) -> str:
    """As weights name it."""
    return f"{target.provider.name}/{target.model}"
