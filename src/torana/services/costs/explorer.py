"""Operations of Cost Explorer. Source: AWS Cost Explorer API Reference."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from torana.services.costs import forecast
from torana.services.costs.rows import (
    DIMENSIONS,
    TAGS,
    Row,
    Sum,
    Where,
    amount,
    day,
    days,
    invalid,
    keys,
    spans,
    summed,
    wanted,
)
from torana.services.given import items, members
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Json = dict[str, Any]
Daily = Callable[[date], Awaitable[list[Row]]]
"""What was used on a day."""
_METRICS = frozenset(
    {"BlendedCost", "UnblendedCost", "AmortizedCost", "NetUnblendedCost", "NetAmortizedCost",
     "UsageQuantity", "NormalizedUsageAmount"}
)  # fmt: skip
_LONGEST = 460
"""Days of a request: metrics are not kept longer."""
_PAST = 91
"""Days that a forecast looks back."""


class Explorer:
    """The operations."""

    def __init__(self, daily: Daily, where: Where, clock: Callable[[], float]) -> None:
        self._daily, self._where, self._clock = daily, where, clock

    def today(self) -> date:
        """In UTC."""
        return datetime.fromtimestamp(self._clock(), UTC).date()

    async def rows(self, start: date, end: date, fits: Callable[[Row], bool]) -> list[Row]:
        """From `start` until before `end`."""
        last = min(end, self.today() + timedelta(days=1))
        return [row for each in days(start, last) for row in await self._daily(each) if fits(row)]

    def _period(self, params: Json) -> tuple[date, date]:
        start, end = day(params["TimePeriod"]["Start"]), day(params["TimePeriod"]["End"])
        if start >= end:
            raise invalid("Start date (and hour) should be before end date (and hour)")
        if (end - start).days > _LONGEST:
            raise invalid(f"At most {_LONGEST} days can be asked for")
        return start, end

    async def GetCostAndUsage(self, call: Call, params: Json) -> Json:
        """By day or month, grouped by up to two things."""
        start, end = self._period(params)
        if params["Granularity"] == "HOURLY":
            raise invalid("The granularity HOURLY is not supported here.")
        names: list[str] = params["Metrics"]
        for name in names:
            if name not in _METRICS:
                raise invalid(f"The metric {name} is not one of {', '.join(sorted(_METRICS))}.")
        groups = items(params, "GroupBy")
        if len(groups) > 2:
            raise invalid("At most two groups can be asked for.")
        key = keys(groups, self._where)
        fits = wanted(members(params, "Filter"), self._where)
        results: list[Json] = []
        for first, last in spans(start, end, monthly=params["Granularity"] == "MONTHLY"):
            found = summed(await self.rows(first, last, fits), key)
            period = {"Start": first.isoformat(), "End": last.isoformat()}
            results.append(
                {
                    "TimePeriod": period,
                    "Total": {} if groups else _metrics(found.get((), Sum()), names),
                    "Groups": [
                        {"Keys": [*each], "Metrics": _metrics(total, names)}
                        for each, total in found.items()
                        if groups
                    ],
                    "Estimated": last > self.today(),
                }
            )
        answer: Json = {"ResultsByTime": results, "DimensionValueAttributes": []}
        if groups:
            answer["GroupDefinitions"] = groups
        return answer

    async def GetCostForecast(self, call: Call, params: Json) -> Json:
        """What the days to come will cost."""
        start, end = self._period(params)
        today = self.today()
        if start < today:
            raise invalid("Start date must not be before today.")
        if params["Metric"] in ("USAGE_QUANTITY", "NORMALIZED_USAGE_AMOUNT"):
            raise invalid("Only costs can be foretold here.")
        if params["Granularity"] == "HOURLY":
            raise invalid("The granularity HOURLY is not supported here.")
        fits = wanted(members(params, "Filter"), self._where)
        past = await self.history(fits)
        if len(past) < forecast.LEAST:
            raise ServiceError(
                "DataUnavailableException",
                "Insufficient amount of historical data to generate forecast",
            )
        level = params.get("PredictionIntervalLevel") or 80
        ahead = (start - today).days + 1
        found = forecast.forecast(past, ahead, (end - start).days, level)
        results: list[Json] = []
        for first, last in spans(start, end, monthly=params["Granularity"] == "MONTHLY"):
            own = forecast.total(found[(first - start).days : (last - start).days])
            results.append(
                {
                    "TimePeriod": {"Start": first.isoformat(), "End": last.isoformat()},
                    "MeanValue": amount(own.mean),
                    "PredictionIntervalLowerBound": amount(own.low),
                    "PredictionIntervalUpperBound": amount(own.high),
                }
            )
        whole = forecast.total(found)
        return {
            "Total": {"Amount": amount(whole.mean), "Unit": "USD"},
            "ForecastResultsByTime": results,
        }

    async def history(self, fits: Callable[[Row], bool]) -> list[float]:
        """What whole days cost, from the first one that did, the oldest first."""
        today = self.today()
        found = [
            sum(row.usd for row in await self.rows(each, each + timedelta(days=1), fits))
            for each in days(today - timedelta(days=_PAST), today)
        ]
        first = next((at for at, usd in enumerate(found) if usd), len(found))
        return found[first:]

    async def GetDimensionValues(self, call: Call, params: Json) -> Json:
        """Which there were."""
        name = params["Dimension"]
        if name not in DIMENSIONS:
            raise invalid(f"The dimension {name} is not supported here.")
        found = await self._values(params, lambda row: self._where.value(row, name))
        shown: list[Json] = [{"Value": each, "Attributes": {}} for each in found]
        return {"DimensionValues": shown, "ReturnSize": len(found), "TotalSize": len(found)}

    async def GetTags(self, call: Call, params: Json) -> Json:
        """The tags, or the values of one."""
        name = params.get("TagKey")
        if name is None:
            found = [*TAGS]
        elif name not in TAGS:
            found = []
        else:
            found = await self._values(params, lambda row: row.tags.get(name, ""))
        return {"Tags": found, "ReturnSize": len(found), "TotalSize": len(found)}

    async def _values(self, params: Json, get: Callable[[Row], str]) -> list[str]:
        start, end = self._period(params)
        fits = wanted(members(params, "Filter"), self._where)
        word = (params.get("SearchString") or "").lower()
        found = {get(row) for row in await self.rows(start, end, fits)}
        return sorted(each for each in found if word in each.lower())


def _metrics(total: Sum, names: list[str]) -> Json:
    return {name: total.metric(name) for name in names}
