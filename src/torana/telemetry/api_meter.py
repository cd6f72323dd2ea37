"""The metrics of API Gateway's namespace.

Source: API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics", "Monitor HTTP APIs
with CloudWatch metrics" and "Monitor WebSocket API execution with CloudWatch metrics". A metric
that counts has a value of 0 or 1 for each request, so that its average is a rate.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from torana.telemetry.distribution import Distribution, flags, of
from torana.telemetry.recorder import Dimensions, Recorder, Series, by_minute, dimensions

NAMESPACE = "AWS/ApiGateway"
_MILLISECONDS, _COUNT, _BYTES = "Milliseconds", "Count", "Bytes"

Answered = tuple[float, int, float, float, int, int]
"""A request: when it ended, its status, seconds, seconds of the backend (negative: it was not
called), one of the ways below, bytes of the reply."""
PLAIN, MISSED, FOUND, CONNECT, MESSAGE, DISCONNECT = range(-1, 5)
"""Of a request: no cache was asked, or it was; what happens on a WebSocket."""


class Place(Struct, frozen=True):
    """A method of a stage."""

    id: str
    name: str
    stage: str
    method: str
    """Empty for requests that no method takes."""
    resource: str
    detailed: bool
    http_api: bool = False


class ApiMeter:
    """Counts one method's requests."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._fresh: list[Answered] = []
        self.note = self._fresh.append
        """What a request calls."""

    def sum_up(self, into: Recorder) -> None:
        """See `Meter`."""
        fresh = self._fresh
        if not fresh:
            return
        taken = fresh[:]
        del fresh[: len(taken)]
        for at, events in by_minute(taken):
            socket = events[0][4] >= CONNECT
            summed = _socket if socket else _http if self.place.http_api else _rest
            own = _dimensions(self.place, socket=socket)
            for name, (unit, values) in summed(events).items():
                for each in own:
                    into.into(Series(NAMESPACE, name, each, unit), at).merge(values)


def _dimensions(place: Place, *, socket: bool) -> list[Dimensions]:
    """Of a REST API, by its name; of the others, by their ids."""
    if socket:
        found = [dimensions(ApiId=place.id), dimensions(ApiId=place.id, Stage=place.stage)]
        if place.detailed and place.resource:
            found.append(dimensions(ApiId=place.id, Stage=place.stage, Route=place.resource))
        return found
    if place.http_api:
        found = [dimensions(ApiId=place.id), dimensions(ApiId=place.id, Stage=place.stage)]
    else:
        found = [dimensions(ApiName=place.name), dimensions(ApiName=place.name, Stage=place.stage)]
    if place.detailed and place.method:
        own = {*found[1], ("Method", place.method), ("Resource", place.resource)}
        found.append(tuple(sorted(own)))
    return found


Metrics = dict[str, tuple[str, Distribution]]
"""Units and values, by name."""


class _Batch:
    """Requests by their members, each taken out in one go: what is done for every request here is
    what measuring costs."""

    def __init__(self, events: list[Answered]) -> None:
        _, statuses, self.seconds, self.backends, self.ways, self.sizes = zip(*events, strict=True)
        self.count = len(events)
        self._classes: dict[int, int] = {}
        for status, number in Counter(statuses).items():
            self._classes[status // 100] = self._classes.get(status // 100, 0) + number

    def of_class(self, digit: int) -> int:
        """How many have a status that begins so."""
        return self._classes.get(digit, 0)

    def latencies(self) -> Metrics:
        found = {"Latency": (_MILLISECONDS, _milliseconds(self.seconds))}
        backend = self.backends
        if min(backend) < 0:
            backend = [each for each in backend if each >= 0]
        if backend:
            found["IntegrationLatency"] = (_MILLISECONDS, _milliseconds(backend))
        return found


def _rest(events: list[Answered]) -> Metrics:
    batch = _Batch(events)
    found = {
        "Count": (_COUNT, flags(batch.count, batch.count)),
        "4XXError": (_COUNT, flags(batch.count, batch.of_class(4))),
        "5XXError": (_COUNT, flags(batch.count, batch.of_class(5))),
        **batch.latencies(),
    }
    if max(batch.ways) >= MISSED:
        ways = Counter(batch.ways)
        hits, asked = ways[FOUND], ways[FOUND] + ways[MISSED]
        found["CacheHitCount"] = (_COUNT, flags(asked, hits))
        found["CacheMissCount"] = (_COUNT, flags(asked, asked - hits))
    return found


def _http(events: list[Answered]) -> Metrics:
    batch = _Batch(events)
    return {
        "Count": (_COUNT, flags(batch.count, batch.count)),
        "4xx": (_COUNT, flags(batch.count, batch.of_class(4))),
        "5xx": (_COUNT, flags(batch.count, batch.of_class(5))),
        "DataProcessed": (_BYTES, of([float(each) for each in batch.sizes])),
        **batch.latencies(),
    }


def _socket(events: list[Answered]) -> Metrics:
    connects = sum(each[4] == CONNECT for each in events)
    called = [each for each in events if each[3] >= 0]
    early = [each[1] // 100 for each in events if each[3] < 0]
    failed = sum(each[1] >= 400 for each in called)
    found = {
        "ConnectCount": (_COUNT, flags(connects, connects)),
        "MessageCount": (_COUNT, flags(len(events) - connects, len(events) - connects)),
        "ClientError": (_COUNT, flags(len(events), early.count(4))),
        "ExecutionError": (_COUNT, flags(len(events), early.count(5))),
        "IntegrationError": (_COUNT, flags(len(events), failed)),
    }
    if called:
        latency = _milliseconds([each[3] for each in called])
        found["IntegrationLatency"] = (_MILLISECONDS, latency)
    return {name: each for name, each in found.items() if each[1].count}


def _milliseconds(seconds: Sequence[float]) -> Distribution:
    if len(seconds) > 64:
        return of([each * 1000 for each in seconds])
    return of([round(each * 1000, 3) for each in seconds])
