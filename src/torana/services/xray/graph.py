"""Graphs of who calls whom, and how that goes.

Source: X-Ray API Reference, "GetServiceGraph", "GetTraceGraph" and
"GetTimeSeriesServiceStatistics".
"""

from collections.abc import Iterable

from msgspec import Struct, field

from torana.services.apigateway.book import Book
from torana.services.moments import moment
from torana.services.ports import Call
from torana.services.xray.faults import invalid
from torana.services.xray.filter import Test, everything, parse
from torana.services.xray.groups import filter_of
from torana.services.xray.segments import Json, Node, Trace, of_trace
from torana.services.xray.traces import LOOKED_AT, period
from torana.telemetry.tracebook import TraceBook

_CLIENT = ("client", "client")
_PERIODS = (60, 300)
_MOST_TRACES = 100

Key = tuple[str, str]
"""Name and type of a service."""


class Numbers(Struct):
    """How calls went."""

    ok: int = 0
    throttled: int = 0
    errors: int = 0
    faults: int = 0
    seconds: float = 0.0
    times: dict[float, int] = field(default_factory=dict[float, int])
    first: float = float("inf")
    last: float = 0.0

    def add(self, node: Node) -> None:
        """One more call."""
        if node.throttle:
            self.throttled += 1
        elif node.fault:
            self.faults += 1
        elif node.error:
            self.errors += 1
        else:
            self.ok += 1
        self.seconds += node.seconds
        shown = round(node.seconds, 3)
        self.times[shown] = self.times.get(shown, 0) + 1
        self.first = min(self.first, node.start)
        self.last = max(self.last, node.end or node.start)

    def summary(self) -> Json:
        """`ServiceStatistics`, or an edge's."""
        errors = self.errors + self.throttled
        return {
            "OkCount": self.ok,
            "ErrorStatistics": {
                "ThrottleCount": self.throttled,
                "OtherCount": self.errors,
                "TotalCount": errors,
            },
            "FaultStatistics": {"OtherCount": self.faults, "TotalCount": self.faults},
            "TotalCount": self.ok + errors + self.faults,
            "TotalResponseTime": round(self.seconds, 3),
        }

    def histogram(self) -> list[Json]:
        """By response time."""
        return [{"Value": value, "Count": count} for value, count in sorted(self.times.items())]

    def lasting(self) -> Json:
        """When the first began and the last ended."""
        return {"StartTime": moment(self.first), "EndTime": moment(self.last)}


class Graphs:
    """The operations."""

    def __init__(self, book: Book, traces: TraceBook) -> None:
        self._book, self._traces = book, traces

    async def GetServiceGraph(self, call: Call, params: Json) -> Json:
        """Of all traces of a period, or of a group's."""
        start, end = period(params)
        fits = await self._group(call, params)
        found = [trace for trace in await self._between(start, end) if fits(trace)]
        return {
            "StartTime": params["StartTime"],
            "EndTime": params["EndTime"],
            "Services": services(found, call.principal.account),
            "ContainsOldGroupVersions": False,
        }

    async def GetTraceGraph(self, call: Call, params: Json) -> Json:
        """Of some traces."""
        wanted: list[str] = params["TraceIds"]
        if len(wanted) > _MOST_TRACES:
            raise invalid(f"At most {_MOST_TRACES} TraceIds")
        found = await self._traces.documents(wanted)
        traces = [of_trace(id, documents) for id, documents in found.items()]
        return {"Services": services(traces, call.principal.account)}

    async def GetTimeSeriesServiceStatistics(self, call: Call, params: Json) -> Json:
        """How the services of a group, or those an expression selects, did by the minute."""
        start, end = period(params)
        width = params.get("Period") or 60
        if width not in _PERIODS:
            raise invalid("Period must be 60 or 300")
        selector = params.get("EntitySelectorExpression")
        fits = parse(selector) if selector else await self._group(call, params)
        buckets: dict[int, Numbers] = {}
        for trace in await self._between(start, end):
            root = trace.root
            if root is not None and fits(trace):
                buckets.setdefault(int(root.start) // width * width, Numbers()).add(root)
        return {
            "TimeSeriesServiceStatistics": [
                {
                    "Timestamp": moment(at),
                    "ServiceSummaryStatistics": numbers.summary(),
                    "ResponseTimeHistogram": numbers.histogram(),
                }
                for at, numbers in sorted(buckets.items())
            ],
            "ContainsOldGroupVersions": False,
        }

    async def _group(self, call: Call, params: Json) -> Test:
        name, arn = params.get("GroupName"), params.get("GroupARN")
        if not name and not arn:
            return everything
        return await filter_of(self._book, call, name, arn)

    async def _between(self, start: float, end: float) -> list[Trace]:
        found = await self._traces.between(start, end, LOOKED_AT)
        return [of_trace(id, documents) for id, documents in found.items()]


def services(traces: Iterable[Trace], account: str) -> list[Json]:
    """Nodes and edges. What clients asked first is called by one more node, the client."""
    nodes: dict[Key, Numbers] = {}
    edges: dict[tuple[Key, Key], Numbers] = {}
    roots: set[Key] = set()
    for trace in traces:
        for node in trace.nodes:
            key = (node.name, node.type)
            nodes.setdefault(key, Numbers()).add(node)
            caller = trace.caller(node)
            source = _CLIENT if caller is None else (caller.name, caller.type)
            edges.setdefault((source, key), Numbers()).add(node)
            if caller is None:
                roots.add(key)
                nodes.setdefault(_CLIENT, Numbers()).add(node)
    ids = {key: place for place, key in enumerate(nodes)}
    return [_service(key, nodes[key], ids, edges, account, root=key in roots) for key in nodes]


def _service(
    key: Key,
    numbers: Numbers,
    ids: dict[Key, int],
    edges: dict[tuple[Key, Key], Numbers],
    account: str,
    *,
    root: bool,
) -> Json:
    outward = [
        {
            "ReferenceId": ids[target],
            **found.lasting(),
            "SummaryStatistics": found.summary(),
            "ResponseTimeHistogram": found.histogram(),
            "Aliases": list[Json](),
        }
        for (source, target), found in edges.items()
        if source == key
    ]
    made: Json = {
        "ReferenceId": ids[key],
        "Name": key[0],
        "Names": [key[0]],
        "Type": key[1],
        "State": "active",
        **numbers.lasting(),
        "Edges": outward,
        "SummaryStatistics": numbers.summary(),
        "DurationHistogram": numbers.histogram(),
        "ResponseTimeHistogram": numbers.histogram(),
    }
    if root:
        made["Root"] = True
    return made if key == _CLIENT else {**made, "AccountId": account}
