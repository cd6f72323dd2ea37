"""llhttp, and what RFC 9112 asks of a server beyond it.

llhttp takes any number of blanks around a target, any target, chunk extensions of any length, and
tells of a field only when it is whole. So it gets its bytes in pieces here that no request begins
inside of: then a first line can be looked at where it begins, and what is no body can be counted.
"""

import re
from typing import Protocol

import httptools

from torana.net.fields import Refused, is_target
from torana.net.limits import Limits

_PLAIN = re.compile(rb"[A-Z]+ [^\x00-\x20#%\x7f]+ HTTP/1\.[01]\r\n")
"""The first lines that most requests have."""
_CHUNK = 16
"""Bytes that a chunk may cost besides its data, and as many again as the data takes twice."""


class Reader(Protocol):
    """Who is told of requests: see `httptools.HttpRequestParser`."""

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        ...

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        ...

    def on_header(self, field: bytes, value: bytes) -> None:
        """One field."""
        ...

    def on_headers_complete(self) -> None:
        """The head is whole."""
        ...

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        ...

    def on_message_complete(self) -> None:
        """The request is whole."""
        ...


class StrictParser:
    """Of one connection, until another protocol begins on it."""

    def __init__(self, reader: Reader, limits: Limits) -> None:
        """`reader` may raise `Refused` at any time."""
        self._reader = reader
        self._most, self._excess_most = limits.target + limits.head, limits.head
        self._line: bytes | None = b""
        """The first line as far as it is here; None when it is whole."""
        self._in_head = False
        self._head = self._excess = self._chunks = self._data = 0
        self._left = 0
        """Bytes that are to come of a body whose length was announced."""
        self.on_url, self.on_header = reader.on_url, reader.on_header
        parser = self._parser = httptools.HttpRequestParser(self)
        self.get_method, self.get_http_version = parser.get_method, parser.get_http_version
        self.should_keep_alive = parser.should_keep_alive

    def feed(self, data: bytes) -> bytes | None:
        """Read on. Gives what belongs to another protocol, when a request asks for one.

        Raises `Refused`; nothing more can be read then.
        """
        at, size = 0, len(data)
        try:
            while at < size:
                end = self._cut(data, at, size)
                piece = data[at:end]
                if self._line is not None:
                    self._look(piece)
                self._parser.feed_data(piece)
                self._count(len(piece))
                at = end
        except httptools.HttpParserUpgrade as upgrade:
            return data[at + upgrade.args[0] :]
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            raise cause if isinstance(cause, Refused) else Refused(400) from error
        except httptools.HttpParserError as error:
            raise Refused(400) from error
        return None

    def announced(self, length: int) -> None:
        """The body of the request whose head is whole is as long as that, in bytes."""
        self._left = length

    def _cut(self, data: bytes, at: int, size: int) -> int:
        """Where the next piece ends: no later than the request that it belongs to."""
        if self._left:
            return min(at + self._left, size)
        # A blank line ends a head, trailers and chunks without any; its beginning may have come
        # before.
        if data.startswith(b"\r\n", at):
            return at + 2
        if data.startswith(b"\n", at):
            return at + 1
        end = data.find(b"\n\r\n", at)
        return size if end < 0 else end + 3

    def _look(self, piece: bytes) -> None:
        """At a first line: one blank between its parts (RFC 9112, 3)."""
        if not self._line and _PLAIN.match(piece):
            self._line = None
            return
        line, ended, _ = ((self._line or b"") + piece).lstrip(b"\r\n").partition(b"\n")
        if b"  " in line:
            raise Refused(400)
        self._line = None if ended else line
        if ended and line.count(b" ") == 2 and not is_target(line.split(b" ")[1].decode("latin-1")):
            raise Refused(400)

    def _count(self, size: int) -> None:
        """What a piece had that is no body: fields that have not ended, chunk extensions.

        RFC 9112, 7.1.1: a server ought to limit the total length of chunk extensions.
        """
        if self._in_head:
            self._head += size
            if self._head > self._most:
                raise Refused(431)
        elif self._data != size:
            excess = self._excess + size - 3 * self._data - _CHUNK * self._chunks
            self._excess = max(0, excess)
            if excess > self._excess_most:
                raise Refused(400)
        self._data = self._chunks = 0

    # What llhttp tells.

    def on_message_begin(self) -> None:
        """See `Reader`."""
        self._in_head = True
        self._head = self._excess = 0
        self._reader.on_message_begin()

    def on_headers_complete(self) -> None:
        """See `Reader`."""
        self._in_head = False
        self._reader.on_headers_complete()

    def on_chunk_header(self) -> None:
        """A chunk begins."""
        self._chunks += 1

    def on_body(self, body: bytes) -> None:
        """See `Reader`."""
        self._data += len(body)
        self._left = max(0, self._left - len(body))
        self._reader.on_body(body)

    def on_message_complete(self) -> None:
        """See `Reader`."""
        # What follows the last request is nobody's (RFC 9112, 9.6).
        self._line = b"" if self._parser.should_keep_alive() else None
        self._reader.on_message_complete()
