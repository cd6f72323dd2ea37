"""Events of log groups, and records of the audit, as OpenTelemetry's log records.

Source: semantic conventions, "AWS Logs" (`aws.log.group.names`, `aws.log.stream.names`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from torana.telemetry.otlp.encoding import attribute, resource

Entry = tuple[str, str, int, str]
"""Group, stream, milliseconds since 1970, text."""


def logs(
    entries: Sequence[Entry], about: Mapping[str, str], observed: float
) -> ExportLogsServiceRequest:
    """`observed`: seconds since 1970."""
    request, seen = ExportLogsServiceRequest(), int(observed * 1e9)
    of = request.resource_logs.add(resource=resource(about))
    scope = of.scope_logs.add()
    scope.scope.name, scope.scope.version = "torana", about.get("service.version", "")
    places: dict[tuple[str, str], list[KeyValue]] = {}
    for group, stream, at, text in entries:
        place = places.get((group, stream))
        if place is None:
            place = places[group, stream] = [
                _listed("aws.log.group.names", group),
                _listed("aws.log.stream.names", stream),
            ]
        scope.log_records.add(
            time_unix_nano=at * 1_000_000,
            observed_time_unix_nano=seen,
            body=AnyValue(string_value=text),
            attributes=place,
        )
    return request


def _listed(key: str, value: str) -> KeyValue:
    array = ArrayValue(values=[AnyValue(string_value=value)])
    return KeyValue(key=key, value=AnyValue(array_value=array))


def audit(records: Sequence[dict[str, Any]]) -> ExportLogsServiceRequest:
    """Records of the audit trail."""
    request = ExportLogsServiceRequest()
    of = request.resource_logs.add(resource=resource({"service.name": "torana"}))
    scope = of.scope_logs.add()
    scope.scope.name = "torana.audit"
    for record in records:
        refused = record.get("event") == "denied" or record.get("denied")
        number = (
            SeverityNumber.SEVERITY_NUMBER_WARN
            if refused
            else (SeverityNumber.SEVERITY_NUMBER_INFO)
        )
        when = datetime.fromisoformat(record["time"]).timestamp()
        scope.log_records.append(
            LogRecord(
                time_unix_nano=int(when * 1000) * 1_000_000,
                severity_number=number,
                severity_text="WARN" if refused else "INFO",
                body=AnyValue(string_value=msgspec.json.encode(record).decode()),
                attributes=[
                    attribute(f"torana.audit.{name}", str(value))
                    for name, value in record.items()
                    if isinstance(value, str | int) and name not in ("mac", "prev")
                ],
            )
        )
    return request
