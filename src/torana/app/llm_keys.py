"""Virtual keys and teams, from what is said of them to limits that are bound."""

from collections.abc import Iterator, Mapping

from torana.llm.keys import MICRO, Key
from torana.llm.prices import Price, price_of
from torana.llm_settings import Llm, LlmKey, LlmTeam
from torana.state.counters import Counters, Period

_PERIODS: dict[str, Period] = {"day": "DAY", "week": "WEEK", "month": "MONTH"}

Teams = Mapping[str, Key]


def teams_of(settings: Llm, counters: Counters) -> Teams:
    """Every team, by name."""
    return {
        name: _bound(f"llm/team/{name}", name, team, counters, None)
        for name, team in settings.teams.items()
    }


def key_of(name: str, given: LlmKey, teams: Teams, counters: Counters) -> Key:
    """A key with its team's limits above its own."""
    team = teams[given.team] if given.team else None
    return _bound(f"llm/{name}", name, given, counters, team)


def _bound(
    place: str, name: str, given: LlmKey | LlmTeam, counters: Counters, team: Key | None
) -> Key:
    requests, tokens, budget = given.requests_per_minute, given.tokens_per_minute, given.budget
    expires = given.expires if isinstance(given, LlmKey) else None
    return Key(
        name,
        frozenset(given.models),
        counters.bucket(f"{place}/requests", requests / 60, requests) if requests else None,
        counters.bucket(f"{place}/tokens", tokens / 60, tokens) if tokens else None,
        tokens or 0.0,
        counters.quota(f"{place}/usd", budget.usd * MICRO, _PERIODS[budget.period])
        if budget
        else None,
        expires.timestamp() if expires else float("inf"),
        team,
        given.mcp,
    )


def mistakes_of(
    place: str, key: LlmKey | LlmTeam, settings: Llm, prices: Mapping[str, Price]
) -> Iterator[str]:
    """What does not fit: models, a team, or a budget without prices."""
    for model in key.models:
        if model not in settings.models:
            yield f"{place}.models: no model {model!r}"
    if isinstance(key, LlmKey) and key.team and key.team not in settings.teams:
        yield f"{place}.team: no team {key.team!r}"
    for field in ("requests_per_minute", "tokens_per_minute"):
        limit = getattr(key, field)
        if limit is not None and limit < 1:
            yield f"{place}.{field}: must be at least 1"
    if key.budget is not None:
        yield from _unpriced(place, key, settings, prices)


def _unpriced(
    place: str, key: LlmKey | LlmTeam, settings: Llm, prices: Mapping[str, Price]
) -> Iterator[str]:
    """A budget can only be kept where every price is known."""
    for model in key.models or tuple(settings.models):
        for target in settings.models[model].targets if model in settings.models else ():
            if price_of(prices, target.model) is None:
                yield (
                    f"{place}.budget: no price is known of {target.model!r}; "
                    f'add [llm.prices."{target.model}"] with input and output'
                )
