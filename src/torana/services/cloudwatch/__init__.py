"""Amazon CloudWatch: metrics."""

from torana.services.cloudwatch.evaluate import Excluded
from torana.services.cloudwatch.metrics import Metrics
from torana.services.cloudwatch.query import Queries
from torana.telemetry.timeseries import TimeSeries


def cloudwatch(series: TimeSeries) -> tuple[object, ...]:
    """The facade, by what its operations are about."""

    async def excluded() -> Excluded:
        return {}

    return (Metrics(series), Queries(series, excluded))
