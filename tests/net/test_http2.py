"""HTTP/2, driven by a real client and, where that cannot misbehave, by h2 over a socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import h2.connection
import h2.events
import httpx
import pytest
from h2.config import H2Configuration
from h2.errors import ErrorCodes

from tests.net.serving import certificate, serving
from torana.message import Headers, Reply, Request, Sent, read
from torana.net.limits import Limits


class Pieces:
    """A reply's body, piece by piece."""

    def __init__(self, source: AsyncIterator[bytes], trailers: Headers | None = None) -> None:
        self.trailers = trailers or Headers()
        self._source = source
        self.closed = False

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._source)

    async def aclose(self) -> None:
        self.closed = True


async def echo(request: Request) -> Reply:
    body = await read(request.body, 1 << 26)
    said = {"method": request.method, "target": request.target, "size": len(body)}
    fields = [("X-Host", request.headers.get("host") or ""), ("X-Version", request.version)]
    return Reply(200, Headers([*fields, ("Connection", "close")]), json.dumps(said).encode())


async def test_a_client_chooses_http_2_by_alpn(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)
    async with serving(echo, tls=server) as listener:
        url = f"https://127.0.0.1:{listener.port}"
        async with httpx.AsyncClient(http2=True, verify=trusting) as client:
            reply = await client.post(f"{url}/a?b=1", content=b"x" * 300_000)
            assert reply.http_version == "HTTP/2"
            assert reply.json() == {"method": "POST", "target": "/a?b=1", "size": 300_000}
            assert reply.headers["x-version"] == "HTTP/2.0"
            assert reply.headers["x-host"] == f"127.0.0.1:{listener.port}"
            assert "connection" not in reply.headers
        async with httpx.AsyncClient(verify=trusting) as client:
            assert (await client.get(url)).http_version == "HTTP/1.1"


async def test_many_requests_share_a_connection(tmp_path: Path) -> None:
    async def slow(request: Request) -> Reply:
        await asyncio.sleep(0.05)
        return await echo(request)

    server, trusting = certificate(tmp_path)
    async with serving(slow, tls=server) as listener:
        url = f"https://127.0.0.1:{listener.port}"
        async with httpx.AsyncClient(http2=True, verify=trusting) as client:
            await client.get(url)
            replies = await asyncio.gather(*(client.get(f"{url}/{n}") for n in range(50)))
            assert [each.json()["target"] for each in replies] == [f"/{n}" for n in range(50)]
            assert listener.open_connections == 1


async def test_a_large_reply_arrives_whole(tmp_path: Path) -> None:
    async def large(request: Request) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"y" * 100_000

        if request.target == "/stream":
            return Reply(200, Headers(), Pieces(pieces()))
        return Reply(200, Headers(), b"x" * 3_000_000)

    server, trusting = certificate(tmp_path)
    async with serving(large, tls=server) as listener:
        url = f"https://127.0.0.1:{listener.port}"
        async with httpx.AsyncClient(http2=True, verify=trusting) as client:
            assert len((await client.get(url)).content) == 3_000_000
            assert len((await client.get(f"{url}/stream")).content) == 4_000_000


class Raw:
    """A client of HTTP/2 that does as it is told, over plain text."""

    def __init__(self, port: int, check: bool = True) -> None:
        self._port = port
        self.h2 = h2.connection.H2Connection(
            H2Configuration(
                header_encoding="utf-8",
                validate_outbound_headers=check,
                normalize_outbound_headers=check,
            )
        )
        self.events: list[h2.events.Event] = []

    async def __aenter__(self) -> "Raw":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.h2.initiate_connection()
        self.flush()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def flush(self) -> None:
        if not self.writer.is_closing():
            self.writer.write(self.h2.data_to_send())

    def ask(self, *more: tuple[str, str], method: str = "GET", path: str = "/") -> int:
        stream = self.h2.get_next_available_stream_id()
        pseudo = [
            (":method", method),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", path),
        ]
        self.h2.send_headers(stream, [*pseudo, *more], end_stream=method == "GET")
        self.flush()
        return stream

    async def until(self, kind: type[h2.events.Event], stream: int = 0) -> h2.events.Event:
        """The first event of a kind (of a stream, if one is named), however long it takes."""
        while True:
            for event in self.events:
                if isinstance(event, kind) and stream in (0, getattr(event, "stream_id", 0)):
                    self.events.remove(event)
                    return event
            data = await asyncio.wait_for(self.reader.read(65536), 5)
            if not data:
                raise ConnectionResetError
            self.events += self.h2.receive_data(data)
            self.flush()

    async def status(self, stream: int) -> str:
        event = await self.until(h2.events.ResponseReceived, stream)
        assert isinstance(event, h2.events.ResponseReceived)
        fields = {str(name): str(value) for name, value in event.headers or ()}
        return fields[":status"]


async def test_a_client_that_knows_begins_in_plain_text() -> None:
    async with serving(echo) as listener, Raw(listener.port) as client:
        assert await client.status(client.ask()) == "200"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"path": "nowhere"}, "400"),
        ({"path": "/a b"}, "400"),
        ({"path": "/a#b"}, "400"),
        ({"path": "/a%00"}, "400"),
        ({"path": "/a%zz"}, "400"),
        ({"path": "/" + "a" * 20_000}, "414"),
        ({"more": [("host", "other")]}, "400"),
        ({"more": [("x-a", "1\r\nx-b: 2")]}, "400"),
        ({"more": [(f"x-{n}", "1") for n in range(300)]}, "431"),
    ],
    ids=[
        "no path",
        "a blank",
        "a fragment",
        "a NUL",
        "no escape",
        "a long target",
        "two hosts",
        "a line break",
        "many fields",
    ],
)
async def test_what_http_1_refuses_is_refused_here_too(
    fields: dict[str, object], status: str
) -> None:
    async def never(request: Request) -> Reply:
        raise AssertionError("the application was asked")

    async with serving(never) as listener, Raw(listener.port, check=False) as client:
        more = fields.get("more", [])
        assert isinstance(more, list)
        try:
            found = await client.status(client.ask(*more, path=str(fields.get("path", "/"))))  # pyright: ignore[reportUnknownArgumentType]
        except ConnectionResetError:
            found = "400"
        assert found == status


async def test_a_refusal_says_so_in_its_body_as_in_http_1() -> None:
    async with serving(echo) as listener, Raw(listener.port) as client:
        stream = client.ask(path="/a%00")
        assert await client.status(stream) == "400"
        event = await client.until(h2.events.DataReceived, stream)
        assert isinstance(event, h2.events.DataReceived)
        assert event.data == b'{"message":"Bad Request"}'


async def test_a_reply_waits_for_the_clients_room() -> None:
    sent = 0

    async def endless(request: Request) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1000
                yield b"x" * 1000

        return Reply(200, Headers(), Pieces(pieces()))

    async with serving(endless) as listener, Raw(listener.port) as client:
        stream = client.ask()
        assert await client.status(stream) == "200"
        await asyncio.sleep(0.2)
        assert sent <= 70_000
        client.h2.increment_flow_control_window(50_000)
        client.h2.increment_flow_control_window(50_000, stream)
        client.flush()
        await asyncio.sleep(0.2)
        assert 100_000 < sent <= 120_000


async def test_a_request_is_held_while_the_application_does_not_take_it() -> None:
    go = asyncio.Event()

    async def waits(request: Request) -> Reply:
        await go.wait()
        return await echo(request)

    limits = Limits(buffered=100_000)
    async with serving(waits, limits) as listener, Raw(listener.port) as client:
        await client.until(h2.events.RemoteSettingsChanged)
        stream = client.ask(method="POST")
        sent = 0
        for _ in range(20):
            room = min(client.h2.local_flow_control_window(stream), 16_000)
            if room:
                client.h2.send_data(stream, b"x" * room)
                sent += room
                client.flush()
            await asyncio.sleep(0.01)
            client.events += client.h2.receive_data(await _some(client))
        assert sent <= 200_000
        go.set()
        client.h2.end_stream(stream)
        client.flush()
        assert await client.status(stream) == "200"


async def _some(client: Raw) -> bytes:
    try:
        return await asyncio.wait_for(client.reader.read(65536), 0.01)
    except TimeoutError:
        return b""


async def test_a_client_that_takes_its_request_back_cancels_it() -> None:
    over = asyncio.Event()

    async def forever(request: Request) -> Reply:
        try:
            await asyncio.sleep(60)
        finally:
            over.set()
        return Reply(200, Headers())

    async with serving(forever) as listener, Raw(listener.port) as client:
        stream = client.ask()
        await asyncio.sleep(0.05)
        client.h2.reset_stream(stream, ErrorCodes.CANCEL)
        client.flush()
        await asyncio.wait_for(over.wait(), 5)


async def test_taking_back_request_upon_request_ends_the_connection() -> None:
    async with serving(echo) as listener, Raw(listener.port) as client:
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(2000):
                client.h2.reset_stream(client.ask(), ErrorCodes.CANCEL)
                client.flush()
            await client.until(h2.events.ConnectionTerminated)
            await client.until(h2.events.PingReceived)


async def test_trailers_follow_a_stream() -> None:
    async def trailing(request: Request) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"body"

        return Reply(200, Headers(), Pieces(pieces(), Headers([("X-Sum", "1")])))

    async with serving(trailing) as listener, Raw(listener.port) as client:
        event = await client.until(h2.events.TrailersReceived, client.ask())
        assert isinstance(event, h2.events.TrailersReceived)
        assert event.headers == [("x-sum", "1")]


async def test_a_drain_finishes_what_runs_and_takes_nothing_more() -> None:
    told: list[Sent] = []

    async def slow(request: Request) -> Reply:
        await asyncio.sleep(0.3)
        return Reply(200, Headers(), b"done", told.append)

    async with serving(slow) as listener, Raw(listener.port) as client:
        stream = client.ask()
        await asyncio.sleep(0.1)
        drained = asyncio.ensure_future(listener.drain(5))
        assert isinstance(await client.until(h2.events.ConnectionTerminated), h2.events.Event)
        assert await drained
        assert told == [Sent(4, True)]
        assert stream == 1


async def test_a_fault_in_one_request_stays_there() -> None:
    async def faulty(request: Request) -> Reply:
        if request.target == "/bad":
            raise RuntimeError("bad")
        return await echo(request)

    async with serving(faulty) as listener, Raw(listener.port) as client:
        assert await client.status(client.ask(path="/bad")) == "500"
        assert await client.status(client.ask(path="/good")) == "200"


async def test_a_fault_within_a_streamed_reply_resets_its_stream() -> None:
    async def faulty(request: Request) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"body"
            raise ValueError("bug")

        return Reply(200, Headers(), Pieces(pieces()))

    async with serving(faulty) as listener, Raw(listener.port) as client:
        client.ask()
        assert isinstance(await client.until(h2.events.StreamReset), h2.events.StreamReset)


async def test_bytes_that_are_no_frames_end_the_connection_only() -> None:
    async with serving(echo) as listener:
        async with Raw(listener.port) as client:
            await client.until(h2.events.RemoteSettingsChanged)
            client.writer.write(b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x")
            with pytest.raises(ConnectionResetError):
                await client.until(h2.events.PingReceived)
        async with Raw(listener.port) as client:
            assert await client.status(client.ask()) == "200"


async def test_a_frame_that_is_too_long_is_refused_before_it_has_come() -> None:
    async with serving(echo) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        empty = b"\0\0\0\4\0\0\0\0\0"
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + empty + b"\xff\xff")
        await asyncio.sleep(0.05)
        writer.write(b"\xff\0\0\0\0\0\1")
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
    error = ErrorCodes.FRAME_SIZE_ERROR.value
    assert answer[-17:] == b"\0\0\x08\7\0" + bytes(4) + bytes(4) + error.to_bytes(4, "big")
