"""What a day of this gateway cost: the ledger of the LLM API, and prices on what was counted."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path

from torana.llm.spend import Spent, read
from torana.sealing import Cover
from torana.services.costs.rows import Row
from torana.settings import Prices
from torana.telemetry.recorder import Dimensions
from torana.telemetry.timeseries import TimeSeries

_DAY = 86400
_MILLION = 1_000_000


class Costs:
    """Days that are over are looked up once."""

    def __init__(
        self, series: TimeSeries, usage: Path, prices: Prices, cover: Cover | None = None
    ) -> None:
        """`usage`: the folder of the ledger."""
        self._series, self._usage, self._prices, self._cover = series, usage, prices, cover
        self._known: dict[date, list[Row]] = {}

    async def daily(self, day: date) -> list[Row]:
        """See `Explorer`."""
        found = self._known.get(day)
        if found is None:
            found = [*await asyncio.to_thread(self._tokens, day), *await self._counted(day)]
            today = datetime.fromtimestamp(self._series.clock(), UTC).date()
            if (today - day).days > 1:
                self._known[day] = found
        return found

    def _tokens(self, day: date) -> list[Row]:
        """The LLM API's use, by whose it is, model, provider and the provider's model."""
        sums: dict[tuple[str, ...], list[float]] = {}
        text = day.isoformat()
        for spent in read(self._usage, text, text, self._cover):
            total = sums.setdefault(_place(spent), [0.0, 0.0, 0.0, 0.0])
            total[0] += 1
            total[1] += spent.input + spent.output
            total[2] += spent.usd or 0.0
            total[3] += spent.saved or 0.0
        rows: list[Row] = []
        for place, (requests, tokens, usd, saved) in sums.items():
            names = ("organization", "team", "user", "key", "model", "provider", "target")
            tags = {name: value for name, value in zip(names, place, strict=True) if value}
            rows.append(Row("LLM API", "Requests", requests, "Requests", 0.0, tags))
            if tokens or usd:
                rows.append(Row("LLM API", "Tokens", tokens, "Tokens", usd, tags))
            if saved:
                rows.append(Row("LLM API", "CacheSavings", saved, "USD saved", 0.0, tags))
        return rows

    async def _counted(self, day: date) -> list[Row]:
        prices = self._prices
        gateway, functions = "Amazon API Gateway", "AWS Lambda"
        rows = [
            Row(gateway, "Requests", number, "Requests",
                number * prices.requests / _MILLION, {"api": own[0][1]})
            for kind in ("ApiName", "ApiId")
            for own, number in await self._sums(day, "AWS/ApiGateway", "Count", (kind,))
        ]  # fmt: skip
        for own, number in await self._sums(day, "AWS/Lambda", "Invocations", ("FunctionName",)):
            usd = number * prices.invocations / _MILLION
            tags = {"function": own[0][1]}
            rows.append(Row(functions, "Requests", number, "Requests", usd, tags))
        for own, number in await self._sums(
            day, "Torana/Functions", "GBSeconds", ("FunctionName",)
        ):
            usd, tags = number * prices.gb_seconds, {"function": own[0][1]}
            rows.append(Row(functions, "GB-Seconds", number, "GB-Seconds", usd, tags))
        names = ("Operation", "Service")
        for own, number in await self._sums(day, "Torana/Inference", "Invocations", names):
            operation, service = (value for _, value in own)
            usd = number * prices.inference.get(service, 0.0)
            rows.append(Row(service, "Calls", number, "Calls", usd, {"operation": operation}))
        return rows

    async def _sums(
        self, day: date, namespace: str, name: str, dimensions: tuple[str, ...]
    ) -> list[tuple[Dimensions, float]]:
        """A metric's sums of a day, by its dimensions where they have these names."""
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        found: list[tuple[Dimensions, float]] = []
        for each in self._series.find(namespace, name):
            own = each.series.dimensions
            if tuple(key for key, _ in own) != dimensions or each.latest < start - 3600:
                continue
            values = await self._series.read([each.series], start, start + _DAY, _DAY)
            total = sum(value.total for value in values.values())
            if total:
                found.append((own, total))
        return found


def _place(spent: Spent) -> tuple[str, ...]:
    owners = spent.organization, spent.team, spent.user, spent.key
    return *owners, spent.model, spent.provider, spent.target
