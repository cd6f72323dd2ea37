"""Who still calls what is deprecated."""

from datetime import UTC, datetime

from torana.services.apigateway.book import Json
from torana.services.apigateway.faults import bad
from torana.services.ports import Call
from torana.telemetry.caller_meter import CALLS, NAMESPACE
from torana.telemetry.recorder import dimensions
from torana.telemetry.timeseries import DAY, TimeSeries

_LONGEST = 455
"""Days that metrics are kept."""


class Callers:
    """Over the metrics that this process keeps."""

    def __init__(self, series: TimeSeries | None) -> None:
        self._series = series

    async def ListCallers(self, call: Call, params: Json) -> Json:
        """By caller and operation, the most calls first."""
        days = 30 if params.get("days") is None else params["days"]
        if not 1 <= days <= _LONGEST:
            raise bad(f"days must be between 1 and {_LONGEST}")
        series = self._series
        if series is None:
            return {"callers": []}
        place = set(dimensions(ApiId=params["apiId"], Stage=params["stage"]))
        end = int(series.clock()) + 60
        start = end - days * DAY
        callers: list[Json] = []
        for found in series.find(NAMESPACE, CALLS):
            if not place <= set(found.series.dimensions) or found.latest < start:
                continue
            named = dict(found.series.dimensions)
            values = await series.read([found.series], start, end, days * DAY)
            calls = sum(each.count for each in values.values())
            if calls:
                callers.append(
                    {
                        "caller": named["Caller"],
                        "operation": named["Operation"],
                        "calls": int(calls),
                        "last": datetime.fromtimestamp(found.latest, UTC),
                    }
                )
        return {"callers": sorted(callers, key=lambda each: -each["calls"])}
