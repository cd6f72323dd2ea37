"""Amazon CloudWatch: metrics, alarms and dashboards."""

from torana.services.apigateway.book import Book
from torana.services.background import Background
from torana.services.cloudwatch.actions import Actions
from torana.services.cloudwatch.alarms import Alarms
from torana.services.cloudwatch.anomalies import Anomalies
from torana.services.cloudwatch.dashboards import Dashboards
from torana.services.cloudwatch.metrics import Keep, Metrics
from torana.services.cloudwatch.query import Queries
from torana.services.cloudwatch.states import States
from torana.services.cloudwatch.tags import Tags
from torana.services.cloudwatch.watch import Lead, Watcher, alone
from torana.services.reach import Reach
from torana.state.store import Store
from torana.telemetry.timeseries import TimeSeries


class CloudWatch:
    """The service of a node: its operations, and what looks at its alarms."""

    def __init__(
        self,
        store: Store,
        series: TimeSeries,
        background: Background,
        reach: Reach,
        lead: Lead = alone,
        keep: Keep | None = None,
    ) -> None:
        book = Book(store, "monitoring")
        actions = Actions(store, reach, background, series.clock)
        states, anomalies = States(store, actions), Anomalies(book, series)
        self.resume = actions.resume
        self.watcher = Watcher(store, series, states, anomalies.excluded, actions.resume, lead)
        self.operations: tuple[object, ...] = (
            Metrics(series, keep),
            Queries(series, anomalies.excluded),
            Alarms(book, states, series.clock),
            anomalies,
            Dashboards(book),
            Tags(book),
        )
