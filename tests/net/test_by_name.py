"""Several names on one TLS port: certificates, versions and client certificates of each."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from torana.message import Headers, Reply, Request
from torana.net.client_hello import Malformed, Short, server_name
from torana.net.server import Listener, listen
from torana.net.tls import server_context


def hello(name: str | None, **options: int) -> bytes:
    """What a real client sends first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for option, value in options.items():
        setattr(context, option, value)
    sent = ssl.MemoryBIO()
    shaking = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        shaking.do_handshake()
    return sent.read()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_name_is_read_from_a_clients_first_bytes(version: ssl.TLSVersion) -> None:
    assert server_name(hello("Chat.Example.com", maximum_version=version)) == "chat.example.com"
    assert server_name(hello(None, maximum_version=version)) == ""


def test_a_hello_in_pieces_is_waited_for() -> None:
    whole = hello("chat.example.com")
    for cut in range(len(whole)):
        with pytest.raises(Short):
            server_name(whole[:cut])
    head, body = whole[:3], whole[5:]
    records = b"".join(
        head + len(piece).to_bytes(2, "big") + piece
        for piece in (body[at : at + 7] for at in range(0, len(body), 7))
    )
    assert server_name(records) == "chat.example.com"


HELLO = hello("a.example.com")


@given(st.binary(max_size=400))
def test_anything_else_is_no_tls(data: bytes) -> None:
    for tried in (data, b"\x16\x03\x01" + data, HELLO[:60] + data):
        with suppress(Short, Malformed):
            assert isinstance(server_name(tried), str)


class Names:
    """A certificate for each name, and who trusts them."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self._folder = folder
        self.contexts: dict[str, ssl.SSLContext] = {}

    def add(self, name: str, minimum: str = "1.2", client_ca: str | None = None) -> None:
        issued = self.authority.issue_cert(name)
        issued.cert_chain_pems[0].write_to_path(self._folder / "cert.pem")
        issued.private_key_pem.write_to_path(self._folder / "key.pem")
        own = [str(self._folder / each) for each in ("cert.pem", "key.pem")]
        self.contexts[name] = server_context(*own, client_ca, minimum)  # type: ignore[arg-type]

    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
        return context


async def _hello(request: Request) -> Reply:
    return Reply(200, Headers(), b"hello " + (request.headers.get("host") or "").encode())


@asynccontextmanager
async def serving(names: Names) -> AsyncGenerator[Listener]:
    listener = await listen(_hello, ssl=names.contexts.get)
    try:
        yield listener
    finally:
        assert await listener.drain(5)
        await listener.close()


async def asked(port: int, name: str, context: ssl.SSLContext) -> bytes:
    """A request to a name on the port."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=name
    )
    try:
        request = f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        return await reader.read()
    finally:
        writer.transport.abort()


async def test_each_name_shows_its_own_certificate(tmp_path: Path) -> None:
    names = Names(tmp_path)
    names.add("one.example.com")
    names.add("two.example.com")
    async with serving(names) as listener:
        for name in ("one.example.com", "two.example.com"):
            assert b"hello " + name.encode() in await asked(listener.port, name, names.trusting())
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asked(listener.port, "three.example.com", names.trusting())
        names.add("three.example.com")
        assert b"hello three" in await asked(listener.port, "three.example.com", names.trusting())


async def test_a_name_speaks_no_version_below_its_own_minimum(tmp_path: Path) -> None:
    names = Names(tmp_path)
    names.add("new.example.com", "1.3")
    names.add("old.example.com")
    old = names.trusting()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(names) as listener:
        assert b"hello" in await asked(listener.port, "old.example.com", old)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asked(listener.port, "new.example.com", old)


async def test_only_the_name_that_wants_client_certificates_asks_for_them(tmp_path: Path) -> None:
    names, clients = Names(tmp_path), trustme.CA()
    clients.cert_pem.write_to_path(tmp_path / "clients.pem")
    names.add("open.example.com")
    names.add("closed.example.com", client_ca=str(tmp_path / "clients.pem"))
    known = names.trusting()
    clients.issue_cert("me@example.com").configure_cert(known)  # pyright: ignore[reportUnknownMemberType]
    async with serving(names) as listener:
        assert b"hello" in await asked(listener.port, "open.example.com", names.trusting())
        assert b"hello" in await asked(listener.port, "closed.example.com", known)
        with suppress(ssl.SSLError, ConnectionError):
            assert await asked(listener.port, "closed.example.com", names.trusting()) == b""


async def test_a_client_that_speaks_no_tls_is_let_go(tmp_path: Path) -> None:
    names = Names(tmp_path)
    names.add("one.example.com")
    async with serving(names) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert b"hello" in await asked(listener.port, "one.example.com", names.trusting())
