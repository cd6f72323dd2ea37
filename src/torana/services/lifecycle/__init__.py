"""The lives of APIs' versions: what state they are in, who owns them, who still calls."""

from torana.services.apigateway import DataPlane
from torana.services.apigateway.book import Book
from torana.services.lifecycle.callers import Callers
from torana.services.lifecycle.comparing import Comparing
from torana.services.lifecycle.version_sets import VersionSets
from torana.services.lifecycle.versions import Versions
from torana.state.store import Store
from torana.telemetry.timeseries import TimeSeries


def lifecycle(store: Store, plane: DataPlane, series: TimeSeries | None) -> tuple[object, ...]:
    """The facade."""
    book = Book(store, "torana")
    comparing = Comparing(book, plane.source)
    return (Versions(book, plane, comparing), comparing, Callers(series), VersionSets(book))
