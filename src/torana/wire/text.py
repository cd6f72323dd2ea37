"""Values as text: in headers, query strings, paths, forms and XML elements."""

from collections.abc import Callable
from typing import Any

import msgspec

from torana.wire.faults import Malformed
from torana.wire.model import Ref, Shape
from torana.wire.values import (
    named_float,
    read_blob,
    read_boolean,
    read_float,
    read_integer,
    read_time,
    single,
    write_blob,
    write_time,
)

FromText = Callable[[str], Any]
ToText = Callable[[Any], str]

_READ: dict[str, FromText] = {
    "boolean": read_boolean,
    "byte": read_integer,
    "short": read_integer,
    "integer": read_integer,
    "long": read_integer,
    "bigdecimal": read_float,
    "float": read_float,
    "double": read_float,
    "blob": read_blob,
}
_WRITE: dict[str, ToText] = {
    "boolean": lambda value: "true" if value else "false",
    "float": lambda value: _float(single(value)),
    "double": lambda value: _float(float(value)),
    "bigdecimal": lambda value: _float(float(value)),
    "blob": write_blob,
}


def _float(value: float) -> str:
    return str(named_float(value))


def reader(shape: Shape, ref: Ref, time: str = "") -> FromText:
    """How to read a scalar. `time` is the form of timestamps that name none; empty takes any.

    What is made raises `Malformed`.
    """
    if ref.jsonvalue:
        return _json_value
    if shape.type == "timestamp":
        form = ref.timestamp_format or shape.timestamp_format or time
        return lambda text: read_time(text, form)
    return _READ.get(shape.type, _same)


def writer(shape: Shape, ref: Ref, time: str) -> ToText:
    """How to write a scalar."""
    if ref.jsonvalue:
        return lambda value: write_blob(msgspec.json.encode(value))
    if shape.type == "timestamp":
        form = ref.timestamp_format or shape.timestamp_format or time
        return lambda value: write_time(value, form)
    return _WRITE.get(shape.type, str)


def _same(text: str) -> str:
    return text


def _json_value(text: str) -> Any:
    try:
        return msgspec.json.decode(read_blob(text))
    except msgspec.DecodeError:
        raise Malformed("The value is not base64 of JSON") from None
