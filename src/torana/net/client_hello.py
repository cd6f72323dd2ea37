"""Which name a TLS client asks for, read from its first bytes without taking them.

Source: RFC 8446, 4.1.2 and 5.1; RFC 6066, 3.
"""

_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST = 22, 1, 0, 0
_RECORD_HEAD = 5
LONGEST = 16 * 1024
"""Bytes that are looked at."""


class Short(Exception):
    """The name may still come."""


class Malformed(Exception):
    """This is no TLS."""


def server_name(data: bytes) -> str:
    """In lower case; empty where the client names none. Raises `Short` and `Malformed`."""
    hello = _Reader(_handshake(data))
    hello.skip(2 + 32)
    hello.take(1)
    hello.take(2)
    hello.take(1)
    if not hello.left():
        return ""
    extensions = _Reader(hello.take(2))
    while extensions.left():
        kind = extensions.number(2)
        body = extensions.take(2)
        if kind == _SERVER_NAME:
            return _first_name(_Reader(body))
    return ""


def _first_name(body: "_Reader") -> str:
    names = _Reader(body.take(2))
    while names.left():
        kind = names.number(1)
        name = names.take(2)
        if kind == _HOST:
            try:
                return name.decode("ascii").lower()
            except UnicodeDecodeError:
                raise Malformed from None
    return ""


def _handshake(data: bytes) -> bytes:
    """The hello's body, out of the records that it comes in."""
    whole, at = b"", 0
    while True:
        if data[at : at + 1] not in (b"", bytes([_HANDSHAKE])):
            raise Malformed
        if len(data) < at + _RECORD_HEAD:
            raise Short
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        if not 0 < length <= LONGEST:
            raise Malformed
        whole += data[at + _RECORD_HEAD : at + _RECORD_HEAD + length]
        if whole[0:1] not in (b"", bytes([_CLIENT_HELLO])):
            raise Malformed
        if len(whole) >= 4 and len(whole) - 4 >= int.from_bytes(whole[1:4], "big"):
            return whole[4 : 4 + int.from_bytes(whole[1:4], "big")]
        at += _RECORD_HEAD + length
        if at > LONGEST:
            raise Malformed


class _Reader:
    """Bytes from the front to the end. Raises `Malformed` beyond it."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def left(self) -> bool:
        return self._at < len(self._data)

    def skip(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise Malformed
        self._at += count
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.skip(size), "big")

    def take(self, size: int) -> bytes:
        """What has its length before it, in `size` bytes."""
        return self.skip(self.number(size))
