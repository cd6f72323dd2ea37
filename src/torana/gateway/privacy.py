"""Personal data in bodies that pass: a policy's rules, compiled into a method's plan.

Bodies are looked at whole, up to a limit; those that cannot be looked into are refused, so that no
rule is passed by.
"""

import asyncio
from collections.abc import Awaitable, Callable

from torana.data_settings import Privacy, Rule
from torana.gateway.cache_settings import caching
from torana.gateway.content import media_type
from torana.gateway.contract import Compiled, Context
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.variables import getter, text
from torana.message import BodyTooLarge, Headers, Reply, read
from torana.personal.rules import Blocked, Rules, Unseen, wrong
from torana.personal.tokens import TokenKey
from torana.state.store import StoreUnavailable

LIMIT = 1 << 20
"""Bytes of a body that is looked into."""
_OFF_THE_LOOP = 32 * 1024
"""Bytes from which looking would hold up other requests."""
_OLD = ("content-length", "content-md5", "digest", "content-digest", "repr-digest", "etag")
"""Fields that tell of the bytes before."""


def policy(to: Compiled) -> Privacy | None:
    """What holds for a method: what the settings say of it, else its definition.

    Raises `InvalidApi`.
    """
    settings = to.ports.privacy(to.api.id, to.stage.stage_name, to.place())
    found = settings or (to.api.privacy and to.api.privacy.of(to.place()))
    for path, why in () if found is None else wrong(found):
        raise InvalidApi(f"privacy {'.'.join(map(str, path))}: {why}")
    return found


class Looking:
    """The rules of one direction of a method."""

    def __init__(self, to: Compiled, rules: tuple[Rule, ...], tenant: str) -> None:
        """Raises `InvalidApi`."""
        self._rules = Rules(rules)
        self._tenant = getter(tenant.removeprefix("$context.")) if tenant else None
        self._api, self._tokens = to.api.id, to.ports.tokens
        if self._rules.needs_key and self._tokens is None:
            raise InvalidApi("privacy: this process keeps no keys of tokens")

    async def at(self, body: bytes, media: str, ctx: Context) -> bytes:
        """The body as it may go on. Raises `Blocked`, `Unseen` and `GatewayError`."""
        key = await self._key(ctx) if self._rules.needs_key else None
        if len(body) > _OFF_THE_LOOP:
            return await asyncio.to_thread(self._rules.body, body, media, key)
        return self._rules.body(body, media, key)

    async def _key(self, ctx: Context) -> TokenKey:
        tenant = self._api if self._tenant is None else text(self._tenant(ctx))
        if not tenant:
            raise GatewayError("ACCESS_DENIED", detail="nobody is named by the policy's tenant")
        assert self._tokens is not None
        try:
            return self._tokens.known(tenant) or await self._tokens.of(tenant)
        except StoreUnavailable as error:
            raise GatewayError("DEFAULT_5XX", "Service Unavailable", status=503) from error


def request_gate(to: Compiled) -> Callable[[Context], Awaitable[None]] | None:
    """Looks into requests. Raises `InvalidApi`."""
    found = policy(to)
    if found is None or not found.request:
        return None
    looking = Looking(to, found.request, found.tenant)

    async def privacy(ctx: Context) -> None:
        body, headers = ctx.whole_body(), ctx.request.headers
        if not body:
            return
        if len(body) > LIMIT:
            raise GatewayError("REQUEST_TOO_LARGE", detail=f"over {LIMIT} bytes to look into")
        if _coded(headers):
            raise GatewayError("UNSUPPORTED_MEDIA_TYPE", detail="a coding hides the body")
        try:
            after = await looking.at(body, media_type(headers.get("content-type")), ctx)
        except Blocked as error:
            raise GatewayError("BAD_REQUEST_BODY", f"Request body refused: {error}") from None
        except Unseen as error:
            raise GatewayError("UNSUPPORTED_MEDIA_TYPE", detail=str(error)) from None
        if after is not body:
            ctx.body = after
            fresh = _without_old(headers)
            fresh.add("Content-Length", str(len(after)))
            ctx.request.headers = fresh

    return privacy


def response_step(to: Compiled) -> Callable[[Context, Reply], Awaitable[Reply]] | None:
    """Looks into replies of the backend. Raises `InvalidApi`."""
    found = policy(to)
    if found is None or not found.response:
        return None
    looking = Looking(to, found.response, found.tenant)
    _check_servable(to, found)

    async def seen(body: bytes, headers: Headers, ctx: Context) -> bytes:
        if _coded(headers):
            raise _withheld("a coding hides it")
        try:
            return await looking.at(body, media_type(headers.get("content-type")), ctx)
        except (Blocked, Unseen) as error:
            raise _withheld(str(error)) from None

    async def privacy_reply(ctx: Context, reply: Reply) -> Reply:
        try:
            body = await read(reply.body, LIMIT)
        except BodyTooLarge:
            raise _withheld(f"it is over {LIMIT} bytes") from None
        except (ConnectionError, TimeoutError) as error:
            raise GatewayError("INTEGRATION_FAILURE", status=502) from error
        reply.body = after = await seen(body, reply.headers, ctx) if body else b""
        if after is not body:
            reply.headers = _without_old(reply.headers)
        return reply

    return privacy_reply


def _check_servable(to: Compiled, given: Privacy) -> None:
    if to.method.integration.response_transfer_mode == "STREAM":
        raise InvalidApi("privacy: a response that is streamed cannot be looked into")
    of_tenant = any(rule.action in ("tokenise", "detokenise") for rule in given.response)
    if of_tenant and given.tenant and caching(to) is not None:
        raise InvalidApi(
            "privacy: kept answers cannot hold one tenant's tokens: switch caching off"
        )


def _coded(headers: Headers) -> bool:
    return any(each.lower() != "identity" for each in headers.all("content-encoding"))


def _without_old(headers: Headers) -> Headers:
    return Headers([item for item in headers.items if item[0].lower() not in _OLD])


def _withheld(why: str) -> GatewayError:
    return GatewayError("DEFAULT_5XX", f"Response withheld: {why}", status=502)
