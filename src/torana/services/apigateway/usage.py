"""What keys have used of their plans' quotas: the figures that the data plane itself goes by.

Source: API Gateway API reference, "GetUsage". A plan without a quota counts nothing here.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import date, timedelta

from torana.services.apigateway.book import PLAN_KEY, Book, Json, Sheet
from torana.services.apigateway.faults import bad, unavailable
from torana.services.apigateway.keys import the_plan
from torana.services.ports import Call

Used = Callable[[str], Awaitable[Mapping[str, float]]]
"""What was taken of a quota on each day (`2026-11-23`). Raises `ConnectionError`."""
_LONGEST = 90
"""Days."""


class Usage:
    """The operation that reports usage."""

    def __init__(self, book: Book, used: Used) -> None:
        self._book, self._used = book, used

    async def GetUsage(self, call: Call, params: Json) -> Json:
        start, end = _day(params, "startDate"), _day(params, "endDate")
        if end < start:
            raise bad("Usage end date must not be before the start date")
        if (end - start).days >= _LONGEST:
            raise bad(f"Usage interval must not exceed {_LONGEST} days")

        async def work(sheet: Sheet) -> tuple[Json, list[str]]:
            plan = await the_plan(sheet, params["usagePlanId"])
            keys = [key["id"] async for _, key in sheet.scan(PLAN_KEY, f"{plan['id']}/")]
            return plan, keys

        plan, keys = await self._book.read(work)
        wanted, first = params.get("keyId"), params.get("position") or ""
        found = sorted(key for key in keys if wanted in (None, key) and key >= first)
        most = min(int(params.get("limit") or 25), 500)
        items: dict[str, list[list[int]]] = {}
        for key in found[:most] if plan.get("quota") else ():
            items[key] = await self._of(plan, key, start, end)
        answer: Json = {
            "usagePlanId": plan["id"],
            "startDate": start.isoformat(),
            "endDate": end.isoformat(),
            "items": items,
        }
        if len(found) > most:
            answer["position"] = found[most]
        return answer

    async def _of(self, plan: Json, key: str, start: date, end: date) -> list[list[int]]:
        try:
            used = await self._used(f"{plan['id']}/{key}")
        except ConnectionError as error:
            raise unavailable() from error
        return list(daily(used, plan["quota"], start, end))


def daily(used: Mapping[str, float], quota: Json, start: date, end: date) -> Iterator[list[int]]:
    """Of each day: what was used, and what was left of the period at its end."""
    limit, period = int(quota["limit"]), str(quota["period"])
    first = min(used, default="")
    day = start
    while day <= end:
        begins = _begins(period, day).isoformat()
        spent = sum(n for each, n in used.items() if begins <= each <= day.isoformat())
        offset = int(quota.get("offset") or 0) if first >= begins else 0
        yield [round(used.get(day.isoformat(), 0)), max(0, round(limit - offset - spent))]
        day += timedelta(days=1)


def _begins(period: str, day: date) -> date:
    """First day of the period that a day is in; weeks begin on Sunday."""
    if period == "WEEK":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    return day.replace(day=1) if period == "MONTH" else day


def _day(params: Json, name: str) -> date:
    try:
        return date.fromisoformat(params[name])
    except ValueError:
        raise bad(f"Invalid {name}: it must be YYYY-MM-DD") from None
