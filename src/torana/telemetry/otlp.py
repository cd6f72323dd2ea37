"""Segments as OpenTelemetry's spans, in OTLP's JSON encoding.

Source: OpenTelemetry Protocol, "OTLP/HTTP" (JSON Protobuf encoding); semantic conventions of HTTP
and FaaS spans.
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec

Json = dict[str, Any]

_SERVER, _CLIENT, _INTERNAL = 2, 3, 1
_ERROR = 2


def spans(documents: Sequence[str], version: str) -> bytes:
    """An ExportTraceServiceRequest."""
    by_name: dict[str, list[Json]] = {}
    for document in documents:
        segment = cast(Json, msgspec.json.decode(document))
        by_name.setdefault(segment["name"], []).extend(_of_segment(segment))
    resources = [
        {
            "resource": {"attributes": [_attribute("service.name", name)]},
            "scopeSpans": [{"scope": {"name": "torana", "version": version}, "spans": found}],
        }
        for name, found in by_name.items()
    ]
    return msgspec.json.encode({"resourceSpans": resources})


def _of_segment(segment: Json) -> Iterator[Json]:
    trace = segment["trace_id"][2:].replace("-", "")
    remote = segment.get("type") == "subsegment" and segment.get("namespace")
    kind = _CLIENT if remote else _SERVER
    yield _span(segment, trace, segment.get("parent_id") or "", kind)
    yield from _parts(segment, trace)


def _parts(of: Json, trace: str) -> Iterator[Json]:
    for part in cast(list[Json], of.get("subsegments") or ()):
        if "id" in part:
            kind = _CLIENT if part.get("namespace") else _INTERNAL
            yield _span(part, trace, of["id"], kind)
            yield from _parts(part, trace)


def _span(of: Json, trace: str, parent: str, kind: int) -> Json:
    ended = of.get("end_time")
    made: Json = {
        "traceId": trace,
        "spanId": of["id"],
        "name": of["name"],
        "kind": kind,
        "startTimeUnixNano": _nanoseconds(of["start_time"]),
        "endTimeUnixNano": _nanoseconds(of["start_time"] if ended is None else ended),
        "attributes": [*_http(of, kind), *_others(of)],
        "status": {"code": _ERROR} if of.get("fault") else {},
    }
    return made | ({"parentSpanId": parent} if parent else {})


def _nanoseconds(seconds: float) -> str:
    return str(int(seconds * 1_000_000) * 1000)


def _http(of: Json, kind: int) -> Iterator[Json]:
    http = cast(Json, of.get("http") or {})
    request = cast(Json, http.get("request") or {})
    response = cast(Json, http.get("response") or {})
    for name, key in (
        ("http.request.method", "method"),
        ("url.full", "url"),
        ("user_agent.original", "user_agent"),
        ("client.address" if kind == _SERVER else "server.address", "client_ip"),
    ):
        if request.get(key):
            yield _attribute(name, request[key])
    if response.get("status"):
        yield _attribute("http.response.status_code", response["status"])
    if response.get("content_length") is not None:
        yield _attribute("http.response.body.size", response["content_length"])


def _others(of: Json) -> Iterator[Json]:
    for name, value in cast(Json, of.get("annotations") or {}).items():
        yield _attribute(name.replace(":", "."), value)
    for name in ("origin", "resource_arn"):
        if of.get(name):
            yield _attribute(f"aws.{name}", of[name])


def _attribute(key: str, value: Any) -> Json:
    if isinstance(value, bool):
        return {"key": key, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    if isinstance(value, float):
        return {"key": key, "value": {"doubleValue": value}}
    return {"key": key, "value": {"stringValue": str(value)}}
