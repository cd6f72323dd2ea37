"""What happens to events as they come in: filters feed metrics, and hand events to functions."""

import base64
import gzip
import logging
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from torana.message import Headers, Request
from torana.services.background import Background
from torana.services.given import members
from torana.services.logs import protection
from torana.services.logs.patterns import Found, Pattern, compile_pattern
from torana.services.logs.protection import Protection
from torana.services.reach import Reach
from torana.telemetry import log_catalog as catalog
from torana.telemetry.logbook import Event, Kept, LogBook
from torana.telemetry.recorder import Recorder, Series

_log = logging.getLogger("torana.logs")
Json = dict[str, Any]
_TRIES = 3
_FINDINGS = Series("AWS/Logs", "LogEventsWithFindings", (), "Count")


class Filter(Struct, frozen=True):
    """A filter, compiled."""

    name: str
    pattern: Pattern
    body: Json


class Hearing:
    """Hears of every event of a group that has filters."""

    def __init__(
        self, book: LogBook, recorder: Recorder, reach: Reach, background: Background, account: str
    ) -> None:
        self._book, self._recorder, self._reach = book, recorder, reach
        self._background, self._account = background, account
        self._metrics: dict[str, list[Filter]] = {}
        self._subscriptions: dict[str, list[Filter]] = {}
        self._protected: dict[str, Protection] = {}
        self._told: dict[tuple[str, str], int] = {}
        """The last minute for which a filter's default value was told."""
        self.beyond: Callable[[Kept], None] | None = None
        """Gets the events of every group, as everybody may see them."""
        book.heard = self.hear

    async def load(self) -> None:
        """Take in every filter there is."""
        *found, groups = await self._book.read(
            lambda db: (
                catalog.filters(db, "metric"),
                catalog.filters(db, "subscription"),
                catalog.groups(db),
            )
        )
        self._metrics, self._subscriptions = (_by_group(each) for each in found)
        self._protected = {each.name: found for each in groups if (found := protection.of(each))}
        watched = {*self._metrics, *self._subscriptions, *self._protected}
        self._book.watched = None if self.beyond is not None else frozenset(watched)

    def hear(self, all_kept: list[Kept]) -> None:
        """See `LogBook.heard`."""
        for kept in all_kept:
            policy = self._protected.get(kept.group)
            if policy is not None:
                kept = self._audited(kept, policy)
            if self.beyond is not None:
                self.beyond(kept)
            for each in self._metrics.get(kept.group, ()):
                self._count(kept, each)
            for each in self._subscriptions.get(kept.group, ()):
                self._hand_on(kept, each)

    def _audited(self, kept: Kept, policy: Protection) -> Kept:
        """Count what is found, and give the events without it."""
        resource = f"{self._account}:log-group:{kept.group}:*"
        lines: list[tuple[int, str]] = []
        for event in kept.events:
            found = policy.findings(event)
            if found:
                self._recorder.add(_FINDINGS, 1.0, event.at / 1000)
                text = protection.told(event.ingested / 1000, resource, found)
                lines.append((event.at, text))
        if lines and policy.log_group:
            entries = [(policy.log_group, "log_stream_created_by_aws", lines)]
            self._background.start(self._book.put(entries), "findings of data protection")
        return Kept(kept.group, [policy.hide(each) for each in kept.events])

    def _count(self, kept: Kept, by: Filter) -> None:
        [change] = by.body["metricTransformations"]
        matched = False
        for event in kept.events:
            found = by.pattern(event.text)
            if found is not None:
                matched = True
                self._add(change, found, event)
        default = change.get("defaultValue")
        minute = kept.events[-1].at // 60_000
        if default is not None and not matched and self._told.get((kept.group, by.name)) != minute:
            self._told[kept.group, by.name] = minute
            self._recorder.add(_series(change, ()), default, minute * 60)

    def _add(self, change: Json, found: Found, event: Event) -> None:
        try:
            value = float(found.pick(change["metricValue"]) or "")
        except ValueError:
            return
        names: dict[str, str] = members(change, "dimensions")
        picked = [(name, found.pick(given)) for name, given in names.items()]
        if math.isfinite(value) and all(each for _, each in picked):
            dimensions = tuple(sorted((name, str(each)) for name, each in picked))
            self._recorder.add(_series(change, dimensions), value, event.at / 1000)

    def _hand_on(self, kept: Kept, by: Filter) -> None:
        """The events of each stream together."""
        streams: dict[str, list[Event]] = {}
        for event in kept.events:
            if by.pattern(event.text) is not None:
                streams.setdefault(event.stream, []).append(event)
        for stream, events in streams.items():
            for start in range(0, len(events), 1000):
                some = events[start : start + 1000]
                request = self._request(kept.group, stream, by, some)
                self._background.start(self._deliver(by, request), "a subscription of a log group")

    def _request(
        self, group: str, stream: str, by: Filter, events: list[Event]
    ) -> Callable[[], Request]:
        """Source: Lambda Developer Guide, "Using Lambda with CloudWatch Logs"."""
        data = {
            "messageType": "DATA_MESSAGE",
            "owner": self._account,
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": [by.name],
            "logEvents": [
                {"id": f"{each.id:056d}", "timestamp": each.at, "message": each.text}
                for each in events
            ],
        }
        packed = base64.b64encode(gzip.compress(msgspec.json.encode(data), 1)).decode()
        body = msgspec.json.encode({"awslogs": {"data": packed}})
        target = quote(by.body["destinationArn"], safe="")

        def make() -> Request:
            headers = Headers([("X-Amz-Invocation-Type", "Event")])
            return Request("POST", f"/2015-03-31/functions/{target}/invocations", headers, body)

        return make

    async def _deliver(self, by: Filter, make: Callable[[], Request]) -> None:
        error = ""
        for _ in range(_TRIES):
            try:
                reply = await self._reach.call("lambda", make())
            except (ConnectionError, TimeoutError) as problem:
                error = str(problem)
                continue
            if reply.status < 300:
                return
            error = f"status {reply.status}"
        _log.warning("the subscription %s lost events: %s", by.name, error)


def _series(change: Json, dimensions: tuple[tuple[str, str], ...]) -> Series:
    unit = change.get("unit") or "None"
    return Series(change["metricNamespace"], change["metricName"], dimensions, unit)


def _by_group(found: list[tuple[int, str, Json]]) -> dict[str, list[Filter]]:
    groups: dict[str, list[Filter]] = {}
    for _, name, body in found:
        made = Filter(name, compile_pattern(body["filterPattern"]), body)
        groups.setdefault(body["logGroupName"], []).append(made)
    return groups
