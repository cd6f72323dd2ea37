"""How much of a budget is spent, and who is told."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import date

import msgspec
from msgspec import Struct, structs

from torana.services.budgets.records import (
    BUDGET,
    Budget,
    Notification,
    expression_of,
    period,
)
from torana.services.costs import forecast
from torana.services.costs.explorer import Explorer
from torana.services.costs.rows import Where, amount, wanted
from torana.services.reach import Reach, form
from torana.state.store import Change, Conflict, Store, StoreError

_log = logging.getLogger("torana.budgets")
EVERY = 300.0
"""Seconds between two looks."""
_LEASE = 270.0


class Spend(Struct, frozen=True):
    """Of a budget's period."""

    first: date
    actual: float
    forecast: float | None


class Spending:
    """Looks at budgets."""

    def __init__(self, store: Store, explorer: Explorer, where: Where, reach: Reach) -> None:
        self._store, self._explorer, self._where, self._reach = store, explorer, where, reach

    async def of(self, budget: Budget) -> Spend:
        """Up to now, and what is expected until the period's end."""
        today = self._explorer.today()
        first, last = period(budget.unit, today)
        fits = wanted(budget.expression or expression_of(budget.filters), self._where)
        actual = sum(row.usd for row in await self._explorer.rows(first, last, fits))
        past = await self._explorer.history(fits)
        left = (last - today).days - 1
        if len(past) < forecast.LEAST:
            return Spend(first, actual, None)
        ahead = forecast.forecast(past, 1, left + 1, 80)
        so_far = sum(row.usd for row in await self._explorer.rows(first, today, fits))
        whole = max(actual, so_far + ahead[0].mean) + sum(each.mean for each in ahead[1:])
        return Spend(first, actual, whole)

    async def between(self, budget: Budget, first: date, last: date) -> float:
        """What was spent on the days from `first` until before `last`."""
        fits = wanted(budget.expression or expression_of(budget.filters), self._where)
        return sum(row.usd for row in await self._explorer.rows(first, last, fits))

    async def run(self, lead: Callable[[str, float], Awaitable[object | None]]) -> None:
        """For ever; one process of all that share the store does."""
        while True:
            try:
                if await lead("budgets", _LEASE) is not None:
                    await self.look()
            except StoreError as error:
                _log.warning("budgets are not looked at: %s", error)
            except Exception:  # noqa: BLE001  one bad look must not end all further ones
                _log.exception("budgets cannot be looked at")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Tell whom thresholds are for, once in a period."""
        async for document in self._store.scan(BUDGET):
            budget = msgspec.json.decode(document.body, type=Budget)
            if not budget.notifications:
                continue
            spend = await self.of(budget)
            first = spend.first.isoformat()
            kept = [await self._tell(budget, each, spend) for each in budget.notifications]
            if kept != budget.notifications:
                body = msgspec.json.encode(structs.replace(budget, notifications=kept))
                try:
                    await self._store.commit([Change(BUDGET, document.id, document.version, body)])
                except Conflict:
                    _log.info("the budget %s of %s changed meanwhile", budget.name, first)

    async def _tell(self, budget: Budget, each: Notification, spend: Spend) -> Notification:
        """The notification, told if it is due."""
        first = spend.first.isoformat()
        value = spend.actual if each.kind == "ACTUAL" else spend.forecast
        if each.told == first or value is None or not _crossed(budget, each, value):
            return each
        subject = f"Budget {budget.name}: {each.kind.lower()} cost"[:100]
        text = message(budget, each, value, spend.first)
        for topic in each.subscribers:
            request = form(
                Action="Publish", Version="2010-03-31", TopicArn=topic, Subject=subject,
                Message=text,
            )  # fmt: skip
            try:
                reply = await self._reach.call("sns", request)
            except (ConnectionError, TimeoutError) as error:
                _log.warning("the budget %s could not tell %s: %s", budget.name, topic, error)
                return each
            if reply.status >= 300:
                _log.warning("the budget %s could not tell %s", budget.name, topic)
        return structs.replace(each, told=first)


def _limit(budget: Budget, each: Notification) -> float:
    return budget.usd * each.threshold / 100 if each.percent else each.threshold


def _crossed(budget: Budget, each: Notification, value: float) -> bool:
    limit = _limit(budget, each)
    if each.operator == "GREATER_THAN":
        return value > limit
    return value < limit if each.operator == "LESS_THAN" else value == limit


def message(budget: Budget, each: Notification, value: float, first: date) -> str:
    """What subscribers read."""
    words = each.operator.lower().replace("_", " ")
    of = f"{each.threshold:g} % of " if each.percent else ""
    return (
        f"Budget: {budget.name}\n"
        f"Period: {budget.unit.lower()}, from {first.isoformat()}\n"
        f"Alert type: {each.kind}\n"
        f"Alert threshold: {words} {of}"
        f"${amount(budget.usd if each.percent else each.threshold)}\n"
        f"Budgeted amount: ${amount(budget.usd)}\n"
        f"{each.kind.capitalize()} amount: ${value:.2f}\n"
    )
