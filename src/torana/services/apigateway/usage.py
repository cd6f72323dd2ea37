"""What keys have used of their plans' quotas: the figures that the data plane itself goes by.

Source: API Gateway API reference, "GetUsage" and "UpdateUsage". A plan without a quota
counts nothing here.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from torana.services.apigateway.book import PLAN_KEY, Book, Json, Sheet, limit_of
from torana.services.apigateway.faults import bad, missing, unavailable
from torana.services.apigateway.keys import the_plan
from torana.services.apigateway.patch import Rule, integer, patch
from torana.services.ports import Call
from torana.state.counters import CountersUnavailable
from torana.state.quotas import QuotaBook, Terms, period_start

_RULES = (Rule("/remaining", ("replace",), integer),)
_LONGEST = 90
"""Days."""


class Usage:
    """Operations on what is left of quotas."""

    def __init__(self, book: Book) -> None:
        self._book, self._quotas = book, QuotaBook(book.store)

    async def UpdateUsage(self, call: Call, params: Json) -> Json:
        operations: list[Json] = params.get("patchOperations") or []
        if len(operations) != 1:
            raise bad("Exactly one patch operation is needed: replace /remaining")
        wanted: Json = {}
        patch(wanted, operations, _RULES)

        async def work(sheet: Sheet) -> Json:
            plan = await the_plan(sheet, params["usagePlanId"])
            if await sheet.get(PLAN_KEY, f"{plan['id']}/{params['keyId']}") is None:
                raise missing("Usage Plan Key")
            if not plan.get("quota"):
                raise bad(f"Usage plan {plan['id']} has no quota to extend")
            return plan

        plan = await self._book.read(work)
        if wanted["remaining"] < 0:
            raise bad("Usage remaining must not be negative")
        try:
            name = f"{plan['id']}/{params['keyId']}"
            await self._quotas.extend(name, _terms(plan["quota"]), wanted["remaining"])
        except CountersUnavailable as error:
            raise unavailable() from error
        today = datetime.now(UTC).date()
        return {
            "usagePlanId": plan["id"],
            "startDate": today.isoformat(),
            "endDate": today.isoformat(),
            "items": {params["keyId"]: await self._of(plan, params["keyId"], today, today)},
        }

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
        most = limit_of(params)
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
            used = await self._quotas.usage(f"{plan['id']}/{key}")
            extended = await self._quotas.extended(f"{plan['id']}/{key}")
        except CountersUnavailable as error:
            raise unavailable() from error
        return list(daily(used, extended, plan["quota"], start, end))


def _terms(quota: Json) -> Terms:
    return Terms(int(quota["limit"]), quota["period"], int(quota.get("offset") or 0))


def daily(
    used: Mapping[str, float], extended: Mapping[str, float], quota: Json, start: date, end: date
) -> Iterator[list[int]]:
    """Of each day: what was used, and what was left of the period at its end."""
    terms = _terms(quota)
    first = min(used, default="")
    day = start
    while day <= end:
        begins = period_start(terms.period, day).isoformat()
        spent = sum(n for each, n in used.items() if begins <= each <= day.isoformat())
        offset = terms.offset if first >= begins else 0
        left = terms.limit + extended.get(begins, 0.0) - offset - spent
        yield [round(used.get(day.isoformat(), 0)), max(0, round(left))]
        day += timedelta(days=1)


def _day(params: Json, name: str) -> date:
    try:
        return date.fromisoformat(params[name])
    except ValueError:
        raise bad(f"Invalid {name}: it must be YYYY-MM-DD") from None
