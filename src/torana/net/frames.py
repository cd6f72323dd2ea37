"""Lengths of HTTP/2 frames, looked at before their payload is there.

h2 keeps a frame until all of it has come, and only then says that it is too long.
"""

from h2.exceptions import FrameTooLargeError

_PREFACE, _HEAD = 24, 9
"""Bytes of the client's preface and of a frame's head (RFC 9113, 3.4 and 4.1)."""


class Frames:
    """Follows what a client sends, from the preface on."""

    def __init__(self, most: int) -> None:
        """`most` bytes of a payload."""
        self._most = most
        self._left, self._head = _PREFACE, b""

    def follow(self, data: bytes) -> None:
        """More came. Raises `FrameTooLargeError`."""
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            taken = data[at : at + _HEAD - len(self._head)]
            self._head += taken
            at += len(taken)
            if len(self._head) == _HEAD:
                self._left = int.from_bytes(self._head[:3], "big")
                self._head = b""
                if self._left > self._most:
                    raise FrameTooLargeError(f"a frame of {self._left} bytes")
