"""The checksums that clients compare. Source: SQS Developer Guide, "Calculating the MD5 message
digest for message attributes"."""

import hashlib
import struct
from typing import Any


def of_text(text: str) -> str:
    """A body's."""
    return _md5(text.encode())


def of_attributes(attributes: dict[str, dict[str, Any]]) -> str:
    """Of message attributes, sorted by name."""
    packed = b""
    for name, value in sorted(attributes.items()):
        kind = value["DataType"]
        packed += _sized(name.encode()) + _sized(kind.encode())
        if kind.startswith("Binary"):
            packed += b"\x02" + _sized(value["BinaryValue"])
        else:
            packed += b"\x01" + _sized(value["StringValue"].encode())
    return _md5(packed)


def _sized(data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + data


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
