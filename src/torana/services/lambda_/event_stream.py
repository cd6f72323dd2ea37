"""Frames of `application/vnd.amazon.eventstream`, as the service sends them.

Source: the event stream encoding of Amazon's SDKs; two checksums guard each frame.
"""

import struct
import zlib
from collections.abc import Mapping


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message. Header values are texts."""
    fields = b"".join(_field(name, value) for name, value in headers.items())
    total = 16 + len(fields) + len(payload)
    prelude = struct.pack("!II", total, len(fields))
    head = prelude + struct.pack("!I", zlib.crc32(prelude)) + fields + payload
    return head + struct.pack("!I", zlib.crc32(head))


def event(kind: str, content_type: str, payload: bytes) -> bytes:
    """An event of a type."""
    return frame(
        {":message-type": "event", ":event-type": kind, ":content-type": content_type}, payload
    )


def _field(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", 7, len(text)) + text
