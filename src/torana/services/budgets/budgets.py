"""Operations on budgets. Source: AWS Budgets API Reference."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from msgspec import structs

from torana.services.apigateway.book import Book, Sheet
from torana.services.budgets.records import (
    BUDGET,
    Budget,
    Notification,
    budget_of,
    invalid,
    not_found,
    notification_of,
    period,
    shown_notification,
    subscriber_of,
    tags_of,
)
from torana.services.budgets.spending import Spend, Spending
from torana.services.costs.rows import Where, amount
from torana.services.given import items
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Json = dict[str, Any]
_MOST = 10
_HISTORY = 12
"""Periods of a performance history."""


class Budgets:
    """The operations."""

    def __init__(
        self, book: Book, spending: Spending, where: Where, clock: Callable[[], float]
    ) -> None:
        self._book, self._spending, self._where, self._clock = book, spending, where, clock

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()

    async def CreateBudget(self, call: Call, params: Json) -> Json:
        """With its notifications."""
        made = budget_of(params["Budget"], self._clock(), self._where)
        given = items(params, "NotificationsWithSubscribers")
        told = [notification_of(each["Notification"], each["Subscribers"]) for each in given]
        made = structs.replace(made, notifications=told, tags=tags_of(params, "ResourceTags"))

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(BUDGET, made.name) is not None:
                raise ServiceError(
                    "DuplicateRecordException", f"{made.name} - the budget already exists."
                )
            sheet.put(BUDGET, made.name, structs.asdict(made) | _plain(made))
            return {}

        return await self._book.edit(call, work)

    async def UpdateBudget(self, call: Call, params: Json) -> Json:
        """Another amount, unit or filter; notifications stay."""
        made = budget_of(params["NewBudget"], self._clock(), self._where)
        return await self._edit(
            call,
            made.name,
            lambda there: structs.replace(made, notifications=there.notifications, tags=there.tags),
        )

    async def DeleteBudget(self, call: Call, params: Json) -> Json:
        """With its notifications."""

        async def work(sheet: Sheet) -> Json:
            await _get(sheet, params["BudgetName"])
            sheet.delete(BUDGET, params["BudgetName"])
            return {}

        return await self._book.edit(call, work)

    async def _edit(self, call: Call, name: str, change: Callable[[Budget], Budget]) -> Json:
        async def work(sheet: Sheet) -> Json:
            kept = change(await _get(sheet, name))
            sheet.put(BUDGET, name, structs.asdict(kept) | _plain(kept))
            return {}

        return await self._book.edit(call, work)

    async def DescribeBudget(self, call: Call, params: Json) -> Json:
        """With what is spent, and what is expected to be."""
        found = await self._book.read(lambda sheet: _get(sheet, params["BudgetName"]))
        return {"Budget": _shown(found, await self._spending.of(found))}

    async def DescribeBudgets(self, call: Call, params: Json) -> Json:
        """By name, in pages."""
        most, shown = params.get("MaxResults") or 100, list[Json]()
        last = ""
        async for each in self._book.store.scan(BUDGET, after=params.get("NextToken") or ""):
            if len(shown) == most:
                return {"Budgets": shown, "NextToken": last}
            budget = msgspec.json.decode(each.body, type=Budget)
            shown.append(_shown(budget, await self._spending.of(budget)))
            last = each.id
        return {"Budgets": shown}

    async def DescribeBudgetPerformanceHistory(self, call: Call, params: Json) -> Json:
        """What was spent in the last twelve periods."""
        found = await self._book.read(lambda sheet: _get(sheet, params["BudgetName"]))
        amounts: list[Json] = []
        day = self._today()
        for _ in range(_HISTORY):
            first, last = period(found.unit, day)
            spent = await self._spending.between(found, first, last)
            amounts.append(
                {
                    "BudgetedAmount": _usd(found.usd),
                    "ActualAmount": _usd(spent),
                    "TimePeriod": {"Start": _moment(first), "End": _moment(last)},
                }
            )
            day = first - timedelta(days=1)
        return {
            "BudgetPerformanceHistory": {
                "BudgetName": found.name,
                "BudgetType": "COST",
                "TimeUnit": found.unit,
                "BudgetedAndActualAmountsList": amounts[::-1],
            }
        }

    async def CreateNotification(self, call: Call, params: Json) -> Json:
        """One more."""
        made = notification_of(params["Notification"], params["Subscribers"])

        def change(there: Budget) -> Budget:
            if any(each.same(made) for each in there.notifications):
                raise ServiceError("DuplicateRecordException", "the notification already exists")
            if len(there.notifications) >= _MOST:
                raise ServiceError(
                    "CreationLimitExceededException", f"at most {_MOST} notifications"
                )
            return structs.replace(there, notifications=[*there.notifications, made])

        return await self._edit(call, params["BudgetName"], change)

    async def UpdateNotification(self, call: Call, params: Json) -> Json:
        """Another threshold; its subscribers stay."""
        new = notification_of(params["NewNotification"], [])

        def change(there: Notification) -> Notification:
            return structs.replace(new, subscribers=there.subscribers)

        return await self._change(call, params, "OldNotification", change)

    async def DeleteNotification(self, call: Call, params: Json) -> Json:
        """With its subscribers."""
        return await self._change(call, params, "Notification", lambda there: None)

    async def CreateSubscriber(self, call: Call, params: Json) -> Json:
        """One more topic."""
        new = subscriber_of(params["Subscriber"])
        return await self._change(
            call,
            params,
            "Notification",
            lambda there: structs.replace(there, subscribers=[*there.subscribers, new]),
        )

    async def DeleteSubscriber(self, call: Call, params: Json) -> Json:
        """A topic less; not the last one."""
        gone = subscriber_of(params["Subscriber"])

        def change(there: Notification) -> Notification:
            left = [each for each in there.subscribers if each != gone]
            if len(left) == len(there.subscribers):
                raise not_found("the subscriber")
            if not left:
                raise invalid("A notification needs a subscriber")
            return structs.replace(there, subscribers=left)

        return await self._change(call, params, "Notification", change)

    async def _change(
        self,
        call: Call,
        params: Json,
        member: str,
        change: Callable[[Notification], Notification | None],
    ) -> Json:
        wanted = notification_of(params[member], [])

        def edit(there: Budget) -> Budget:
            if not any(each.same(wanted) for each in there.notifications):
                raise not_found("the notification")
            changed = [change(e) if e.same(wanted) else e for e in there.notifications]
            kept = [each for each in changed if each is not None]
            return structs.replace(there, notifications=kept)

        return await self._edit(call, params["BudgetName"], edit)

    async def DescribeNotificationsForBudget(self, call: Call, params: Json) -> Json:
        """All of them."""
        found = await self._book.read(lambda sheet: _get(sheet, params["BudgetName"]))
        first = period(found.unit, self._today())[0].isoformat()
        return {"Notifications": [shown_notification(e, first) for e in found.notifications]}

    async def DescribeSubscribersForNotification(self, call: Call, params: Json) -> Json:
        """All of them."""
        wanted = notification_of(params["Notification"], [])
        found = await self._book.read(lambda sheet: _get(sheet, params["BudgetName"]))
        for each in found.notifications:
            if each.same(wanted):
                shown = [{"SubscriptionType": "SNS", "Address": a} for a in each.subscribers]
                return {"Subscribers": shown}
        raise not_found("the notification")


async def _get(sheet: Sheet, name: str) -> Budget:
    found = await sheet.get(BUDGET, name)
    if found is None:
        raise not_found(f"budget: {name}")
    return msgspec.convert(found, Budget)


def _plain(budget: Budget) -> Json:
    """Notifications as documents have them."""
    return {"notifications": [structs.asdict(each) for each in budget.notifications]}


def _usd(value: float) -> Json:
    return {"Amount": amount(value), "Unit": "USD"}


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _shown(budget: Budget, spend: Spend) -> Json:
    shown: Json = {
        "BudgetName": budget.name,
        "BudgetLimit": _usd(budget.usd),
        "BudgetType": "COST",
        "TimeUnit": budget.unit,
        "LastUpdatedTime": budget.updated,
        "CalculatedSpend": {"ActualSpend": _usd(spend.actual)},
        "CostFilters": budget.filters,
    }
    if budget.expression:
        shown["FilterExpression"] = budget.expression
    if spend.forecast is not None:
        shown["CalculatedSpend"]["ForecastedSpend"] = _usd(spend.forecast)
    return shown
