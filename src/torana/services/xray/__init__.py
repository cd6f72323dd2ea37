"""AWS X-Ray: traces of the gateway and of whoever sends segments, and which requests are traced."""

from torana.services.apigateway.book import Book
from torana.services.xray.graph import Graphs
from torana.services.xray.groups import Groups
from torana.services.xray.rules import Rules
from torana.services.xray.tags import Tags
from torana.services.xray.traces import Traces
from torana.state.store import Store
from torana.telemetry.tracebook import TraceBook


def xray(store: Store, book: TraceBook | None) -> tuple[object, ...]:
    """The facade. `book` holds the segments; None: another process has them."""
    own = Book(store, "xray")
    rules = (Rules(own), Groups(own), Tags(own))
    return rules if book is None else (*rules, Traces(book), Graphs(own, book))
