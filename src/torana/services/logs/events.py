"""Putting, reading and filtering events. Source: Amazon CloudWatch Logs API Reference."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from torana.services.given import items
from torana.services.logs.faults import invalid
from torana.services.logs.groups import Db, find, find_stream, name_of
from torana.services.logs.patterns import Pattern, compile_pattern
from torana.services.logs.protection import seeing
from torana.services.ports import Call
from torana.telemetry import log_catalog as catalog
from torana.telemetry.log_catalog import Group
from torana.telemetry.logbook import Event, LogBook

Json = dict[str, Any]
_DAY = 86_400_000
_BATCH = 1_048_576
_OVERHEAD = 26
_MOST = 10_000
_ANSWER = 1_000_000
"""Bytes of events in an answer."""
_SCAN = 50_000
"""Events that one FilterLogEvents looks at; the token leads on from there."""
_EVER = 1 << 53
See = Callable[[Sequence[Event]], list[Event]]


class Events:
    """The operations."""

    def __init__(self, book: LogBook) -> None:
        self._book = book

    async def PutLogEvents(self, call: Call, params: Json) -> Json:
        """Events of a stream: on the disk when this is answered."""
        if params.get("entity"):
            raise invalid("entity is not supported here")
        group_name, stream_name = params["logGroupName"], params["logStreamName"]

        def work(db: Db) -> tuple[Group, int]:
            group = find(db, group_name)
            return group, find_stream(db, group, stream_name).id

        group, id = await self._book.read(work)
        events: list[Json] = params["logEvents"]
        _check(events)
        kept, rejected = _timely(events, int(self._book.clock() * 1000), group.retention)
        if kept:
            found = [(each["timestamp"], each["message"]) for each in kept]
            await self._book.put([(group_name, stream_name, found)])
        answer: Json = {"nextSequenceToken": str(id)}
        if rejected:
            answer["rejectedLogEventsInfo"] = rejected
        return answer

    async def GetLogEvents(self, call: Call, params: Json) -> Json:
        """A stream's, forward or backward, in pages. A token that leads no further is the one
        that was given."""
        group_name = name_of(params)

        def work(db: Db) -> tuple[Group, int]:
            group = find(db, group_name)
            return group, find_stream(db, group, params["logStreamName"]).id

        group, stream = await self._book.read(work)
        see = seeing(call, group, params)
        token = params.get("nextToken")
        forward = token.startswith("f/") if token else bool(params.get("startFromHead"))
        after = _position(token[2:]) if token else None
        start, end = params.get("startTime") or 0, params.get("endTime")
        found = await self._book.page(
            group.id, [stream], start, _EVER if end is None else end - 1,
            after=after, backward=not forward, most=params.get("limit") or _MOST,
        )  # fmt: skip
        found = await asyncio.to_thread(see, _bounded(found))
        if not forward:
            found.reverse()
        first, last = (_place(found[0]), _place(found[-1])) if found else (None, None)
        here = token[2:] if token else "0.0"
        return {
            "events": [_event(each) for each in found],
            "nextForwardToken": f"f/{last or here}",
            "nextBackwardToken": f"b/{first or here}",
        }

    async def FilterLogEvents(self, call: Call, params: Json) -> Json:
        """A group's events that a pattern matches, in order of time, in pages."""
        group_name, names = name_of(params), items(params, "logStreamNames")
        prefix = params.get("logStreamNamePrefix")
        if names and prefix:
            raise invalid("logStreamNames and logStreamNamePrefix exclude each other")

        def work(db: Db) -> tuple[Group, list[int] | None]:
            group = find(db, group_name)
            if not names and not prefix:
                return group, []
            if names:
                return group, [find_stream(db, group, name).id for name in names]
            own = [s.id for s in catalog.streams(db, group.id) if s.name.startswith(prefix or "")]
            return group, own or None

        group, streams = await self._book.read(work)
        if streams is None:
            return {"events": [], "searchedLogStreams": []}
        pattern = compile_pattern(params.get("filterPattern") or "")
        see = seeing(call, group, params)
        events, after = await self._matching(group.id, streams[:900], pattern, see, params)
        answer: Json = {
            "events": [
                {**_event(each), "logStreamName": each.stream, "eventId": f"{each.id:056d}"}
                for each in events
            ],
            "searchedLogStreams": [],
        }
        if after:
            answer["nextToken"] = after
        return answer

    async def _matching(
        self, group: int, streams: list[int], pattern: Pattern, see: See, params: Json
    ) -> tuple[list[Event], str]:
        """Events, and the token that leads on."""
        token, most = params.get("nextToken"), params.get("limit") or _MOST
        end = params.get("endTime")
        after = _position(token) if token else None
        backward = params.get("startFromHead") is False
        found: list[Event] = []
        size = scanned = 0
        while scanned < _SCAN:
            page = await self._book.page(
                group, streams, params.get("startTime") or 0, _EVER if end is None else end,
                after=after, backward=backward,
            )  # fmt: skip
            matches = await asyncio.to_thread(_fitting, page, pattern, see)
            for event, fits in matches:
                if fits:
                    found.append(event)
                    size += len(event.text)
                after = event.at, event.id
                if len(found) >= most or size >= _ANSWER:
                    return found, _place(event)
            scanned += len(page)
            if not page:
                return found, ""
        return found, f"{after[0]}.{after[1]}" if after else ""


def _fitting(page: list[Event], pattern: Pattern, see: See) -> list[tuple[Event, bool]]:
    """Events as they may be seen, and whether they match as such."""
    return [(event, pattern(event.text) is not None) for event in see(page)]


def _place(event: Event) -> str:
    return f"{event.at}.{event.id}"


def _position(token: str) -> tuple[int, int]:
    at, _, id = token.partition(".")
    if not at.isdigit() or not id.isdigit() or len(token) > 40:
        raise invalid("The specified nextToken is invalid.")
    return int(at), int(id)


def _event(event: Event) -> Json:
    return {"timestamp": event.at, "message": event.text, "ingestionTime": event.ingested}


def _bounded(found: list[Event]) -> list[Event]:
    size = 0
    for number, event in enumerate(found):
        size += len(event.text) + _OVERHEAD
        if size > _ANSWER and number:
            return found[:number]
    return found


def _check(events: list[Json]) -> None:
    size = sum(len(each["message"].encode()) + _OVERHEAD for each in events)
    if size > _BATCH:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {_BATCH}")
    times = [each["timestamp"] for each in events]
    if any(a > b for a, b in pairwise(times)):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > _DAY:
        raise invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 "
            "hours."
        )


def _timely(events: list[Json], now: int, retention: int) -> tuple[list[Json], Json]:
    """Events that are neither too old nor too new, and which are."""
    rejected: Json = {}
    oldest = now - 14 * _DAY
    expired = now - retention * _DAY if retention else 0
    old = sum(each["timestamp"] < oldest for each in events)
    gone = sum(each["timestamp"] < expired for each in events)
    new = sum(each["timestamp"] > now + 2 * 3_600_000 for each in events)
    if old:
        rejected["tooOldLogEventEndIndex"] = old
    if gone:
        rejected["expiredLogEventEndIndex"] = gone
    if new:
        rejected["tooNewLogEventStartIndex"] = len(events) - new
    return events[max(old, gone) : len(events) - new], rejected
