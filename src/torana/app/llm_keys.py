"""Virtual keys and what is above them, from what is said of them to limits that are bound."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from torana.llm.keys import MICRO, Budget, Key, Owners
from torana.llm.prices import Price, price_of
from torana.llm_settings import (
    Llm,
    LlmKey,
    LlmLimits,
    LlmModel,
    LlmOrganization,
    LlmTeam,
    LlmUser,
)
from torana.state.counters import Counters, Period

PERIODS: dict[str, Period] = {"day": "DAY", "week": "WEEK", "month": "MONTH"}


class Holders(Struct, frozen=True):
    """Everything that a key may be of, by name."""

    organizations: Mapping[str, LlmOrganization] = {}
    teams: Mapping[str, LlmTeam] = {}
    users: Mapping[str, LlmUser] = {}


def holders_of(settings: Llm) -> Holders:
    """Those of the settings."""
    return Holders(settings.organizations, settings.teams, settings.users)


class Binder:
    """Makes keys, each below its user, team and organization, which are made once."""

    def __init__(self, holders: Holders, counters: Counters) -> None:
        self._holders, self._counters = holders, counters
        self._made: dict[tuple[str, str, str], Key] = {}

    def key(self, name: str, given: LlmKey) -> Key:
        """A key that has no mistakes."""
        user = self._holders.users[given.user] if given.user else None
        team = given.team or (user.team if user is not None else "")
        organization = self._holders.teams[team].organization if team else ""
        owners = Owners(organization, team, given.user)
        above = self._user(given.user, team) if given.user else self._team(team)
        return self._bound("key", f"llm/{name}", name, given, above, owners, given.tags)

    def _user(self, name: str, team: str) -> Key:
        """As a member of a team: a key's own may be another than its user's."""
        made = self._made.get(("user", name, team))
        if made is None:
            given = self._holders.users[name]
            made = self._bound("user", f"llm/user/{name}", name, given, self._team(team))
            self._made["user", name, team] = made
        return made

    def _team(self, name: str) -> Key | None:
        if not name:
            return None
        made = self._made.get(("team", name, ""))
        if made is None:
            given = self._holders.teams[name]
            above = self._organization(given.organization)
            made = self._bound("team", f"llm/team/{name}", name, given, above)
            self._made["team", name, ""] = made
        return made

    def _organization(self, name: str) -> Key | None:
        if not name:
            return None
        made = self._made.get(("organization", name, ""))
        if made is None:
            given = self._holders.organizations[name]
            made = self._bound("organization", f"llm/organization/{name}", name, given, None)
            self._made["organization", name, ""] = made
        return made

    def _bound(
        self,
        kind: str,
        place: str,
        name: str,
        given: LlmLimits,
        above: Key | None,
        owners: Owners | None = None,
        tags: tuple[str, ...] = (),
    ) -> Key:
        counters = self._counters
        requests, tokens = given.requests_per_minute, given.tokens_per_minute
        blocked = "" if given.enabled else "This API key is blocked."
        if not given.enabled and kind != "key":
            blocked = f"The {kind} of this API key is blocked."
        expires = given.expires.timestamp() if given.expires else float("inf")
        return Key(
            name,
            frozenset(given.models),
            counters.bucket(f"{place}/requests", requests / 60, requests) if requests else None,
            counters.bucket(f"{place}/tokens", tokens / 60, tokens) if tokens else None,
            tokens or 0.0,
            tuple(
                Budget(counters.quota(f"{place}/{unit}/{period}", most, PERIODS[period]), tokens)
                for unit, period, most, tokens in amounts(given)
            ),
            min(expires, above.expires) if above is not None else expires,
            above,
            given.mcp,
            kind,
            blocked or (above.blocked if above is not None else ""),
            owners or Owners(),
            tags,
            given.content or (above is not None and above.content),
        )


def amounts(given: LlmLimits) -> Iterator[tuple[str, str, float, bool]]:
    """Unit, period and amount of every budget, and whether it is of tokens."""
    for budget in given.budgets():
        if budget.usd is not None:
            yield "usd", budget.period, budget.usd * MICRO, False
        if budget.tokens is not None:
            yield "tokens", budget.period, budget.tokens, True


def holder_mistakes(
    place: str, given: LlmLimits, holders: Holders, models: Mapping[str, LlmModel]
) -> Iterator[str]:
    """What of names and numbers does not fit."""
    for model in given.models:
        if model not in models:
            yield f"{place}.models: no model {model!r}"
    for field in ("organization", "team", "user"):
        named: Any = getattr(given, field, "")
        if named and named not in getattr(holders, f"{field}s"):
            yield f"{place}.{field}: no {field} {named!r}"
    for field in ("requests_per_minute", "tokens_per_minute"):
        limit = getattr(given, field)
        if limit is not None and limit < 1:
            yield f"{place}.{field}: must be at least 1"
    yield from _budget_mistakes(place, given)


def _budget_mistakes(place: str, given: LlmLimits) -> Iterator[str]:
    for budget in given.budgets():
        if budget.usd is None and budget.tokens is None:
            yield f"{place}.budget: needs usd, tokens or both"
    found = [(unit, period, most) for unit, period, most, _ in amounts(given)]
    if len({(unit, period) for unit, period, _ in found}) < len(found):
        yield f"{place}.budget: says the same unit for the same period twice"
    if any(most < 0 for _, _, most in found):
        yield f"{place}.budget: must not be below 0"


def mistakes_of(
    place: str, given: LlmLimits, settings: Llm, holders: Holders, prices: Mapping[str, Price]
) -> Iterator[str]:
    """What does not fit: names, numbers, or a budget of money without prices."""
    yield from holder_mistakes(place, given, holders, settings.models)
    if given.content and not (settings.content.group or settings.content.otlp):
        yield f"{place}.content: [llm.content] names no group and no otlp to keep it"
    if any(budget.usd is not None for budget in given.budgets()):
        for model in unpriced(given.models or tuple(settings.models), settings.models, prices):
            yield (
                f"{place}.budget: no price is known of {model!r}; "
                f'add [llm.prices."{model}"] with input and output'
            )


def unpriced(
    names: tuple[str, ...], models: Mapping[str, LlmModel], prices: Mapping[str, Price]
) -> list[str]:
    """Providers' models behind some of ours, or their fallbacks, whose price nobody knows."""
    reached, todo = dict[str, LlmModel](), list(names)
    while todo:
        name = todo.pop()
        if name in models and name not in reached:
            reached[name] = models[name]
            todo.extend(models[name].fallbacks)
    targets = sorted({target.model for model in reached.values() for target in model.targets})
    return [name for name in targets if price_of(prices, name) is None]
