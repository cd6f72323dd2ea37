"""TLS of the server's end."""

import ssl


def server_context(certificate: str, key: str, client_ca: str | None = None) -> ssl.SSLContext:
    """A context from PEM files: TLS 1.2 at least, HTTP/2 or 1.1 by ALPN, client certificates wanted
    when `client_ca` is given. Raises `OSError` or `ssl.SSLError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
