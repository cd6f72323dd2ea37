"""Broken, split and mixed bytes against the server: it answers or hangs up, and goes on serving.

Seeded, so that a failure can be had again; `TORANA_FUZZ_SECONDS` makes it last longer.
"""

import asyncio
import os
import random
import re
import time
from collections.abc import Callable

import h2.connection
import pytest
from h2.config import H2Configuration

from tests.net.serving import serving
from torana.message import Headers, Reply, Request, Upgrade, WebSocket, read
from torana.net.limits import Limits

SECONDS = float(os.environ.get("TORANA_FUZZ_SECONDS", "1"))
SEED = int(os.environ.get("TORANA_FUZZ_SEED", "20261124"))
ALONE = b"GET /alone HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

CORPUS = [
    b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /a?b=%41 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello",
    b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
    b"HEAD / HTTP/1.0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n",
    b"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    b"\x81\x85\x00\x00\x00\x00hello\x89\x80\x00\x00\x00\x00",
]
SPICE = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\xff", b"%2e%2e/", b"0\r\n\r\n",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n",
    b"Host: b\r\n", b" folded\r\n", b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999\r\n",
    b"Connection: close, x-a\r\n", b"ffffffffffffffff\r\n", b"x" * 300, b"PRI * HTTP/2.0\r\n\r\n",
]  # fmt: skip


async def echo(request: Request) -> Reply:
    if request.target == "/ws":
        return Upgrade(101, Headers(), session=say_again)
    body = await read(request.body, 1 << 20)
    return Reply(200, Headers([("X-Target", request.target)]), body)


async def say_again(socket: WebSocket) -> None:
    while (message := await socket.receive()) is not None:
        await socket.send(message)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """A few cuts, swaps and insertions."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(made))
        match chance.randrange(5):
            case 0:
                made[at:at] = chance.choice(SPICE)
            case 1:
                del made[at : at + chance.randint(1, 20)]
            case 2 if made:
                made[at % len(made)] = chance.randrange(256)
            case 3:
                made[at:at] = made[at : at + chance.randint(1, 40)]
            case _:
                made += chance.choice(CORPUS)
    return bytes(made)


async def converse(port: int, chance: random.Random, data: bytes) -> bytes:
    """Send in pieces; read until the server has nothing more to say, then hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while data and not writer.is_closing():
            cut = chance.randint(1, len(data)) if chance.random() < 0.5 else len(data)
            writer.write(data[:cut])
            data = data[cut:]
            await asyncio.sleep(0)
        heard = b""
        try:
            while piece := await asyncio.wait_for(reader.read(65536), 0.03):
                heard += piece
        except TimeoutError:
            pass
        except ConnectionError:
            return heard
        return heard
    finally:
        writer.close()


async def fuzz(port: int, make: Callable[[random.Random], bytes]) -> list[bytes]:
    """Many conversations at once, until the time is over. Gives what the server said."""
    end = time.monotonic() + SECONDS
    heard: list[bytes] = []

    async def one(seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < end:
            said = make(chance)
            heard.append(await asyncio.wait_for(converse(port, chance, said), 5))

    await asyncio.gather(*(one(SEED + number) for number in range(16)))
    return heard


async def alive(port: int) -> None:
    """A plain request is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ALONE)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.timeout(60 + SECONDS)
async def test_no_bytes_make_a_fault_or_end_the_server(caplog: pytest.LogCaptureFixture) -> None:
    limits = Limits(head_time=1, body_idle=1, keep_alive=1, websocket_close=0.5)
    async with serving(echo, limits) as listener:
        heard = await fuzz(listener.port, lambda chance: mutated(chance, chance.choice(CORPUS)))
        await alive(listener.port)
        statuses = {each for said in heard for each in re.findall(rb"HTTP/1\.[01] (\d\d\d) ", said)}
        assert {b"200", b"400"} <= statuses
        assert not {each for each in statuses if each[:1] == b"5"} - {b"501", b"505"}
        assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.timeout(60 + SECONDS)
async def test_no_frames_make_a_fault_or_end_the_server(caplog: pytest.LogCaptureFixture) -> None:
    client = h2.connection.H2Connection(H2Configuration())
    client.initiate_connection()
    for stream in (1, 3):
        fields = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/a")]
        client.send_headers(stream, fields)
        client.send_data(stream, b"hello", end_stream=True)
    whole = client.data_to_send()
    preface = whole[:24]

    def frames(chance: random.Random) -> bytes:
        return preface + mutated(chance, whole[24:])

    async with serving(echo, Limits(keep_alive=1, body_idle=1)) as listener:
        heard = await fuzz(listener.port, frames)
        await alive(listener.port)
        assert any(heard)
        assert not [record for record in caplog.records if record.exc_info]


async def test_a_smuggled_request_never_reaches_the_application() -> None:
    seen: list[str] = []

    async def note(request: Request) -> Reply:
        seen.append(request.target)
        return await echo(request)

    hidden = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    tries = [
        b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(hidden),
        b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n" % len(hidden),
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"X: 1\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0x0\r\n\r\n",
        b" Content-Length: 0\r\n\r\n",
    ]
    async with serving(note) as listener:
        for fields in tries:
            chance = random.Random(1)
            await converse(
                listener.port, chance, b"POST /front HTTP/1.1\r\nHost: a\r\n" + fields + hidden
            )
    assert "/smuggled" not in seen


SHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(chance: random.Random) -> bytes:
    """A client's frame; what it says of itself is often wrong."""
    payload = chance.choice([b"", b"hello", b"\xff\xfe", b"\x03\xe8bye", b"x" * 200, b"\0" * 70000])
    opcode = chance.choice([0, 1, 2, 8, 9, 10, 3, 11, 15])
    first = (
        (chance.random() < 0.8) << 7 | (chance.randrange(8) << 4) * (chance.random() < 0.1) | opcode
    )
    length = len(payload) if chance.random() < 0.9 else chance.choice([0, 126, 2**31, 2**63])
    masked = 0x80 if chance.random() < 0.9 else 0
    if length < 126:
        head = bytes([first, masked | length])
    elif length < 65536:
        head = bytes([first, masked | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, masked | 127]) + length.to_bytes(8, "big")
    return head + (b"\0\0\0\0" if masked else b"") + payload


@pytest.mark.timeout(60 + SECONDS)
async def test_no_websocket_frame_makes_a_fault_or_ends_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def talk(chance: random.Random) -> bytes:
        return SHAKE + b"".join(frame(chance) for _ in range(chance.randint(1, 6)))

    limits = Limits(websocket_close=0.2, websocket_message=100_000, websocket_idle=1)
    async with serving(echo, limits) as listener:
        heard = await fuzz(listener.port, talk)
        await alive(listener.port)
        assert any(b" 101 " in said for said in heard)
        assert not [record for record in caplog.records if record.exc_info]


def odd_frame(chance: random.Random) -> bytes:
    """A frame of HTTP/2 of any type, with any flags, on any stream (RFC 9113, 4.1)."""
    kind, flags = chance.randrange(12), chance.choice([0, 1, 4, 5, 8, 0x20, 0xFF])
    stream = chance.choice([0, 1, 1, 2, 3, 5, 2**31 - 1])
    payload = chance.choice(
        [
            b"", b"\0" * 4, b"\xff" * 4, b"\0" * 8, b"\0\x03\0\0\0\0", b"\0\x04\xff\xff\xff\xff",
            b"\x82\x86\x84\x41\x01a", b"\x82\x87\x84", b"\xff" * 40, b"\x40\x01:\x01x",
            b"\x3f\xff\xff\xff\xff\xff\x0f", b"\0\0\0\0\0", b"x" * 17000,
        ]
    )  # fmt: skip
    length = len(payload) if chance.random() < 0.95 else chance.randrange(2**24)
    return length.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


@pytest.mark.timeout(60 + SECONDS)
async def test_no_odd_frame_of_http2_makes_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"

    def talk(chance: random.Random) -> bytes:
        return preface + b"".join(odd_frame(chance) for _ in range(chance.randint(1, 8)))

    async with serving(echo, Limits(keep_alive=1, body_idle=1)) as listener:
        heard = await fuzz(listener.port, talk)
        await alive(listener.port)
        assert any(heard)
        assert not [record for record in caplog.records if record.exc_info]
