"""WebSocket, driven by an independent client."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.net.serving import serving
from torana.message import Headers, Reply, Request, Upgrade, WebSocket
from torana.net.limits import Limits


def accepting(session: Any) -> Any:
    async def handler(request: Request) -> Reply:
        if request.target != "/ws":
            return Reply(200, Headers(), b"plain")
        wanted = request.headers.get("sec-websocket-protocol")
        headers = Headers([("Sec-WebSocket-Protocol", wanted.partition(",")[0])] if wanted else [])
        return Upgrade(101, headers, session=session)

    return handler


async def echo(socket: WebSocket) -> None:
    while (message := await socket.receive()) is not None:
        await socket.send(message)


async def test_messages_of_both_kinds_come_back() -> None:
    async with (
        serving(accepting(echo)) as listener,
        connect(f"ws://127.0.0.1:{listener.port}/ws", max_size=None) as client,
    ):
        for message in ("héllo", b"\x00\xff", "", "x" * 500_000):
            await client.send(message)
            assert await client.recv() == message


async def test_a_message_in_fragments_is_one_message() -> None:
    async with (
        serving(accepting(echo)) as listener,
        connect(f"ws://127.0.0.1:{listener.port}/ws") as client,
    ):
        await client.send(["hel", "lo ", "there"])
        assert await client.recv() == "hello there"


async def test_a_subprotocol_is_agreed() -> None:
    async with (
        serving(accepting(echo)) as listener,
        connect(
            f"ws://127.0.0.1:{listener.port}/ws", subprotocols=cast(Any, ["chat.v2", "chat.v1"])
        ) as client,
    ):
        assert client.subprotocol == "chat.v2"


async def test_pings_are_answered() -> None:
    async with (
        serving(accepting(echo)) as listener,
        connect(f"ws://127.0.0.1:{listener.port}/ws") as client,
    ):
        assert await asyncio.wait_for(await client.ping(), 5) >= 0


async def test_the_close_code_is_told_both_ways() -> None:
    seen: list[int | None] = []

    async def leaves(socket: WebSocket) -> None:
        if await socket.receive() == "you":
            await socket.close(4001, "bye")
        else:
            await socket.receive()
            seen.append(socket.close_code)

    async with serving(accepting(leaves)) as listener:
        async with connect(f"ws://127.0.0.1:{listener.port}/ws") as client:
            await client.send("you")
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            assert caught.value.rcvd is not None
            assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4001, "bye")
        async with connect(f"ws://127.0.0.1:{listener.port}/ws") as client:
            await client.send("me")
            await client.close(4002)
        await asyncio.sleep(0.05)
        assert seen == [4002]


async def test_a_message_over_the_limit_ends_the_session() -> None:
    async with (
        serving(accepting(echo), Limits(websocket_message=1000)) as listener,
        connect(f"ws://127.0.0.1:{listener.port}/ws") as client,
    ):
        await client.send("x" * 2000)
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


async def test_a_session_that_fails_ends_with_1011() -> None:
    async def fails(socket: WebSocket) -> None:
        raise RuntimeError("no")

    async with (
        serving(accepting(fails)) as listener,
        connect(f"ws://127.0.0.1:{listener.port}/ws") as client,
    ):
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1011


async def test_a_silent_client_is_sent_away() -> None:
    async with (
        serving(accepting(echo), Limits(websocket_idle=0.5)) as listener,
        connect(f"ws://127.0.0.1:{listener.port}/ws", ping_interval=None) as client,
    ):
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001


async def test_a_client_is_held_while_nobody_listens() -> None:
    async def deaf(socket: WebSocket) -> None:
        await asyncio.sleep(60)

    async with (
        serving(accepting(deaf), Limits(buffered=100_000, websocket_close=0.1)) as listener,
        connect(f"ws://127.0.0.1:{listener.port}/ws", close_timeout=0.1) as client,
    ):
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while True:
                await client.send(b"x" * 100_000)
                sent += 100_000

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood(), 1)
        assert sent < 40_000_000
        client.transport.abort()


async def test_a_request_that_is_answered_otherwise_leaves_the_connection_usable() -> None:
    async with serving(accepting(echo)) as listener:
        with pytest.raises(InvalidStatus):
            async with connect(f"ws://127.0.0.1:{listener.port}/other"):
                pass
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        ask = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        writer.write(ask + b"GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        assert answer.count(b"HTTP/1.1 200 ") == 2
        writer.close()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"Sec-WebSocket-Version: 13\r\n", b"400"),
        (b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", b"400"),
        (b"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", b"426"),
    ],
)
async def test_a_malformed_handshake_is_refused(fields: bytes, status: bytes) -> None:
    async with serving(accepting(echo)) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        head = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        writer.write(head + fields + b"\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 " + status)
        writer.close()


async def test_a_drain_sends_the_clients_away() -> None:
    async with (
        serving(accepting(echo)) as listener,
        connect(f"ws://127.0.0.1:{listener.port}/ws") as client,
    ):
        drained = asyncio.ensure_future(listener.drain(5))
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001
        assert await drained


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(opcode: int, data: bytes) -> bytes:
    """A whole one with a mask of zeros."""
    return bytes([0x80 | opcode, 0x80 | len(data)]) + bytes(4) + data


@asynccontextmanager
async def raw(port: int) -> AsyncGenerator[tuple[asyncio.StreamReader, Any]]:
    """A connection that speaks frames."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_a_ping_after_our_goodbye_does_not_break_the_end_off() -> None:
    seen: list[int | None] = []

    async def leaves(socket: WebSocket) -> None:
        socket.say_goodbye(4001, "bye")
        assert await socket.receive() is None
        seen.append(socket.close_code)

    async with (
        serving(accepting(leaves)) as listener,
        raw(listener.port) as (reader, writer),
    ):
        assert await reader.readexactly(7) == b"\x88\x05\x0f\xa1bye"
        writer.write(frame(9, b"still there?"))
        await asyncio.sleep(0.05)
        assert listener.open_connections == 1
        writer.write(frame(8, b"\x0f\xa1"))
        assert await reader.read() == b""
    assert seen == [4001]


async def test_pings_of_a_client_that_does_not_read_are_not_hoarded() -> None:
    async with (
        serving(accepting(echo)) as listener,
        raw(listener.port) as (reader, writer),
    ):
        writer.transport.pause_reading()
        (session,) = cast(Any, listener)._connections
        sent = 0
        while not session.crowded or sent < 20_000_000:
            writer.write(frame(9, b"p" * 100) * 1000)
            await writer.drain()
            sent += 106_000
        writer.write(frame(9, b"last"))
        await writer.drain()
        assert session._transport.get_write_buffer_size() < 1_000_000
        writer.transport.resume_reading()
        said = b""
        while not said.endswith(b"\x8a\x04last"):
            said = said[-10:] + await reader.read(1 << 20)


async def test_a_sender_that_is_cancelled_takes_no_other_along() -> None:
    arrived = asyncio.Event()

    async def two(socket: WebSocket) -> None:
        while not socket.crowded:
            socket.put("x" * 100_000)
        first, second = (asyncio.ensure_future(socket.send(each)) for each in ("one", "two"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait((first,))
        arrived.set()
        await second
        await socket.send("after")

    async with (
        serving(accepting(two)) as listener,
        raw(listener.port) as (reader, writer),
    ):
        writer.transport.pause_reading()
        await arrived.wait()
        writer.transport.resume_reading()
        said = bytearray()
        async with asyncio.timeout(5):
            while b"\x81\x05after" not in said:
                said = said[-10:] + await reader.read(1 << 20)
                assert said


async def test_who_is_told_goodbye_is_heard_though_it_was_held() -> None:
    held = asyncio.Event()

    async def deaf(socket: WebSocket) -> None:
        await held.wait()
        await socket.close(4001)

    async with (
        serving(accepting(deaf), Limits(buffered=1000, websocket_close=60)) as listener,
        raw(listener.port) as (reader, writer),
    ):
        writer.write(frame(1, b"x" * 100) * 1000 + frame(8, b"\x03\xe8"))
        await asyncio.sleep(0.05)
        held.set()
        async with asyncio.timeout(5):
            assert await reader.read() == b"\x88\x02\x0f\xa1"


async def test_no_bytes_of_a_client_end_more_than_its_own_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    chance = random.Random(7)
    async with serving(accepting(echo), Limits(websocket_close=0.2)) as listener:
        for _ in range(150):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            head = bytes([chance.choice((0x81, 0x82, 0x01, 0x80, 0x88, 0x89, 0xC1, 0x83))])
            writer.write(HANDSHAKE + head + chance.randbytes(chance.randrange(300)))
            assert (await reader.readline()).startswith(b"HTTP/1.1 101")
            writer.transport.abort()
        async with connect(f"ws://127.0.0.1:{listener.port}/ws") as client:
            await client.send("still there")
            assert await client.recv() == "still there"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_client_that_sends_too_much_before_it_is_let_in_is_refused() -> None:
    """Else its session would begin with a gap in the frames."""

    async def slow(request: Request) -> Reply:
        await asyncio.sleep(0.2)
        return Upgrade(101, Headers(), session=echo)

    async with serving(slow, limits=Limits(buffered=1000)) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        for _ in range(3):
            writer.write(b"\x82\xfe\x02\x00" + bytes(516))
            await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 413 ")
        writer.close()
