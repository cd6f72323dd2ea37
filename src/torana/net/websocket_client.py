"""Opening a WebSocket to somebody else: the handshake, then a session as any other.

Source: RFC 6455, 4.1.
"""

import asyncio
import base64
import secrets
import ssl
from typing import cast

from torana.message import Headers, SocketLimits
from torana.net.limits import Limits
from torana.net.websocket import WebSocketSession, accept

_LONGEST_HEAD = 64 * 1024


class Declined(ConnectionError):
    """The other end answered, and not with a WebSocket."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"the handshake was answered with {status}")
        self.status, self.body = status, body


class _Handshake(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self._request, self._data = request, b""
        loop = asyncio.get_running_loop()
        self.head: asyncio.Future[tuple[bytes, bytes]] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if self.head.done():
            return
        if found:
            self.head.set_result((head, rest))
        elif len(self._data) > _LONGEST_HEAD:
            self.head.set_exception(ConnectionError("the handshake's answer is too long"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.head.done():
            self.head.set_exception(ConnectionError("the connection broke in the handshake"))


async def connect(
    host: str,
    port: int,
    target: str,
    headers: Headers,
    *,
    tls: ssl.SSLContext | None,
    timeout: float,
    limits: SocketLimits,
) -> WebSocketSession:
    """An open session. `headers` has the host and the subprotocols. Raises `ConnectionError`
    (`Declined` among them) and `TimeoutError`."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    fields = [
        *headers.items,
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
    ]
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    shake = _Handshake("\r\n".join(lines).encode("latin-1"))
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout):
        try:
            transport, _ = await loop.create_connection(lambda: shake, host, port, ssl=tls)
        except (OSError, ssl.SSLError) as error:
            raise ConnectionError(f"cannot connect to {host}: {error}") from error
        try:
            head, rest = await shake.head
            _check(head, rest, key)
        except BaseException:
            transport.abort()
            raise
    session = WebSocketSession(False, Limits(), host, None, limits)
    session.take(transport, rest)
    return session


def _check(head: bytes, rest: bytes, key: str) -> None:
    status, *lines = head.decode("latin-1").split("\r\n")
    code = status.split(" ")[1] if status.count(" ") else "0"
    if code != "101":
        raise Declined(int(code) if code.isdigit() else 502, rest)
    named = {name.strip().lower(): value.strip() for name, _, value in map(_split, lines)}
    if named.get("sec-websocket-accept") != accept(Headers([("sec-websocket-key", key)])):
        raise ConnectionError("the handshake's answer is not to our key")


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")
