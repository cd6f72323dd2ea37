"""What the server's end of TLS speaks, and shows."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from tests.net.serving import serving
from torana.message import Headers, Reply, Request
from torana.net.tls import renew, server_context


async def _hello(_: Request) -> Reply:
    return Reply(200, Headers())


def _issue(authority: trustme.CA, folder: Path, name: str) -> tuple[str, str]:
    issued = authority.issue_cert("127.0.0.1", common_name=name)
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return str(folder / "cert.pem"), str(folder / "key.pem")


def _trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
    return context


async def _shown(port: int, context: ssl.SSLContext) -> str:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        return str(writer.get_extra_info("peercert")["subject"])
    finally:
        writer.transport.abort()


async def test_a_version_below_the_minimum_is_refused_in_the_handshake(tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = server_context(*_issue(authority, tmp_path, "one"), minimum="1.3")
    old = _trusting(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(_hello, tls=tls) as listener:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await _shown(listener.port, old)
        assert "one" in await _shown(listener.port, _trusting(authority))


async def test_a_renewed_certificate_is_shown_to_who_connects_next(tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = server_context(*_issue(authority, tmp_path, "one"))
    async with serving(_hello, tls=tls) as listener:
        assert "one" in await _shown(listener.port, _trusting(authority))
        renew(tls, *_issue(authority, tmp_path, "two"))
        assert "two" in await _shown(listener.port, _trusting(authority))


async def test_a_key_of_another_certificate_leaves_the_one_before(tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = server_context(*_issue(authority, tmp_path, "one"))
    cert, key = _issue(authority, tmp_path, "two")
    authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(key)
    with pytest.raises(ssl.SSLError):
        renew(tls, cert, key)
    async with serving(_hello, tls=tls) as listener:
        assert "one" in await _shown(listener.port, _trusting(authority))
