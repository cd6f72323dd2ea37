"""Segments, metrics and events of logs as OpenTelemetry's, in either encoding of OTLP/HTTP."""

from torana.telemetry.otlp.encoding import CONTENT_TYPES, PATHS, Encoding, Message, Signal, encode
from torana.telemetry.otlp.logs import audit, logs
from torana.telemetry.otlp.metrics import Gathering, Temporality
from torana.telemetry.otlp.spans import spans

__all__ = [
    "CONTENT_TYPES",
    "PATHS",
    "Encoding",
    "Gathering",
    "Message",
    "Signal",
    "Temporality",
    "audit",
    "encode",
    "logs",
    "spans",
]
