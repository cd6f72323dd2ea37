"""CloudWatch on a file of metrics, with boto3 clients for it."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tests.services.serving import called, client, make_router, parts, serving
from torana.services.cloudwatch import CloudWatch
from torana.state.store import Store
from torana.telemetry.timeseries import TimeSeries

HOUR = datetime(2026, 3, 1, 10, tzinfo=UTC)


def minute(number: int) -> datetime:
    return datetime.fromtimestamp(HOUR.timestamp() + 60 * number, UTC)


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self, now: float = minute(30).timestamp()) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Watch:
    def __init__(self, port: int, store: Store, clock: Clock, own: CloudWatch) -> None:
        self.client = client("cloudwatch", port)
        self.port, self.store, self.clock, self.own = port, store, clock, own

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return await called(getattr(self.client, operation), **params)

    async def put(self, name: str = "m", at: int = 0, dims: Any = None, **datum: Any) -> None:
        dimensions = [{"Name": key, "Value": value} for key, value in (dims or {}).items()]
        data = {"MetricName": name, "Timestamp": minute(at), "Dimensions": dimensions, **datum}
        await self("put_metric_data", Namespace="N", MetricData=[data])

    async def data(self, *queries: dict[str, Any], last: int = 10, **params: Any) -> dict[str, Any]:
        """Values by label, the oldest first."""
        found = await self(
            "get_metric_data",
            MetricDataQueries=list(queries),
            StartTime=minute(0),
            EndTime=minute(last),
            ScanBy="TimestampAscending",
            **params,
        )
        return {each["Label"]: each["Values"] for each in found["MetricDataResults"]}


def stat(id: str, stat: str, name: str = "m", period: int = 60, **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "N", "MetricName": name, "Dimensions": more.pop("dims", [])}
    return {
        "Id": id,
        "MetricStat": {"Metric": metric, "Period": period, "Stat": stat},
        "Label": id,
        **more,
    }


def maths(expression: str, id: str = "e") -> dict[str, Any]:
    return {"Id": id, "Label": id, "Expression": expression}


@asynccontextmanager
async def watching(folder: Path, store: Store | None = None) -> AsyncGenerator[Watch]:
    clock = Clock()
    series = TimeSeries(folder / "metrics.db", clock=clock)
    await series.open()
    plain = parts()
    plain = msgspec.structs.replace(plain, store=store or plain.store)
    own = CloudWatch(plain.store, series, plain.background, plain.reach)
    made = msgspec.structs.replace(plain, watched=own)
    async with serving(make_router(of=made).handle) as listener:
        yield Watch(listener.port, plain.store, clock, own)
    await made.background.aclose()
    await series.close()
