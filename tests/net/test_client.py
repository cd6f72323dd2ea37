"""The upstream client, before backends that do as they please."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from torana.message import Headers, Reply, Request, read
from torana.net.client import HttpClient, Pool, Timeouts

Talk = Callable[[str, asyncio.StreamWriter], Awaitable[bool]]
"""Answers a request for a target; False: that was the last on this connection."""
HASTY = Timeouts(connect=1.0, head=0.2, idle=0.2, total=1.0)


@asynccontextmanager
async def backend(talk: Talk) -> AsyncGenerator[Pool]:
    """The pool of a backend that answers so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                if "Content-Length: " in head:
                    await reader.readexactly(int(head.split("Content-Length: ")[1].split()[0]))
                if not await talk(head.split(" ")[1], writer) or writer.is_closing():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = HttpClient()
    try:
        yield client.origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        await client.aclose()
        server.close()


def ask(target: str, method: str = "GET", body: bytes = b"") -> Request:
    return Request(method, target, Headers([("Host", "backend")]), body)


def whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Held:
    """A body that ends when it is let go."""

    def __init__(self) -> None:
        self.trailers, self.go, self.asked = Headers(), asyncio.Event(), 0

    def __aiter__(self) -> "Held":
        return self

    async def __anext__(self) -> bytes:
        self.asked += 1
        if self.asked > 1:
            await self.go.wait()
            raise StopAsyncIteration
        return b"a piece"

    async def aclose(self) -> None:
        self.go.set()


async def test_a_safe_request_is_repeated_where_a_kept_connection_has_closed() -> None:
    seen: list[str] = []

    async def talk(target: str, writer: asyncio.StreamWriter) -> bool:
        seen.append(target)
        if seen == ["/1", "/2"]:
            return False
        writer.write(whole(target.encode()))
        return True

    async with backend(talk) as pool:
        assert (await pool.send(ask("/1"), HASTY)).body == b"/1"
        assert (await pool.send(ask("/2"), HASTY)).body == b"/2"
    assert seen == ["/1", "/2", "/2"]


async def test_what_may_change_something_is_sent_once() -> None:
    seen: list[str] = []

    async def talk(target: str, writer: asyncio.StreamWriter) -> bool:
        seen.append(target)
        writer.write(whole(b"") if target == "/1" else b"")
        return target == "/1"

    async with backend(talk) as pool:
        await pool.send(ask("/1"), HASTY)
        with pytest.raises(ConnectionError):
            await pool.send(ask("/2", "POST", b"{}"), HASTY)
    assert seen == ["/1", "/2"]


async def test_a_reply_that_had_begun_is_not_asked_for_again() -> None:
    seen: list[str] = []

    async def talk(target: str, writer: asyncio.StreamWriter) -> bool:
        seen.append(target)
        writer.write(whole(b"") if target == "/1" else b"HTTP/1.1 2")
        return target == "/1"

    async with backend(talk) as pool:
        await pool.send(ask("/1"), HASTY)
        with pytest.raises(ConnectionError):
            await pool.send(ask("/2"), HASTY)
    assert seen == ["/1", "/2"]


async def test_a_backend_that_is_silent_is_given_up_and_its_connection_with_it() -> None:
    async def talk(target: str, writer: asyncio.StreamWriter) -> bool:
        writer.write(whole(b"") if target == "/1" else b"")
        return True

    async with backend(talk) as pool:
        await pool.send(ask("/1"), HASTY)
        with pytest.raises(TimeoutError):
            await pool.send(ask("/2"), HASTY)
        assert (await pool.send(ask("/1"), HASTY)).status == 200


async def test_a_backend_that_says_more_than_it_was_asked_for_is_not_asked_again() -> None:
    """Else the surplus would answer whoever comes next."""
    connections: set[asyncio.StreamWriter] = set()

    async def talk(target: str, writer: asyncio.StreamWriter) -> bool:
        connections.add(writer)
        writer.write(whole(target.encode()) + whole(b"of nobody"))
        return True

    async with backend(talk) as pool:
        for target in ("/1", "/2", "/3"):
            assert (await pool.send(ask(target), HASTY)).body == target.encode()
    assert len(connections) == 3


async def test_a_backend_that_answers_early_is_heard_and_not_used_before_the_request_ends() -> None:
    seen: list[str] = []
    begun = asyncio.Event()

    async def talk(target: str, writer: asyncio.StreamWriter) -> bool:
        seen.append(target)
        writer.write(whole(target.encode()))
        begun.set()
        return True

    held = Held()
    async with backend(talk) as pool:
        upload = Request("POST", "/upload", Headers([("Host", "backend")]), held)
        sending = asyncio.ensure_future(pool.send(upload, HASTY))
        await begun.wait()
        await asyncio.sleep(0.05)
        assert (await pool.send(ask("/other"), HASTY)).body == b"/other"
        held.go.set()
        assert (await sending).body == b"/upload"
    assert seen == ["/upload", "/other"]


async def test_a_caller_that_leaves_late_does_not_disturb_who_has_its_connection_now() -> None:
    async def talk(target: str, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.02)
        writer.write(whole(target.encode()))
        return True

    async with backend(talk) as pool:
        await pool.send(ask("/0"), HASTY)
        on = pool._idle[-1]  # pyright: ignore[reportPrivateUsage]
        first = asyncio.ensure_future(pool.send(ask("/1", "POST"), HASTY))
        await asyncio.sleep(0)
        on.data_received(whole(b"/1"))
        second = asyncio.ensure_future(pool.send(ask("/2", "POST"), HASTY))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert on.alive
        second.cancel()


async def test_a_reply_that_is_whole_holds_nobody_up_though_it_is_not_read() -> None:
    async def talk(target: str, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"x" * 262145)
        return True

    async with backend(talk) as pool:
        replies = list[Reply]()
        for _ in range(3):
            replies.append(await pool.send(ask("/"), HASTY))
            await asyncio.sleep(0.1)
        for reply in replies:
            assert len(await read(reply.body, 1 << 20)) == 262145


def capricious(chance: random.Random) -> Talk:
    """Closes, dawdles, breaks off, and answers in every form."""

    async def talk(target: str, writer: asyncio.StreamWriter) -> bool:
        body, how = target.encode() * chance.choice([1, 50, 5000]), chance.randrange(12)
        reply = whole(body)
        if how == 0:
            return False
        if how == 1:
            writer.write(reply[: -chance.randrange(1, len(body) + 20)])
            return False
        if how == 2:
            reply = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + reply
        if how == 3:
            reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            reply += b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        if how in (4, 5):
            await asyncio.sleep(chance.random() / 20)
        if how == 6:
            writer.write(reply[:30])
            reply = reply[30:]
            await asyncio.sleep(chance.random() / 50)
        writer.write(reply)
        return how != 7

    return talk


async def test_no_reply_reaches_another_request_whatever_either_end_does() -> None:
    chance = random.Random(7)

    async def call(pool: Pool, target: str) -> bool:
        """Whether it was answered. Callers leave at random."""
        request = ask(target, chance.choice(["GET", "POST"]), b"x" * chance.randrange(3))
        try:
            async with asyncio.timeout(chance.choice([0.001, 0.02, 2.0])):
                body = await read((await pool.send(request, HASTY)).body, 1 << 20)
        except (ConnectionError, TimeoutError):
            return False
        assert set(body.split(b"/")) == {b"", target[1:].encode()}
        return True

    async def caller(pool: Pool, name: int) -> int:
        return sum([await call(pool, f"/{name}-{each}") for each in range(60)])

    async with backend(capricious(chance)) as pool:
        answered = await asyncio.gather(*(caller(pool, name) for name in range(16)))
        await asyncio.sleep(0.1)
        assert sum(answered) > 300
        left = pool._all  # pyright: ignore[reportPrivateUsage]
        assert all(each.deadline == float("inf") for each in left)
