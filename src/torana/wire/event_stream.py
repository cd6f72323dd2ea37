"""AWS's binary event streams: frames of headers and a payload, with checksums.

Source: Amazon Transcribe developer guide, "Event stream encoding"; Smithy,
`vnd.amazon.eventstream`. Only what AWS sends is written: headers that are strings. All types are
read.
"""

import struct
from binascii import crc32
from collections.abc import Iterator, Mapping

from msgspec import Struct

_PRELUDE = struct.Struct(">III")
_LONGEST = 24 * 1024 * 1024
_STRING = 7
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value, by its type; 6 and 7 tell their own length."""

MEDIA_TYPE = "application/vnd.amazon.eventstream"


class MalformedFrame(ValueError):
    """Not a frame, or one that was damaged."""


class Frame(Struct, frozen=True):
    """One message. Values of headers that are no strings are hexadecimal."""

    headers: dict[str, str]
    payload: bytes


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A frame."""
    parts = [
        struct.pack(">B", len(name.encode()))
        + name.encode()
        + struct.pack(">BH", _STRING, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    ]
    head = b"".join(parts)
    sizes = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = sizes + struct.pack(">I", crc32(sizes)) + head + payload
    return body + struct.pack(">I", crc32(body))


class Frames:
    """Cuts a stream of bytes into frames."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    @property
    def whole(self) -> bool:
        """Whether no part of a frame is left over."""
        return not self._rest

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """The frames that are complete now. Raises `MalformedFrame`."""
        buffer, at = self._rest + piece, 0
        try:
            while len(buffer) - at >= 12:
                total, head, check = _PRELUDE.unpack_from(buffer, at)
                if check != crc32(buffer[at : at + 8]) or not 16 + head <= total <= _LONGEST:
                    raise MalformedFrame("a frame's prelude is damaged")
                if len(buffer) - at < total:
                    break
                yield _frame(buffer[at : at + total], head)
                at += total
        finally:
            self._rest = buffer[at:]


def _frame(frame: bytes, head: int) -> Frame:
    if int.from_bytes(frame[-4:], "big") != crc32(frame[:-4]):
        raise MalformedFrame("a frame is damaged")
    return Frame(dict(_headers(frame[12 : 12 + head])), frame[12 + head : -4])


def _headers(block: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(block):
        end = at + 1 + block[at]
        if end >= len(block):
            raise MalformedFrame("a frame's headers are cut off")
        name, kind, at = block[at + 1 : end].decode("utf-8", "replace"), block[end], end + 1
        if kind in (6, _STRING):
            size, at = int.from_bytes(block[at : at + 2], "big"), at + 2
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise MalformedFrame(f"a header of type {kind}")
        value, at = block[at : at + size], at + size
        if at > len(block):
            raise MalformedFrame("a frame's headers are cut off")
        yield name, value.decode("utf-8", "replace") if kind == _STRING else value.hex()
