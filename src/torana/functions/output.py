"""What an instance prints, and the platform's own lines about each invocation."""

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Callable

_CHUNK = 64 * 1024
_LONGEST = 256 * 1024
"""Bytes of one line, as of one log event of the service."""
TAIL = 4096
"""Bytes of log that a caller may have with the answer."""

Sink = Callable[[float, str, str], None]
"""Takes one line without its line feed: Unix time, the instance's stream, the text."""


class Output:
    """Reads what an instance prints, a line at a time, and keeps the end of it."""

    def __init__(self, sink: Sink, stream: str) -> None:
        """`stream` names the instance in the log."""
        self._sink, self._stream = sink, stream
        self._loop = asyncio.get_running_loop()
        self._reads, self.writes = os.pipe()
        os.set_blocking(self._reads, False)
        self._rest = b""
        """A line that has not ended."""
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._loop.add_reader(self._reads, self._readable)
        self._open = True

    def started(self) -> None:
        """The process has its end of the pipe: ours is not needed."""
        os.close(self.writes)

    def drain(self) -> None:
        """Take what was printed up to now; what has no line feed is a line of its own."""
        if self._open:
            self._readable()
            self._break_line()

    def _readable(self) -> None:
        try:
            data = os.read(self._reads, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._put(line)
        if len(self._rest) > _LONGEST:
            self._break_line()

    def _break_line(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            self._put(rest)

    def _put(self, line: bytes) -> None:
        self.say(line.decode("utf-8", "replace"))

    def say(self, text: str) -> None:
        """Log a line."""
        data = text.encode("utf-8", "replace") + b"\n"
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size - len(self._tail[0]) > TAIL:
            self._tail_size -= len(self._tail.popleft())
        self._sink(time.time(), self._stream, text)

    def forget(self) -> None:
        """Begin a new tail."""
        self._tail.clear()
        self._tail_size = 0

    def tail(self) -> bytes:
        """The last of what was logged since `forget`."""
        return b"".join(self._tail)[-TAIL:]

    def close(self) -> None:
        """No more will come, or be read."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._reads)
            os.close(self._reads)
            self._break_line()

    def abandon(self) -> None:
        """Nothing was started."""
        with contextlib.suppress(OSError):
            os.close(self.writes)
        self.close()


def line(at: float, stream: str, text: str) -> str:
    """A line as files have it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return f"{stamp}.{int(at % 1 * 1000):03d}Z {stream} {text}"


def report(
    request_id: str, seconds: float, memory: int, used: int, init: float | None, status: str = ""
) -> str:
    """The service's REPORT line. `memory` in megabytes, `used` in bytes."""
    milliseconds = seconds * 1000
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {int(milliseconds) + 1} ms",
        f"Memory Size: {memory} MB",
        f"Max Memory Used: {-(-used // (1 << 20))} MB",
    ]
    if init is not None:
        parts.append(f"Init Duration: {init * 1000:.2f} ms")
    if status:
        parts.append(status)
    return "\t".join(parts) + "\t"
