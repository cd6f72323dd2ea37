"""Acting as a role: temporary credentials from STS, kept until shortly before they expire."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from msgspec import Struct

from torana.auth.signer import SigningCredentials, sign
from torana.message import Headers, Reply, Request
from torana.wire.faults import Malformed
from torana.wire.values import read_time
from torana.wire.xml import Element, parse

_EARLY = timedelta(minutes=5)
_MOST = 256
_SESSION = "torana"

Send = Callable[[Request], Awaitable[Reply]]
"""To the STS endpoint. Raises `TimeoutError` and `ConnectionError`."""


class _Held(Struct, frozen=True):
    credentials: SigningCredentials
    expires: datetime


class Roles:
    """Temporary credentials by role ARN."""

    def __init__(
        self,
        own: SigningCredentials,
        send: Send,
        *,
        host: str,
        region: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._own = own
        self._send = send
        self._host = host
        self._region = region
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def credentials(self, role: str) -> SigningCredentials:
        """Of the role. Callers that come together ask once.

        Raises `ConnectionError` (STS cannot be reached, or says no) and `TimeoutError`.
        """
        held = self._fresh(role)
        if held is None:
            async with self._asking.setdefault(role, asyncio.Lock()):
                held = self._fresh(role)
                if held is None:
                    if len(self._held) >= _MOST:
                        self._held.clear()
                    held = self._held[role] = await self._assume(role)
            self._asking.pop(role, None)
        return held.credentials

    def _fresh(self, role: str) -> _Held | None:
        held = self._held.get(role)
        return held if held is not None and self._clock() < held.expires - _EARLY else None

    async def _assume(self, role: str) -> _Held:
        form = {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": role,
            "RoleSessionName": _SESSION,
        }
        fields = Headers(
            [
                ("Host", self._host),
                ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ]
        )
        request = Request("POST", "/", fields, urlencode(form).encode())
        signed = sign(request, self._own, region=self._region, service="sts", now=self._clock())
        reply = await self._send(signed)
        body = reply.body if isinstance(reply.body, bytes) else b""
        try:
            root = parse(body)
            if reply.status != 200:
                raise ConnectionError(f"{role} was not assumed: {_find(root, 'Message')}")
            return _Held(
                SigningCredentials(
                    _find(root, "AccessKeyId"),
                    _find(root, "SecretAccessKey"),
                    _find(root, "SessionToken"),
                ),
                read_time(_find(root, "Expiration")),
            )
        except Malformed as error:
            raise ConnectionError(f"STS answered {reply.status}: {error}") from None


def _find(element: Element, name: str) -> str:
    """The text of the first element of that name. Raises `Malformed`."""
    waiting = [element]
    while waiting:
        found = waiting.pop()
        if found.name == name:
            return found.text()
        waiting.extend(reversed(found.children))
    raise Malformed(f"{name} is missing")
