"""Server-sent events, read from pieces that may be cut anywhere.

Source: WHATWG HTML, "Server-sent events".
"""

from collections.abc import Iterator

EVENT_STREAM = "text/event-stream"
_LONGEST = 8 * 1024 * 1024


class EventTooLong(ValueError):
    """An event that does not end."""


class Events:
    """Cuts a stream of bytes into events' data."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of every event that is now complete. Raises `EventTooLong`."""
        whole, self._rest = split(self._rest + piece)
        if len(self._rest) > _LONGEST:
            raise EventTooLong("an event is over 8 MB")
        if whole:
            yield from data_of(whole)

    def flush(self) -> Iterator[bytes]:
        """The data of a last event that no blank line followed."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from data_of(rest)


def split(buffer: bytes) -> tuple[bytes, bytes]:
    """The events that are complete, and the beginning of the next."""
    plain, carriage = buffer.rfind(b"\n\n"), buffer.rfind(b"\r\n\r\n")
    cut = max(plain + 2 if plain >= 0 else 0, carriage + 4 if carriage >= 0 else 0)
    return buffer[:cut], buffer[cut:]


def around(whole: bytes, place: int) -> tuple[int, int]:
    """Where the event that a place is in begins, and where the next one does."""
    plain, carriage = whole.rfind(b"\n\n", 0, place), whole.rfind(b"\r\n\r\n", 0, place)
    begin = max(plain + 2 if plain >= 0 else 0, carriage + 4 if carriage >= 0 else 0)
    plain, carriage = whole.find(b"\n\n", place), whole.find(b"\r\n\r\n", place)
    ends = [at + more for at, more in ((plain, 2), (carriage, 4)) if at >= 0]
    return begin, min(ends, default=len(whole))


def data_of(whole: bytes) -> Iterator[bytes]:
    """The data fields of complete events, one value an event."""
    lines: list[bytes] = []
    for line in whole.splitlines():
        if line.startswith(b"data:"):
            lines.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif not line and lines:
            yield lines[0] if len(lines) == 1 else b"\n".join(lines)
            lines = []
    if lines:
        yield b"\n".join(lines)


def event(data: bytes, name: str = "") -> bytes:
    """One event for a client."""
    if name:
        return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
    return b"data: %b\n\n" % data
