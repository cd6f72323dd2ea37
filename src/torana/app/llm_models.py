"""Models of the LLM API, from settings: who answers, in which order, and who listens beside."""

from collections.abc import Iterator, Mapping

from torana.llm.guard import Guard
from torana.llm.prices import Price, price_of
from torana.llm.route import ORDERS, Model, Provider, Target
from torana.llm_settings import Llm, LlmModel


def model_mistakes(place: str, model: LlmModel, settings: Llm) -> Iterator[str]:
    """Everything about a model that does not fit, a line each."""
    yield from _target_mistakes(place, model, settings)
    kind, _, header = model.affinity.partition(":")
    if model.affinity not in ("", "key", "user") and (kind != "header" or not header):
        yield f"{place}.affinity: must be 'key', 'user' or 'header:NAME'"
    for other in model.fallbacks:
        if other not in settings.models:
            yield f"{place}.fallbacks: no model {other!r}"
    if model.cache_similarity and not 0.5 <= model.cache_similarity <= 1:
        yield f"{place}.cache_similarity: must be 0.5 to 1"
    if model.cache_similarity and not model.cache_seconds:
        yield f"{place}.cache_similarity: needs cache_seconds"
    if model.cache_for != "key" and not model.cache_seconds:
        yield f"{place}.cache_for: needs cache_seconds"
    for name in ("hedge_seconds", "probe_seconds"):
        if getattr(model, name) < 0:
            yield f"{place}.{name}: must not be below 0"


def _target_mistakes(place: str, model: LlmModel, settings: Llm) -> Iterator[str]:
    if not any(target.weight for target in model.targets):
        yield f"{place}.targets: needs at least one with a weight"
    for target in model.targets:
        if target.provider not in settings.providers:
            yield f"{place}.targets: no provider {target.provider!r}"
        if target.weight < 0:
            yield f"{place}.targets: a weight must not be below 0"
    for shadow in model.shadows:
        if shadow.provider not in settings.providers:
            yield f"{place}.shadows: no provider {shadow.provider!r}"
        if not 0 < shadow.share <= 1:
            yield f"{place}.shadows: a share must be above 0 and at most 1"


def model_of(
    name: str,
    given: LlmModel,
    providers: Mapping[str, Provider],
    prices: Mapping[str, Price],
    guard: Guard | None,
) -> Model:
    """See `model_mistakes`."""
    targets = tuple(
        Target(
            providers[each.provider],
            each.model,
            price_of(prices, each.model),
            each.weight,
            given.cooldown,
        )
        for each in given.targets
    )
    return Model(
        name,
        targets,
        given.fallbacks,
        ORDERS[given.routing],
        given.retries,
        given.affinity,
        given.cache_seconds,
        given.cache_for,
        given.cache_similarity,
        given.hedge_seconds,
        tuple(
            (
                Target(
                    providers[each.provider],
                    each.model,
                    price_of(prices, each.model),
                    1.0,
                    given.cooldown,
                ),
                each.share,
            )
            for each in given.shadows
        ),
        given.probe_seconds,
        guard,
    )
