"""TLS of the server's end."""

import ssl
from typing import Literal

ServerContext = ssl.SSLContext
Version = Literal["1.2", "1.3"]
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def server_context(
    certificate: str, key: str, client_ca: str | None = None, minimum: Version = "1.2"
) -> ssl.SSLContext:
    """A context from PEM files: HTTP/2 or 1.1 by ALPN, client certificates wanted when `client_ca`
    is given. Raises `OSError` or `ssl.SSLError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[minimum]
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def renew(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Show the files' certificate to who connects from now on; connections that are open stay.

    Raises `OSError` or `ssl.SSLError`, the context is as it was then.
    """
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    context.load_cert_chain(certificate, key)
