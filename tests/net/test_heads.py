"""What is compiled reads and writes the same as what is not."""

import asyncio
import re
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torana.message import Headers, Reply, Request, read
from torana.net import heads, http1, upstream
from torana.net.heads import _write as written  # pyright: ignore[reportPrivateUsage]
from torana.net.http1 import Connection
from torana.net.limits import Limits
from torana.net.upstream import Upstream

compiled = heads.compiled
if compiled is None:
    pytest.skip("there was no compiler when this was installed", allow_module_level=True)


class Wire(asyncio.Transport):
    """A transport that only remembers."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 5), "sockname": ("192.0.2.2", 80)})
        self.sent = b""
        self.over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.over:
            self.sent += data

    def is_closing(self) -> bool:
        return self.over

    def close(self) -> None:
        self.over = True

    def abort(self) -> None:
        self.over = True

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


Seen = tuple[list[tuple[str, str, list[tuple[str, str]], dict[str, list[str]], bytes]], bytes, bool]


async def served(pieces: list[bytes]) -> Seen:
    """What the application gets of bytes, what it answers, and whether the connection ends."""
    seen: Seen = ([], b"", False)

    async def handler(request: Request) -> Reply:
        body = await read(request.body, 1 << 20)
        fields = request.headers
        host = fields.get("host")
        assert host == next((v for n, v in fields.items if n.lower() == "host"), None)
        seen[0].append((request.method, request.target, fields.items, fields.index(), body))
        return Reply(200, Headers([("X-N", str(len(seen[0])))]), body)

    wire = Wire()
    connection = Connection(handler, Limits(), set(), lambda transport, data: None)
    connection.connection_made(wire)
    for piece in pieces:
        connection.data_received(piece)
    for _ in range(20):
        await asyncio.sleep(0)
    return seen[0], re.sub(rb"Date: [^\r]*", b"", wire.sent), wire.over


async def answered(data: bytes) -> tuple[object, ...]:
    """What comes of a backend's bytes."""
    loop, wire = asyncio.get_running_loop(), Wire()
    backend = Upstream(loop, lambda connection: None)
    backend.connection_made(wire)
    answer = backend.exchange(b"", 1.0, float("inf"), "GET", sending=False)
    backend.data_received(data)
    await asyncio.sleep(0)
    if not answer.done():
        answer.cancel()
        return ("waits",)
    if answer.exception() is not None:
        return (type(answer.exception()), wire.over)
    reply = answer.result()
    body = reply.body if isinstance(reply.body, bytes) else "a stream"
    return reply.status, reply.headers.items, body, wire.over


FIELDS = st.sampled_from(
    [
        b"Host: a", b"Host: a:80", b"host:b.c", b"Host: [::1]", b"Host: a/b", b"Host: a:", b"Host: a:b",
        b"Host: a_b:123456", b"Content-Length: 3", b"content-length: 0", b"Content-Length: 03",
        b"Content-Length: +3", b"Content-Length: 3, 3", b"Content-Length: 99999999999999999999",
        b"Content-Length:", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip",
        b"Connection: keep-alive", b"Connection: close", b"Connection: Keep-Alive, x",
        b"Connection: upgrade", b"Upgrade: websocket", b"Upgrade: h2c", b"Expect: 100-continue", b"TE: trailers",
        b"Proxy-Connection: close", b"Keep-Alive: timeout=5", b"Trailer: x", b"X-A: 1", b"X-A: 2",
        b"x-a:  padded \t", b"X-Tab: a\tb", b"X-Empty:", b"X-Latin: \xe9\xa0", b"X-Nul: a\0b", b"X-Cr: a\rb",
        b"X-Lf: a\nb", b"X-Del: \x7f", b"X Space: a", b"X-Colon : a", b": none", b"no colon", b" folded",
        b"Set-Cookie: a=b", b"Set-Cookie: c=d", b"X-Long: " + b"x" * 300, b"(x): y", b"!#$%&'*+-.^_`|~9: y",
    ]
)  # fmt: skip
FIRSTS = st.sampled_from(
    [
        b"GET / HTTP/1.1", b"POST /a?b=%41&c HTTP/1.1", b"PUT /a#b HTTP/1.1", b"DELETE /\xe9 HTTP/1.1",
        b"PATCH /a b HTTP/1.1", b"HEAD / HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET http://a/b HTTP/1.1",
        b"GET / HTTP/1.0", b"GET / HTTP/1.2", b"GET / http/1.1", b"GET  / HTTP/1.1", b"get / HTTP/1.1",
        b"TRACE / HTTP/1.1", b"CONNECT a:1 HTTP/1.1", b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"GETS / HTTP/1.1",
        b"GET /  HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /a%zz HTTP/1.1", b"GET /a%2 HTTP/1.1", b"GET /a?%2 HTTP/1.1",
        b"GET /%2F%c3%a9?a=%zz&b=%00 HTTP/1.1", b"GET /a?b#c HTTP/1.1", b"GET http://a/%00 HTTP/1.1", b"GET /% HTTP/1.1",
        b'POST /{a}|"<>\\^` HTTP/1.1', b"GET /" + b"a" * 17_000 + b" HTTP/1.1",
    ]
)  # fmt: skip
STATUSES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/1.1 404 Not\tFound",
        b"HTTP/1.1 204 No", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 100 Continue", b"HTTP/1.1 101 Switching",
        b"HTTP/1.1 600 What", b"HTTP/1.1 2000 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1 200 \xe9", b"HTTP/1.1 200 a\0b",
    ]
)  # fmt: skip
BREAKS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n"])
BODIES = st.sampled_from([b"", b"", b"abc", b"ab", b"abcd", b"3\r\nabc\r\n0\r\n\r\n"])


@st.composite
def messages(draw: st.DrawFn, firsts: st.SearchStrategy[bytes]) -> bytes:
    lines = [draw(firsts), *draw(st.lists(FIELDS, max_size=6)), b""]
    return b"".join(line + draw(BREAKS) for line in lines) + draw(BODIES)


@given(st.lists(messages(FIRSTS), min_size=1, max_size=3), st.integers(0, 400))
def test_any_bytes_are_served_as_llhttp_alone_would_have_them_served(
    asked: list[bytes], cut: int
) -> None:
    whole = b"".join(asked)
    pieces = [piece for piece in (whole[:cut], whole[cut:]) if piece]
    fast = asyncio.run(served(pieces))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http1, "read_request", heads.unread)
        assert asyncio.run(served(pieces)) == fast


@given(messages(STATUSES))
def test_any_reply_is_read_as_llhttp_alone_would_read_it(data: bytes) -> None:
    fast = asyncio.run(answered(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upstream, "read_reply", heads.unread)
        assert asyncio.run(answered(data)) == fast


TEXTS = st.text(st.sampled_from("ab :\t\r\n\0é\u20ac"), max_size=5)


@given(TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=4), st.booleans(), st.binary(max_size=3))
def test_any_head_is_written_the_same(
    first: str, items: list[tuple[str, str]], all: bool, body: bytes
) -> None:
    shown = None if all else {name: "a" in name for name, _ in items}
    last = "Content-Length: 3\r\n"
    assert compiled.write(first, items, shown, last, body) == written(
        first, items, shown, last, body
    )


def test_the_usual_request_is_read_without_llhttp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or else all of this would hold for nothing."""
    monkeypatch.setattr(Connection, "_feed", cast(object, None))
    head = b"POST /a HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc"
    requests, _, _ = asyncio.run(served([head + head]))
    assert [(method, body) for method, _, _, _, body in requests] == [("POST", b"abc")] * 2
