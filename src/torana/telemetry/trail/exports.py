"""Where else the audit trail goes: a file, syslog, an OpenTelemetry collector.

What waits for a slow or absent receiver is bounded; lines beyond are counted and dropped there,
never from the trail itself.
Source: RFC 5424, RFC 6587 (octet counting); OpenTelemetry Protocol, "OTLP/HTTP", JSON.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from torana.telemetry.outgoing import Outgoing

_AUDIT, _NOTICE, _WARNING = 13 * 8, 5, 4
"""Syslog's facility and severities."""

Send = Callable[[list[bytes]], Awaitable[None]]
"""Delivers lines. Raises `OSError` or `TimeoutError`; they are sent again then."""
Post = Callable[[str, bytes], Awaitable[None]]
"""Posts JSON to an address. Raises the same."""


Export = Outgoing[bytes]
"""Lines on their way to one receiver."""


def export(address: str, post: Post) -> Export:
    """By its address: `file:PATH`, `syslog:udp://HOST:PORT`, `syslog:tcp://HOST:PORT`,
    `syslog:unix:PATH`, `otlp:http://HOST:PORT/v1/logs`. Raises `ValueError`."""
    return Export(f"audit records for {address}", _sender(address, post))


def _sender(address: str, post: Post) -> Send:
    kind, _, rest = address.partition(":")
    if kind == "file" and rest:
        return _to_file(rest)
    if kind == "syslog" and rest.startswith("unix:"):
        return _to_datagrams(socket.AF_UNIX, rest.removeprefix("unix:"))
    at = urlsplit(rest)
    if kind == "syslog" and at.hostname and at.scheme == "udp":
        return _to_datagrams(socket.AF_INET, (at.hostname, at.port or 514))
    if kind == "syslog" and at.hostname and at.scheme == "tcp":
        return _to_stream(at.hostname, at.port or 601)
    if kind == "otlp" and at.scheme in ("http", "https"):
        return _to_collector(rest, post)
    raise ValueError(
        f"{address!r} is none of file:PATH, syslog:udp://HOST:PORT, syslog:tcp://HOST:PORT, "
        "syslog:unix:PATH, otlp:http://HOST:PORT/v1/logs"
    )


def _to_file(path: str) -> Send:
    async def send(lines: list[bytes]) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, b"".join(line + b"\n" for line in lines))
        finally:
            os.close(descriptor)

    return send


def syslog(line: bytes) -> bytes:
    """A line as a message of RFC 5424."""
    found: dict[str, Any] = msgspec.json.decode(line)
    refused = found.get("event") == "denied" or found.get("denied")
    priority = _AUDIT + (_WARNING if refused else _NOTICE)
    kind = str(found.get("event", "call"))
    head = f"<{priority}>1 {found['time']} {socket.gethostname()} torana {os.getpid()} {kind} - "
    return head.encode() + line


def _to_datagrams(family: int, address: str | tuple[str, int]) -> Send:
    async def send(lines: list[bytes]) -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for line in lines:
                sender.sendto(syslog(line), address)

    return send


def _to_stream(host: str, port: int) -> Send:
    async def send(lines: list[bytes]) -> None:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(host, port)
            try:
                for line in lines:
                    message = syslog(line)
                    writer.write(b"%d " % len(message) + message)
                await writer.drain()
            finally:
                writer.close()

    return send


def _to_collector(address: str, post: Post) -> Send:
    # OpenTelemetry's messages take 20 MB, which only those pay who send some.
    from torana.telemetry.otlp import audit, encode

    async def send(lines: list[bytes]) -> None:
        message = audit([msgspec.json.decode(line) for line in lines])
        await post(address, encode(message, "json"))

    return send
