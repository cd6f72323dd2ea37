"""TLS of the server's end."""

import ssl
import tempfile
from typing import Literal

Version = Literal["1.2", "1.3"]
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class ServerContext(ssl.SSLContext):
    """How one name's TLS is spoken."""

    server_name: str = ""
    """The name that it is for alone; empty: any that has none of its own."""


def server_context(
    certificate: str, key: str, client_ca: str | None = None, minimum: Version = "1.2"
) -> ServerContext:
    """A context from PEM files: HTTP/2 or 1.1 by ALPN, client certificates wanted when `client_ca`
    is given. Raises `OSError` or `ssl.SSLError`."""
    context = _context(minimum)
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def named_context(
    name: str, chain: str, key: str, trusted: str | None, minimum: Version = "1.2"
) -> ServerContext:
    """A name's own context, all in PEM; who shows no certificate of a `trusted` authority is
    refused, if there are any. Raises `OSError` or `ssl.SSLError`."""
    context = _context(minimum)
    context.server_name = name
    # OpenSSL reads files only; this one is its owner's, and gone at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{chain}\n{key}\n")
        file.flush()
        context.load_cert_chain(file.name)
    if trusted is not None:
        context.load_verify_locations(cadata=trusted)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _context(minimum: Version) -> ServerContext:
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[minimum]
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def renew(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Show the files' certificate to who connects from now on; connections that are open stay.

    Raises `OSError` or `ssl.SSLError`, the context is as it was then.
    """
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    context.load_cert_chain(certificate, key)
