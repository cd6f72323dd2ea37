import pytest

from torana.net.fields import Refused
from torana.net.limits import Limits
from torana.net.strict import StrictParser


class Read:
    """What is read of some bytes, in pieces of a size."""

    def __init__(self, data: bytes, size: int) -> None:
        self.targets, self.bodies, self.refused = [b""], [b""], 0
        self._length = 0
        self._parser = StrictParser(self, Limits())
        try:
            for start in range(0, len(data), size):
                self._parser.feed(data[start : start + size])
        except Refused as refused:
            self.refused = refused.status

    def on_message_begin(self) -> None:
        self._length = 0

    def on_url(self, url: bytes) -> None:
        self.targets[-1] += url

    def on_header(self, field: bytes, value: bytes) -> None:
        if field == b"Content-Length":
            self._length = int(value)

    def on_headers_complete(self) -> None:
        self._parser.announced(self._length)

    def on_body(self, body: bytes) -> None:
        self.bodies[-1] += body

    def on_message_complete(self) -> None:
        self.targets.append(b"")
        self.bodies.append(b"")


BODIES = b"a  b\r\n\r\nGET  /#x HTTP/1.1\r", b"\r\n\r\n  \n\r\n\n"
BEFORE = (
    b"\r\nPOST /1 HTTP/1.1\r\nHost: a\r\nX-A: b  #\r\nContent-Length: 26\r\n\r\n%b"
    b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"6\r\n%b\r\n4\r\n%b\r\n0\r\nX-B: a  #\r\n\r\n\r\n"
) % (BODIES[0], BODIES[1][:6], BODIES[1][6:])
SIZES = pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])


@SIZES
@pytest.mark.parametrize("line", [b"GET  /3 HTTP/1.1", b"GET /3  HTTP/1.1", b"GET /#3 HTTP/1.1"])
def test_a_first_line_is_looked_at_wherever_it_begins(line: bytes, size: int) -> None:
    """Two blanks and a fragment in a field, a body or a trailer are nobody's business."""
    found = Read(BEFORE + line + b"\r\nHost: a\r\n\r\n", size)
    assert (found.targets[:2], found.bodies[:2]) == ([b"/1", b"/2"], list(BODIES))
    assert (len(found.targets), found.refused) == (3, 400)


@SIZES
def test_a_request_behind_bodies_is_read_however_it_is_cut(size: int) -> None:
    found = Read(BEFORE + b"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n", size)
    assert (found.targets, found.refused) == ([b"/1", b"/2", b"/3", b""], 0)


@SIZES
def test_what_follows_the_last_request_is_not_looked_at(size: int) -> None:
    found = Read(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n\r\n", size)
    assert (found.targets, found.refused) == ([b"/", b""], 0)


def test_another_protocol_gets_what_follows_the_request_for_it() -> None:
    first = b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"
    asked = first + b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    assert StrictParser(Read(b"", 1), Limits()).feed(asked + b"  rest") == b"  rest"
