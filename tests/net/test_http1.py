import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.builders import serving
from torana.message import Headers, Reply, Request, Sent, read
from torana.net.client import HttpClient, Timeouts
from torana.net.limits import Limits
from torana.net.server import listen


class Pieces:
    """A stream of given pieces that counts what was asked of it."""

    def __init__(self, pieces: AsyncIterator[bytes], trailers: Headers | None = None) -> None:
        self.trailers, self._pieces = trailers or Headers(), pieces
        self.asked, self.closed = 0, False

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        self.asked += 1
        return await anext(self._pieces)

    async def aclose(self) -> None:
        self.closed = True


async def echo(request: Request) -> Reply:
    body = await read(request.body, 1 << 30)
    return Reply(200, Headers([("X-Target", request.target)]), body)


async def talk(port: int, data: bytes, wait: float = 5.0) -> bytes:
    """Send bytes, read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        async with asyncio.timeout(wait):
            return await reader.read()
    finally:
        writer.close()


GET = b"GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

REFUSED = {
    "a length and a coding": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "the same length twice": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a length that is no number": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
    "a coding nobody knows": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    "chunked that is not last": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
    "chunked twice": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked in HTTP/1.0": (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "a host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "a folded field": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", 400),
    "a blank before the colon": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n", 400),
    "a NUL in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n\r\n", 400),
    "a bare carriage return": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n", 400),
    "a method that is no token": (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "an unknown version": (b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", 400),
    "a bad chunk size": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    "a tunnel": (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405),
    "an expectation nobody knows": (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417),
    "two blanks before the target": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "two blanks after the target": (b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a fragment": (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a fragment behind a query": (b"GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a fragment in a whole address": (b"GET http://a/b#c HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "an encoded NUL in the path": (b"GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "an escape that is none": (b"GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "half an escape": (b"GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "half an escape before a query": (b"GET /a%2?b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a long target": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "large fields": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "a field without an end": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 90_000, 431),
    "many fields": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 201 + b"\r\n", 431),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_ambiguous_or_malformed_framing_is_refused(case: str) -> None:
    data, status = REFUSED[case]
    async with serving(echo) as listener:
        answer = await talk(listener.port, data + GET)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:80]
        assert b'\r\n\r\n{"message":"' in answer
        assert answer.count(b"HTTP/1.1 ") == 1, "nothing after it may be answered"
        assert (await talk(listener.port, GET)).startswith(b"HTTP/1.1 200 ")


async def test_a_query_goes_on_as_it_came() -> None:
    async with serving(echo) as listener:
        data = GET.replace(b"/ok", b"/a%2Fb?100%&%zz=%00")
        assert b"X-Target: /a%2Fb?100%&%zz=%00\r\n" in await talk(listener.port, data)


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "chunks",
    [b"1;" + b"x" * 70_000, (b"1;" + b"x" * 700 + b"\r\na\r\n") * 100],
    ids=["one that does not end", "many"],
)
async def test_chunk_extensions_are_bounded_as_heads_are(chunks: bytes) -> None:
    async with serving(echo) as listener:
        assert (await talk(listener.port, CHUNKED + chunks)).startswith(b"HTTP/1.1 400 ")


async def test_chunks_of_one_byte_are_no_extensions() -> None:
    data = CHUNKED + b"1;a=b\r\nx\r\n" * 30_000 + b"0\r\n\r\n"
    async with serving(echo) as listener:
        assert (await talk(listener.port, data)).endswith(b"\r\n\r\n" + b"x" * 30_000)


@pytest.mark.parametrize("size", [1, 3, 17])
async def test_a_request_reads_the_same_however_it_is_cut(size: int) -> None:
    data = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    async with serving(echo) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await asyncio.sleep(0)
        assert (await reader.read()).endswith(b"\r\n\r\nhello")
        writer.close()


async def test_pipelined_requests_are_answered_in_order() -> None:
    async def late_first(request: Request) -> Reply:
        await asyncio.sleep(0.05 if request.target == "/1" else 0)
        return Reply(200, Headers(), request.target.encode())

    asked = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in (1, 2))
    async with serving(late_first) as listener:
        answer = await talk(listener.port, asked + GET)
    assert answer.count(b"Connection: close") == 1, "only the last reply ends the connection"
    assert [part[-2:] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [b"/1", b"/2", b"ok"]


async def test_a_head_that_never_ends_is_cut_off() -> None:
    listener = await listen(echo, limits=Limits(head_time=0.2))
    answer = await talk(listener.port, b"GET / HTTP/1.1\r\nHost: a\r\n")
    await listener.close()
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_client_that_waits_for_permission_gets_it_when_the_body_is_wanted() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    async with serving(echo) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(head)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await reader.readuntil(b"hi")).startswith(b"HTTP/1.1 200 OK")
        writer.close()


async def test_a_fault_in_the_handler_is_a_500_and_the_server_lives() -> None:
    async def broken(request: Request) -> Reply:
        raise RuntimeError("bug")

    async with serving(broken) as listener:
        for _ in range(2):
            assert b'{"message":"Internal server error"}' in await talk(listener.port, GET)


async def test_a_fault_within_a_streamed_reply_ends_its_connection() -> None:
    async def broken(request: Request) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"body"
            raise ValueError("bug")

        return Reply(200, Headers(), Pieces(pieces()))

    async with serving(broken) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(5):
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await reader.readuntil(b"0\r\n\r\n")
        writer.close()


async def test_a_client_that_leaves_cancels_its_request_and_its_backends() -> None:
    gone = asyncio.Event()

    async def endless(request: Request) -> Reply:
        try:
            await asyncio.sleep(60)
        finally:
            gone.set()
        return Reply(200, Headers())

    async with serving(endless) as upstream:
        client = HttpClient()
        origin = client.origin("http", "127.0.0.1", upstream.port)

        async def through(request: Request) -> Reply:
            return await origin.send(request, Timeouts())

        async with serving(through) as front:
            _, writer = await asyncio.open_connection("127.0.0.1", front.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await asyncio.sleep(0.1)
            writer.close()
            async with asyncio.timeout(3):
                await gone.wait()
        await client.aclose()


async def test_a_slow_reader_holds_the_producer_back_and_is_told_of_once() -> None:
    told: list[Sent] = []

    async def much() -> AsyncIterator[bytes]:
        for _ in range(2000):
            yield b"x" * 65536

    stream = Pieces(much())

    async def big(request: Request) -> Reply:
        return Reply(200, Headers(), stream, told.append)

    async with serving(big) as listener:
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0.5)
        assert stream.asked < 400, "most of the 2000 pieces must still be with the producer"
        writer.transport.abort()
        await asyncio.sleep(0.2)
    assert stream.closed
    assert [sent.whole for sent in told] == [False]


async def test_bodies_stream_both_ways_through_a_proxy_with_trailers() -> None:
    async def numbers() -> AsyncIterator[bytes]:
        for i in range(50):
            yield b"%03d" % i
            await asyncio.sleep(0)

    async def stream(request: Request) -> Reply:
        await read(request.body, 1 << 30)
        return Reply(200, Headers(), Pieces(numbers(), Headers([("X-End", "1")])))

    client = HttpClient()
    async with serving(stream) as upstream:
        origin = client.origin("http", "127.0.0.1", upstream.port)
        request = Request("POST", "/", Headers([("Host", "a")]), Pieces(numbers()))
        reply = await origin.send(request, Timeouts())
        assert await read(reply.body, 1000) == b"".join(b"%03d" % i for i in range(50))
        assert not isinstance(reply.body, bytes) and reply.body.trailers.get("x-end") == "1"
        await client.aclose()


async def test_draining_finishes_what_runs_and_takes_nothing_more() -> None:
    async def slow(request: Request) -> Reply:
        await asyncio.sleep(0.3)
        return Reply(200, Headers(), b"done")

    listener = await listen(slow)
    port = listener.port
    running = asyncio.ensure_future(talk(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    await asyncio.sleep(0.1)
    assert await listener.drain(5)
    assert (await running).endswith(b"done")
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
    await listener.close()


async def test_a_backend_cannot_add_fields_through_a_line_break() -> None:
    async def bad(request: Request) -> Reply:
        return Reply(200, Headers([("X-A", "b\r\nSet-Cookie: c")]), b"")

    async with serving(bad) as listener:
        assert b"\r\nSet-Cookie" not in await talk(listener.port, GET)


@pytest.mark.parametrize("bad", ["a\r\nb", "a\nb", "a\0b"])
async def test_the_client_sends_no_line_breaks_in_fields(bad: str) -> None:
    client = HttpClient()
    async with serving(echo) as upstream:
        origin = client.origin("http", "127.0.0.1", upstream.port)
        with pytest.raises(ValueError, match="line break"):
            await origin.send(Request("GET", "/", Headers([("X", bad)])), Timeouts())


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"",
    ],
)
async def test_a_malformed_reply_is_a_connection_error(answer: bytes) -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    client = HttpClient()
    origin = client.origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
    with pytest.raises(ConnectionError):
        await origin.send(Request("POST", "/", Headers([("Host", "a")])), Timeouts())
    await client.aclose()
    server.close()


async def test_connections_are_used_again() -> None:
    client = HttpClient()
    async with serving(echo) as upstream:
        origin = client.origin("http", "127.0.0.1", upstream.port)
        for _ in range(5):
            await origin.send(Request("GET", "/", Headers([("Host", "a")])), Timeouts())
        assert upstream.open_connections == 1
        await client.aclose()


async def test_a_stream_ends_with_an_error_when_its_time_is_over() -> None:
    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b"."
            await asyncio.sleep(0.05)

    async def endless(request: Request) -> Reply:
        return Reply(200, Headers(), Pieces(drops()))

    client = HttpClient()
    async with serving(endless) as upstream:
        origin = client.origin("http", "127.0.0.1", upstream.port)
        request = Request("GET", "/", Headers([("Host", "a")]))
        reply = await origin.send(request, Timeouts(total=0.4))
        with pytest.raises(TimeoutError):
            await read(reply.body, 1 << 20)
        await client.aclose()


async def test_the_answer_to_head_tells_the_length_that_get_would_have() -> None:
    async def sized(request: Request) -> Reply:
        return Reply(200, Headers([("Content-Length", "17")]))

    async with serving(sized) as listener:
        asked = b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        answer = await talk(listener.port, asked)
    assert b"Content-Length: 17\r\n" in answer and answer.endswith(b"\r\n\r\n")


async def test_one_address_cannot_take_every_connection() -> None:
    listener = await listen(echo, limits=Limits(connections_per_address=2))
    held = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(2)]
    await asyncio.sleep(0.05)
    assert (await talk(listener.port, b"")).startswith(b"HTTP/1.1 503 ")
    held[0][1].close()
    await asyncio.sleep(0.05)
    assert (await talk(listener.port, GET)).startswith(b"HTTP/1.1 200 ")
    held[1][1].close()
    await listener.close()


async def test_what_follows_a_request_that_is_the_last_is_not_looked_at() -> None:
    async with serving(echo) as listener:
        answer = await talk(listener.port, GET + b"GET /more HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"Connection: close\r\n") == 1


async def test_a_client_of_http_1_0_is_not_told_to_continue() -> None:
    head = b"POST /old HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    async with serving(echo) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(head)
        await asyncio.sleep(0.05)
        writer.write(b"ok")
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_a_body_that_only_trickles_in_is_given_up() -> None:
    async with serving(echo, limits=Limits(body_time=0.3)) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(3):
            writer.write(b"x")
            await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_body_that_nobody_reads_does_not_hold_up_the_next_request() -> None:
    async def unread(request: Request) -> Reply:
        await asyncio.sleep(0.2)
        return Reply(200, Headers())

    async with serving(unread, limits=Limits(buffered=1000)) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"x" * 1500)
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(5):
            writer.write(GET)
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_a_streamed_reply_to_a_request_that_breaks_off_is_let_go() -> None:
    closed = asyncio.Event()
    told: list[Sent] = []

    class Source:
        trailers = Headers()

        def __aiter__(self) -> "Source":
            return self

        async def __anext__(self) -> bytes:
            return b"x"

        async def aclose(self) -> None:
            closed.set()

    async def early(request: Request) -> Reply:
        await asyncio.sleep(0.1)
        return Reply(200, Headers(), Source(), sent=told.append)

    async with serving(early) as listener:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(head)
        await asyncio.sleep(0.05)
        writer.write(b"no chunk\r\n")
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            await closed.wait()
        writer.close()
    assert told == [Sent(0, False)]
