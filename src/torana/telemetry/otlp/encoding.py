"""Export requests as bytes. Source: OpenTelemetry Protocol, "OTLP/HTTP".

They are built as the messages of `opentelemetry-proto`. The JSON encoding is protobuf's own but for
the ids of traces and spans, which are hexadecimal.
"""

import base64
from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

Encoding = Literal["protobuf", "json"]
Signal = Literal["traces", "metrics", "logs"]
CONTENT_TYPES: Mapping[Encoding, str] = {
    "protobuf": "application/x-protobuf",
    "json": "application/json",
}
PATHS: Mapping[Signal, str] = {
    "traces": "/v1/traces",
    "metrics": "/v1/metrics",
    "logs": "/v1/logs",
}
_IDS = frozenset(("traceId", "spanId", "parentSpanId"))


def encode(message: Message, encoding: Encoding) -> bytes:
    """A request's body."""
    if encoding == "protobuf":
        return message.SerializeToString()
    found = MessageToDict(message, use_integers_for_enums=True)
    return msgspec.json.encode(_with_ids(found))


def _with_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: base64.b64decode(each).hex() if key in _IDS else _with_ids(each)
            for key, each in cast(dict[str, Any], value).items()
        }
    if isinstance(value, list):
        return [_with_ids(each) for each in cast(list[Any], value)]
    return value


def attribute(key: str, value: Any) -> KeyValue:
    """A name and its value."""
    return KeyValue(key=key, value=_value(value))


def _value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=str(value))


def resource(attributes: Mapping[str, str]) -> Resource:
    """What everything of a request is about."""
    return Resource(attributes=[attribute(key, each) for key, each in attributes.items()])
