"""Between params and trees: the JSON and CBOR forms of shapes, compiled to closures.

Params are what services work with: dicts by member name, `datetime`, `bytes`. A tree is what
`msgspec.json` or `cbor` reads and writes: dicts by wire name.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from torana.wire.faults import Malformed
from torana.wire.model import Ref, Shape
from torana.wire.values import (
    aware,
    epoch,
    from_epoch,
    iso8601,
    named_float,
    named_single,
    read_blob,
    read_float,
    read_time,
    rfc822,
    single,
    write_blob,
)

Convert = Callable[[Any], Any]
Leaves = Mapping[str, Convert]

_TOKENS: dict[type, str] = {
    str: "STRING_VALUE",
    int: "NUMBER_VALUE",
    float: "NUMBER_VALUE",
    bool: "BOOLEAN_VALUE",
    bytes: "BLOB_VALUE",
    datetime: "TIMESTAMP_VALUE",
}


def _wrong(value: Any, wanted: str) -> Malformed:
    if isinstance(value, list):
        return Malformed("Start of list found where not expected")
    if isinstance(value, dict):
        return Malformed("Start of structure or map found where not expected.")
    kind = cast("type[object]", type(value))
    return Malformed(f"{_TOKENS.get(kind, 'NULL_VALUE')} cannot be converted to {wanted}")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(value, "String")


def _integer(bits: int, name: str) -> Convert:
    limit = 1 << (bits - 1)

    def integer(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise _wrong(value, name)
        if not -limit <= value < limit:
            raise Malformed(f"NUMBER_VALUE cannot be converted to {name}")
        return value

    return integer


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong(value, "Boolean")


def _float(value: Any) -> float:
    if isinstance(value, str):
        return read_float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, "Float")
    return float(value)


def _blob_text(value: Any) -> bytes:
    return read_blob(_text(value))


def _blob(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    raise _wrong(value, "Blob")


def _json_time(value: Any) -> datetime:
    if isinstance(value, str):
        return read_time(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, "Timestamp")
    return from_epoch(value)


def _cbor_time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    raise _wrong(value, "Timestamp")


def _as_it_is(value: Any) -> Any:
    return value


_SCALARS: dict[str, Convert] = {
    "string": _text,
    "character": _text,
    "boolean": _boolean,
    "byte": _integer(8, "Byte"),
    "short": _integer(16, "Short"),
    "integer": _integer(32, "Integer"),
    "long": _integer(64, "Long"),
    "bigdecimal": _float,
    "float": _float,
    "double": _float,
    "document": _as_it_is,
}
JSON_IN: Leaves = {**_SCALARS, "blob": _blob_text, "timestamp": _json_time}
CBOR_IN: Leaves = {**_SCALARS, "blob": _blob, "timestamp": _cbor_time}


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


_PLAIN: dict[str, Convert] = {
    "string": str,
    "character": str,
    "boolean": bool,
    "byte": int,
    "short": int,
    "integer": int,
    "long": int,
    "bigdecimal": float,
    "document": _as_it_is,
}
JSON_OUT: Leaves = {
    **_PLAIN,
    "float": named_single,
    "double": lambda value: named_float(float(value)),
    "blob": write_blob,
    "timestamp": epoch,
}
CBOR_OUT: Leaves = {
    **_PLAIN,
    "float": single,
    "double": float,
    "blob": _bytes,
    "timestamp": aware,
}
_TIME_OUT: dict[str, Convert] = {"iso8601": iso8601, "rfc822": rfc822, "unixTimestamp": epoch}


class Trees:
    """The converters of one service's shapes in one direction and form, made as they are needed.

    `reading` says which way: from tree to params, else from params to tree. `timed`: the form has
    several ways to write a timestamp (JSON), so the model's choice counts.
    """

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        leaves: Leaves,
        *,
        reading: bool,
        named: bool = True,
        timed: bool = True,
    ) -> None:
        self._shapes = shapes
        self._leaves = leaves
        self._reading = reading
        self._named = named
        self._timed = timed
        self._made: dict[tuple[str, str], Convert] = {}

    def of(self, ref: Ref) -> Convert:
        """The converter of a use of a shape."""
        shape = self._shapes[ref.shape]
        time = (ref.timestamp_format or shape.timestamp_format) if self._timed else ""
        key = ref.shape, time
        made = self._made.get(key)
        if made is None:
            # A shape may contain itself: those inside call through this name until it is made.
            def later(value: Any) -> Any:
                return self._made[key](value)

            self._made[key] = later
            made = self._made[key] = self._make(shape, time)
        return made

    def _make(self, shape: Shape, time: str) -> Convert:
        if shape.type == "structure" and not shape.document:
            return self.structure(shape.members)
        if shape.type == "list" and shape.member is not None:
            return _list(self.of(shape.member))
        if shape.type == "map" and shape.value is not None:
            return _map(self.of(shape.value), shape.sparse)
        if shape.type == "timestamp" and time and not self._reading:
            return _TIME_OUT[time]
        return self._leaves["document" if shape.document else shape.type]

    def structure(self, members: Mapping[str, Ref]) -> Convert:
        """The converter of these members alone: the rest of a shape may travel elsewhere."""
        renamed = {
            name: (ref.location_name if self._named else "") or name
            for name, ref in members.items()
        }
        converts = {name: self.of(ref) for name, ref in members.items()}
        if self._reading:
            return _reader({renamed[name]: (name, converts[name]) for name in members})
        return _writer({name: (renamed[name], converts[name]) for name in members})


def _list(convert: Convert) -> Convert:
    def items(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise _wrong(value, "List")
        # A null where none may be is left for validation to name.
        return [None if item is None else convert(item) for item in _items(value)]

    return items


def _map(convert: Convert, sparse: bool) -> Convert:
    def entries(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _wrong(value, "Map")
        return {
            key: None if item is None else convert(item)
            for key, item in _entries(value)
            if sparse or item is not None
        }

    return entries


def _items(value: Any) -> list[Any]:
    return value


def _entries(value: Any) -> Any:
    return value.items()


def _reader(fields: dict[str, tuple[str, Convert]]) -> Convert:
    def structure(tree: Any) -> dict[str, Any]:
        if type(tree) is not dict:
            raise _wrong(tree, "Structure")
        params: dict[str, Any] = {}
        for wire, value in _entries(tree):
            field = fields.get(wire)
            if field is not None and value is not None:
                name, convert = field
                params[name] = convert(value)
        return params

    return structure


def _writer(fields: dict[str, tuple[str, Convert]]) -> Convert:
    def structure(params: Mapping[str, Any]) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for name, value in params.items():
            if value is not None:
                wire, convert = fields[name]
                tree[wire] = convert(value)
        return tree

    return structure
