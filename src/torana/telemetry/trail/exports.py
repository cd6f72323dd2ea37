"""Where else the audit trail goes: a file, syslog, an OpenTelemetry collector.

What waits for a slow or absent receiver is bounded; lines beyond are counted and dropped there,
never from the trail itself.
Source: RFC 5424, RFC 6587 (octet counting); OpenTelemetry Protocol, "OTLP/HTTP", JSON.
"""

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from torana.telemetry.trail.chain import Json

_log = logging.getLogger("torana.audit")

_WAITING = 10_000
"""Lines."""
_BATCH = 500
_PAUSES = (0.2, 1.0, 5.0, 15.0)
_AUDIT, _NOTICE, _WARNING = 13 * 8, 5, 4
"""Syslog's facility and severities."""

Send = Callable[[list[bytes]], Awaitable[None]]
"""Delivers lines. Raises `OSError` or `TimeoutError`; they are sent again then."""
Post = Callable[[str, bytes], Awaitable[None]]
"""Posts JSON to an address. Raises the same."""


class Export:
    """Lines on their way to one receiver."""

    def __init__(self, name: str, send: Send) -> None:
        self._name, self._send = name, send
        self._waiting: deque[bytes] = deque()
        self._some, self._none = asyncio.Event(), asyncio.Event()
        self._none.set()
        self.dropped = 0

    def __call__(self, line: bytes) -> None:
        """See `Sink`."""
        if len(self._waiting) >= _WAITING:
            self.dropped += 1
            return
        self._waiting.append(line)
        self._some.set()
        self._none.clear()

    async def run(self) -> None:
        """Deliver, until cancelled."""
        failures = 0
        while True:
            await self._some.wait()
            batch = [self._waiting[at] for at in range(min(_BATCH, len(self._waiting)))]
            try:
                await self._send(batch)
            except (OSError, TimeoutError) as error:
                if failures == 0:
                    _log.error("audit records wait for %s: %s", self._name, error)
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
                continue
            failures = 0
            for _ in batch:
                self._waiting.popleft()
            if not self._waiting:
                self._some.clear()
                self._none.set()

    async def drain(self, seconds: float = 2.0) -> None:
        """Wait for what is on its way, but not for long."""
        try:
            async with asyncio.timeout(seconds):
                await self._none.wait()
        except TimeoutError:
            _log.error("%d audit records did not reach %s", len(self._waiting), self._name)


def export(address: str, post: Post) -> Export:
    """By its address: `file:PATH`, `syslog:udp://HOST:PORT`, `syslog:tcp://HOST:PORT`,
    `syslog:unix:PATH`, `otlp:http://HOST:PORT/v1/logs`. Raises `ValueError`."""
    kind, _, rest = address.partition(":")
    if kind == "file" and rest:
        return Export(address, _to_file(rest))
    if kind == "syslog" and rest.startswith("unix:"):
        return Export(address, _to_datagrams(socket.AF_UNIX, rest.removeprefix("unix:")))
    at = urlsplit(rest)
    if kind == "syslog" and at.hostname and at.scheme == "udp":
        return Export(address, _to_datagrams(socket.AF_INET, (at.hostname, at.port or 514)))
    if kind == "syslog" and at.hostname and at.scheme == "tcp":
        return Export(address, _to_stream(at.hostname, at.port or 601))
    if kind == "otlp" and at.scheme in ("http", "https"):
        return Export(address, _to_collector(rest, post))
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
    found: Json = msgspec.json.decode(line)
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
    async def send(lines: list[bytes]) -> None:
        await post(address, otlp([msgspec.json.decode(line) for line in lines]))

    return send


def otlp(records: list[Json]) -> bytes:
    """Lines as an export request of log records."""
    made: list[Json] = []
    for record in records:
        refused = record.get("event") == "denied" or record.get("denied")
        nanos = int(datetime.fromisoformat(record["time"]).timestamp() * 1000) * 1_000_000
        made.append(
            {
                "timeUnixNano": str(nanos),
                "severityNumber": 13 if refused else 9,
                "severityText": "WARN" if refused else "INFO",
                "body": {"stringValue": msgspec.json.encode(record).decode()},
                "attributes": [
                    {"key": f"torana.audit.{name}", "value": {"stringValue": str(value)}}
                    for name, value in record.items()
                    if isinstance(value, str | int) and name not in ("mac", "prev")
                ],
            }
        )
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "torana"}}]}
    scope = {"scope": {"name": "torana.audit"}, "logRecords": made}
    return msgspec.json.encode({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})
