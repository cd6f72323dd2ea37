"""Listeners for tests, in plain text and over TLS."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import trustme

from torana.net.limits import Limits
from torana.net.server import Handler, Listener, listen
from torana.net.tls import server_context


@asynccontextmanager
async def serving(
    handler: Handler, limits: Limits | None = None, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[Listener]:
    """A listener that is closed afterwards."""
    listener = await listen(handler, limits=limits, ssl=tls)
    try:
        yield listener
    finally:
        await listener.close()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What the server and its clients need for TLS on 127.0.0.1."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)  # pyright: ignore[reportUnknownMemberType]
    return server_context(str(folder / "cert.pem"), str(folder / "key.pem")), trusting
