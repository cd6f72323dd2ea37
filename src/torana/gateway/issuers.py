"""Issuers of tokens: their keys, fetched once and kept.

The keys of user pools of this gateway are at hand, and asked of nobody.

Failure rules: keys are fetched again after an hour beside the requests that use them, and at once
for a key that is not known, but not more often than every ten seconds. While an issuer is away, its
keys hold for a day.
Source: OpenID Connect Discovery 1.0, 4; Cognito Developer Guide, "Verifying JSON web tokens".
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from torana.auth.jwt import BadToken, Claims, Keys, keys, verify
from torana.message import BodyTooLarge, Headers, Request, read
from torana.net.client import Client, Timeouts
from torana.net.tasks import spawn

_log = logging.getLogger("torana.gateway")

_FRESH, _LAST, _PAUSE = 3600.0, 86400.0, 10.0
"""Seconds: keys are fetched again, hold at most, and are not asked for."""
_GLANCE = 1.0
"""Seconds between two looks for a key of a pool of this gateway."""
_TIMEOUTS = Timeouts(3.0, 5.0, 5.0, 10.0)
_LIMIT = 512 * 1024
_MOST = 10_000
"""Tokens that are remembered of an issuer."""


class IssuerAway(Exception):
    """The keys of an issuer cannot be had."""


class Pool(Struct, frozen=True):
    """Whom a user pool's tokens come from."""

    issuer: str
    audience: tuple[str, ...] = ()
    """Clients whose tokens are taken; none: those of all."""


class LocalKeys(Protocol):
    """The keys of issuers that are user pools of this gateway."""

    def find(self, issuer: str, /) -> Keys | None:
        """The same object as long as the keys are the same; None for other issuers."""
        ...

    async def look(self, issuer: str, /) -> None:
        """Take in now what `find` may not know yet."""
        ...


class NoKeys:
    """Implements `LocalKeys` where there are no user pools."""

    def find(self, issuer: str) -> Keys | None:
        """See `LocalKeys`."""
        del issuer
        return None

    async def look(self, issuer: str) -> None:
        """See `LocalKeys`."""


class _Discovered(Struct):
    jwks_uri: str
    issuer: str = ""


class Issuer:
    """The keys of one issuer, and the tokens that they were found to have signed."""

    def __init__(
        self, url: str, client: Client, clock: Callable[[], float], local: LocalKeys
    ) -> None:
        self._url, self._client, self._clock = url.rstrip("/"), client, clock
        self._named, self._local = url, local
        self._at_hand: Keys | None = None
        self._keys: Keys = {}
        self._fetched = self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._good: dict[str, Claims] = {}

    async def verify(self, token: str) -> Claims:
        """The claims of a token. Raises `BadToken` and `IssuerAway`."""
        local = self._local.find(self._named)
        if local is not self._at_hand:
            self._at_hand, self._keys, self._good = local, local or {}, {}
        known = self._good.get(token)
        if known is not None:
            if known["exp"] > time.time():
                return known
            del self._good[token]
        if local is not None:
            return await self._verify_local(token)
        now = self._clock()
        if now - self._fetched > _LAST:
            await self._fetch(now)
        elif now - self._fetched > _FRESH and now - self._tried > _PAUSE:
            self._start(now)
        try:
            claims = verify(token, self._keys, self._named)
        except BadToken as error:
            if error.kind != "unknown-key" or now - self._tried < _PAUSE:
                raise
            await self._fetch(now)
            claims = verify(token, self._keys, self._named)
        return self._remember(token, claims)

    async def _verify_local(self, token: str) -> Claims:
        try:
            claims = verify(token, self._keys, self._named)
        except BadToken as error:
            now = self._clock()
            if error.kind != "unknown-key" or now - self._tried < _GLANCE:
                raise
            self._tried = now
            await self._local.look(self._named)
            claims = verify(token, self._local.find(self._named) or {}, self._named)
        return self._remember(token, claims)

    def _remember(self, token: str, claims: Claims) -> Claims:
        if len(self._good) >= _MOST:
            del self._good[next(iter(self._good))]
        self._good[token] = claims
        return claims

    def _start(self, now: float) -> "asyncio.Task[None]":
        """One fetch at a time, whoever wants it."""
        if self._fetching is None or self._fetching.done():
            self._tried = now
            self._fetching = spawn(self._get(now), f"fetch the keys of {self._url}")
        return self._fetching

    async def _fetch(self, now: float) -> None:
        """Raises `IssuerAway` when there are no keys to go on with."""
        if now - self._tried >= _PAUSE or self._fetching is not None:
            await asyncio.shield(self._start(now))
        if self._clock() - self._fetched > _LAST:
            raise IssuerAway(f"the keys of {self._url} cannot be had")

    async def _get(self, now: float) -> None:
        try:
            found = msgspec.json.decode(
                await self._read(f"{self._url}/.well-known/openid-configuration"),
                type=_Discovered,
            )
            self._keys = keys(await self._read(found.jwks_uri))
            self._fetched = now
            self._good = {}
        except (OSError, TimeoutError, ValueError, msgspec.MsgspecError, BodyTooLarge) as error:
            _log.warning("the keys of %s were not fetched: %s", self._url, error)
        finally:
            self._fetching = None

    async def _read(self, url: str) -> bytes:
        at = urlsplit(url)
        if at.scheme not in ("http", "https") or not at.hostname:
            raise ValueError(f"{url[:200]!r} is no address")
        port = at.port or (443 if at.scheme == "https" else 80)
        fields = [("Host", at.netloc), ("Accept", "application/json")]
        target = (at.path or "/") + (f"?{at.query}" if at.query else "")
        request = Request("GET", target, Headers(fields))
        origin = self._client.origin(at.scheme, at.hostname, port)
        reply = await origin.send(request, _TIMEOUTS)
        body = await read(reply.body, _LIMIT)
        if reply.status != 200:
            raise ValueError(f"{url[:200]} answered {reply.status}")
        return body


class Issuers:
    """Every issuer of this process, kept while APIs are compiled anew."""

    def __init__(
        self,
        client: Client,
        pools: Mapping[str, Pool] = {},
        clock: Callable[[], float] = time.monotonic,
        local: LocalKeys | None = None,
    ) -> None:
        """`pools`: what the settings say of user pools, by their id."""
        self._client, self._pools, self._clock = client, pools, clock
        self._local = local or NoKeys()
        self._issuers: dict[str, Issuer] = {}

    def pool(self, arn: str) -> Pool:
        """Whom a user pool's tokens come from: the settings say so, else Amazon Cognito.
        Raises `ValueError` for what is no user pool's ARN."""
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[2] != "cognito-idp" or not parts[5].startswith("userpool/"):
            raise ValueError(f"{arn!r} is no user pool's ARN")
        id = parts[5].partition("/")[2]
        found = self._pools.get(id)
        return found or Pool(f"https://cognito-idp.{parts[3]}.amazonaws.com/{id}")

    def issuer(self, url: str) -> Issuer:
        """The issuer of that name, which is the address of its configuration, too."""
        found = self._issuers.get(url)
        if found is None:
            found = self._issuers[url] = Issuer(url, self._client, self._clock, self._local)
        return found
