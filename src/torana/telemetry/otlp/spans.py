"""Segments as OpenTelemetry's spans.

Source: semantic conventions of HTTP and FaaS spans.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from torana.telemetry.otlp.encoding import attribute, resource

Json = dict[str, Any]

_SERVER, _CLIENT, _INTERNAL = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL


def spans(documents: Sequence[str], about: Mapping[str, str]) -> ExportTraceServiceRequest:
    """Each segment is of a service of its own name; `about` says what is true of all."""
    by_name: dict[str, list[Span]] = {}
    for document in documents:
        segment = cast(Json, msgspec.json.decode(document))
        by_name.setdefault(segment["name"], []).extend(_of_segment(segment))
    request = ExportTraceServiceRequest()
    for name, found in by_name.items():
        of = request.resource_spans.add(resource=resource({**about, "service.name": name}))
        scope = of.scope_spans.add(spans=found)
        scope.scope.name, scope.scope.version = "torana", about.get("service.version", "")
    return request


def _of_segment(segment: Json) -> Iterator[Span]:
    trace = segment["trace_id"][2:].replace("-", "")
    remote = segment.get("type") == "subsegment" and segment.get("namespace")
    kind = _CLIENT if remote else _SERVER
    yield _span(segment, trace, segment.get("parent_id") or "", kind)
    yield from _parts(segment, trace)


def _parts(of: Json, trace: str) -> Iterator[Span]:
    for part in cast(list[Json], of.get("subsegments") or ()):
        if "id" in part:
            kind = _CLIENT if part.get("namespace") else _INTERNAL
            yield _span(part, trace, of["id"], kind)
            yield from _parts(part, trace)


def _span(of: Json, trace: str, parent: str, kind: Span.SpanKind.ValueType) -> Span:
    ended = of.get("end_time")
    return Span(
        trace_id=bytes.fromhex(trace),
        span_id=bytes.fromhex(of["id"]),
        parent_span_id=bytes.fromhex(parent),
        name=of["name"],
        kind=kind,
        start_time_unix_nano=_nanoseconds(of["start_time"]),
        end_time_unix_nano=_nanoseconds(of["start_time"] if ended is None else ended),
        attributes=[*_http(of, kind), *_others(of)],
        status=Status(code=Status.STATUS_CODE_ERROR) if of.get("fault") else Status(),
    )


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000) * 1000


def _http(of: Json, kind: Span.SpanKind.ValueType) -> Iterator[KeyValue]:
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
            yield attribute(name, request[key])
    if response.get("status"):
        yield attribute("http.response.status_code", response["status"])
    if response.get("content_length") is not None:
        yield attribute("http.response.body.size", response["content_length"])


def _others(of: Json) -> Iterator[KeyValue]:
    for name, value in cast(Json, of.get("annotations") or {}).items():
        yield attribute(name.replace(":", "."), value)
    for name in ("origin", "resource_arn"):
        if of.get(name):
            yield attribute(f"aws.{name}", of[name])
