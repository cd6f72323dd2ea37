"""Segments in, traces and summaries out.

Source: X-Ray API Reference; Developer Guide, "AWS X-Ray segment documents".
"""

import re
import time
from datetime import datetime
from itertools import count
from os import urandom
from typing import Any, cast

import msgspec

from torana.services.moments import moment
from torana.services.ports import Call
from torana.services.xray.faults import invalid
from torana.services.xray.filter import everything, parse
from torana.services.xray.segments import Json, Trace, of_trace
from torana.services.xray.summary import summary
from torana.telemetry.tracebook import Kept, TraceBook

_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_ID = re.compile(r"[0-9a-f]{16}")
_LARGEST = 64 * 1024
_NAME = re.compile(r"[\w\s.:/%&#=+\-@]{1,200}")
_PAGE = 100
LOOKED_AT = 5_000
"""Traces of a period that a search looks at, the latest first."""
_LONGEST_PERIOD = 24 * 3600
_AT_ONCE = 5


class Traces:
    """The operations."""

    def __init__(self, traces: TraceBook) -> None:
        self._traces = traces
        self._sender, self._numbers = f"api-{urandom(6).hex()}", count(1)

    async def PutTraceSegments(self, call: Call, params: Json) -> Json:
        """Keep what is well formed, and name what is not."""
        kept: list[Kept] = []
        refused: list[Json] = []
        for text in params["TraceSegmentDocuments"]:
            found, why = read_segment(text)
            if isinstance(found, Kept):
                kept.append(found)
            else:
                refused.append({"Id": found, "ErrorCode": "ParseError", "Message": why})
        if kept:
            await self._traces.put(kept, self._sender, next(self._numbers))
        return {"UnprocessedTraceSegments": refused}

    async def PutTelemetryRecords(self, call: Call, params: Json) -> Json:
        """What daemons tell of themselves is taken and not kept, as nothing reads it."""
        return {}

    async def BatchGetTraces(self, call: Call, params: Json) -> Json:
        """Traces, whole."""
        wanted: list[str] = params["TraceIds"]
        if len(wanted) > _AT_ONCE:
            raise invalid(f"TraceIds must have at most {_AT_ONCE} items")
        found = await self._traces.documents(wanted)
        return {
            "Traces": [_whole(id, found[id]) for id in dict.fromkeys(wanted) if id in found],
            "UnprocessedTraceIds": [id for id in wanted if id not in found],
        }

    async def GetTraceSummaries(self, call: Call, params: Json) -> Json:
        """Traces of a period that fit an expression, the latest first."""
        start, end = period(params)
        fits = parse(params["FilterExpression"]) if params.get("FilterExpression") else everything
        found = await self._traces.between(start, end, LOOKED_AT)
        traces = [of_trace(id, documents) for id, documents in found.items()]
        fitting = [trace for trace in traces if trace.nodes and fits(trace)]
        if params.get("Sampling"):
            fitting = _thinned(fitting, params.get("SamplingStrategy") or {})
        begin = _token(params.get("NextToken"))
        made: Json = {
            "TraceSummaries": [summary(trace) for trace in fitting[begin : begin + _PAGE]],
            "ApproximateTime": moment(time.time()),
            "TracesProcessedCount": len(traces),
        }
        if begin + _PAGE < len(fitting):
            made["NextToken"] = str(begin + _PAGE)
        return made


def period(params: Json) -> tuple[float, float]:
    """From and to. Raises `InvalidRequestException`."""
    start, end = cast(datetime, params["StartTime"]), cast(datetime, params["EndTime"])
    first, last = start.timestamp(), end.timestamp()
    if last <= first:
        raise invalid("StartTime must be before EndTime")
    if last - first > _LONGEST_PERIOD:
        raise invalid("Time range cannot be longer than 24 hours")
    return first, last


def _thinned(traces: list[Trace], strategy: Json) -> list[Trace]:
    """Evenly spread ones of many, as a strategy asks; `FixedRate` of 5 % without one."""
    if strategy.get("Name") == "PartialScan" and "Value" not in strategy:
        return traces
    share = float(strategy.get("Value") or 0.05)
    if not 0 < share <= 1:
        raise invalid("SamplingStrategy.Value must be 0 to 1")
    step = max(1, round(1 / share))
    return traces[::step]


def _token(given: Any) -> int:
    if not given:
        return 0
    if not str(given).isdigit():
        raise invalid("Invalid NextToken")
    return int(given)


def _whole(id: str, documents: list[str]) -> Json:
    trace = of_trace(id, documents)
    ends = [node.end or node.start for node in trace.nodes]
    length = max(ends) - trace.nodes[0].start if trace.nodes else 0.0
    segments = [{"Id": msgspec.json.decode(each)["id"], "Document": each} for each in documents]
    return {
        "Id": id,
        "Duration": round(length, 3),
        "LimitExceeded": False,
        "Segments": segments,
    }


def read_segment(text: str) -> tuple[Kept | str, str]:
    """A segment, or its id and what is wrong with it."""
    if len(text) > _LARGEST:
        return "", "Segment too large"
    try:
        given = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return "", f"Invalid segment. ErrorCode: ParseError, {error}"
    if not isinstance(given, dict):
        return "", "Invalid segment. It is not an object"
    document = cast(Json, given)
    id = document.get("id")
    why = _mistake(document)
    if why:
        return str(id or "")[:16], f"Invalid segment. {why}"
    own = str(id)
    start = float(document["start_time"])
    return Kept(document["trace_id"], own, start, msgspec.json.encode(document).decode()), ""


def _mistake(document: Json) -> str:
    """What is wrong with a document; empty for nothing."""
    number = (int, float)
    checks = (
        ("id must be 16 hexadecimal digits", _fits(_ID, document.get("id"))),
        ("trace_id is not of the form", _fits(_ROOT, document.get("trace_id"))),
        ("name is missing or not of the form", _fits(_NAME, document.get("name"))),
        ("start_time must be a number", isinstance(document.get("start_time"), number)),
        (
            "end_time must be a number, or in_progress true",
            isinstance(document.get("end_time"), number) or document.get("in_progress") is True,
        ),
        (
            "a subsegment needs parent_id",
            document.get("type") != "subsegment" or _fits(_ID, document.get("parent_id")),
        ),
        ("subsegments are not of the form", _good_parts(document, 0)),
    )
    return next((why for why, good in checks if not good), "")


def _fits(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _good_parts(document: Json, depth: int) -> bool:
    parts = document.get("subsegments")
    if parts is None:
        return True
    if not isinstance(parts, list) or depth > 50:
        return False
    return all(
        isinstance(part, dict)
        and _fits(_NAME, cast(Json, part).get("name"))
        and isinstance(cast(Json, part).get("start_time"), int | float)
        and _good_parts(cast(Json, part), depth + 1)
        for part in cast(list[Any], parts)
    )
