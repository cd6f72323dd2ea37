"""CBOR (RFC 8949) as far as Smithy RPC v2 uses it: no I/O, no types beyond the protocol's.

Maps have text keys; tag 1 is a timestamp; every other tag is dropped and its content kept.
"""

import struct
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from torana.wire.faults import Malformed
from torana.wire.values import epoch, from_epoch

_DEEPEST = 128
_HALF, _SINGLE, _DOUBLE = struct.Struct(">e"), struct.Struct(">f"), struct.Struct(">d")
_BREAK = object()
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: _HALF, 26: _SINGLE, 27: _DOUBLE}


def decode(data: bytes) -> Any:
    """The one value that `data` holds. Raises `Malformed`."""
    reader = _Reader(data)
    value = reader.value(0)
    if value is _BREAK or reader.at != len(data):
        raise Malformed("The body is not one CBOR value")
    return value


class _Reader:
    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise Malformed("The body is nested too deeply")
        start = self.take(1)[0]
        major, info = start >> 5, start & 31
        if major == 3:
            return self.text(info)
        if major == 5:
            return self.map(info, depth)
        if major == 7:
            return self.simple(info)
        if major == 2:
            return self.bytes(info, 2)
        if major == 4:
            return self.array(info, depth)
        if major == 6:
            return self.tag(info, depth)
        number = self.argument(info)
        return number if major == 0 else -1 - number

    def take(self, count: int) -> bytes:
        end = self.at + count
        piece = self.data[self.at : end]
        if len(piece) < count:
            raise Malformed("The CBOR body ends early")
        self.at = end
        return piece

    def argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise Malformed("The CBOR body is malformed")
        return int.from_bytes(self.take(1 << (info - 24)), "big")

    def text(self, info: int) -> str:
        try:
            return self.bytes(info, 3).decode()
        except UnicodeDecodeError:
            raise Malformed("A CBOR text is not UTF-8") from None

    def bytes(self, info: int, major: int) -> bytes:
        if info != 31:
            return self.take(self.argument(info))
        pieces: list[bytes] = []
        while (start := self.take(1)[0]) != 0xFF:
            if start >> 5 != major or start & 31 == 31:
                raise Malformed("The CBOR body is malformed")
            pieces.append(self.take(self.argument(start & 31)))
        return b"".join(pieces)

    def array(self, info: int, depth: int) -> list[Any]:
        items: list[Any] = []
        if info == 31:
            while (item := self.value(depth + 1)) is not _BREAK:
                items.append(item)
            return items
        for _ in range(self.argument(info)):
            items.append(self.item(depth + 1))
        return items

    def map(self, info: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        left = -1 if info == 31 else self.argument(info)
        while left != 0:
            key = self.value(depth + 1)
            if key is _BREAK and left < 0:
                break
            if not isinstance(key, str):
                raise Malformed("A CBOR map has a key that is not text")
            found[key] = self.item(depth + 1)
            left -= 1
        return found

    def item(self, depth: int) -> Any:
        value = self.value(depth)
        if value is _BREAK:
            raise Malformed("The CBOR body is malformed")
        return value

    def simple(self, info: int) -> Any:
        if info in _SIMPLE:
            return _SIMPLE[info]
        if info in _FLOATS:
            form = _FLOATS[info]
            return form.unpack(self.take(form.size))[0]
        if info == 31:
            return _BREAK
        raise Malformed("The CBOR body has a simple value that means nothing here")

    def tag(self, info: int, depth: int) -> Any:
        number = self.argument(info)
        content = self.item(depth + 1)
        if number != 1:
            return content
        if isinstance(content, bool) or not isinstance(content, int | float):
            raise Malformed("A CBOR timestamp is not a number")
        return from_epoch(content)


def encode(value: Any) -> bytes:
    """A value of None, bool, int, float, str, bytes, datetime, sequences and text-keyed maps.

    A float that 32 bits hold exactly is written in 32. Raises `TypeError` for anything else.
    """
    out = bytearray()
    _write(out, value)
    return bytes(out)


def _head(out: bytearray, major: int, number: int) -> None:
    if number < 24:
        out.append(major << 5 | number)
        return
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            out.append(major << 5 | extra)
            out += number.to_bytes(size, "big")
            return
    raise TypeError("an integer of more than 64 bits cannot be written")


def _write(out: bytearray, value: Any) -> None:
    kind = cast("type[object]", type(value))
    writer = _WRITERS.get(kind)
    if writer is not None:
        writer(out, value)
    elif isinstance(value, Mapping):
        _write_map(out, value)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, Sequence):
        _write_array(out, value)  # pyright: ignore[reportUnknownArgumentType]
    else:
        raise TypeError(f"{type(value).__name__} cannot be written as CBOR")


def _write_text(out: bytearray, value: str) -> None:
    data = value.encode()
    _head(out, 3, len(data))
    out += data


def _write_bytes(out: bytearray, value: bytes) -> None:
    _head(out, 2, len(value))
    out += value


def _write_integer(out: bytearray, value: int) -> None:
    _head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)


def _write_float(out: bytearray, value: float) -> None:
    try:
        short = _SINGLE.pack(value)
    except OverflowError:
        short = b""
    if short and (_SINGLE.unpack(short)[0] == value or value != value):
        out.append(0xFA)
        out += short
    else:
        out.append(0xFB)
        out += _DOUBLE.pack(value)


def _write_time(out: bytearray, value: datetime) -> None:
    out.append(0xC1)
    _write(out, float(epoch(value)))


def _write_map(out: bytearray, value: Mapping[str, Any]) -> None:
    _head(out, 5, len(value))
    for key, item in value.items():
        _write_text(out, key)
        _write(out, item)


def _write_array(out: bytearray, value: Sequence[Any]) -> None:
    _head(out, 4, len(value))
    for item in value:
        _write(out, item)


def _write_boolean(out: bytearray, value: bool) -> None:
    out.append(0xF5 if value else 0xF4)


def _write_null(out: bytearray, value: None) -> None:
    del value
    out.append(0xF6)


_WRITERS: dict[type, Any] = {
    str: _write_text,
    int: _write_integer,
    float: _write_float,
    bytes: _write_bytes,
    dict: _write_map,
    list: _write_array,
    tuple: _write_array,
    datetime: _write_time,
    bool: _write_boolean,
    type(None): _write_null,
}
