"""`COGNITO_USER_POOLS`: a token of a user pool, or of whatever issuer stands for one.

Source: Developer Guide, "Control access to REST APIs using Amazon Cognito user pools as an
authorizer": without scopes the token is an identity token; with scopes it is an access token that
needs one of them.
"""

import time
from collections.abc import Sequence
from typing import Any

from torana.auth.jwt import BadToken, Claims
from torana.gateway.authorizer_settings import settings_of, validation
from torana.gateway.contract import Authorizer, Compiled, Context, Principal
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.issuers import Issuer, IssuerAway, Pool
from torana.gateway.mapping import request_source
from torana.model import rest

_DATES = ("exp", "iat")


def build(to: Compiled) -> Authorizer:
    """Resolves the pools once. Raises `InvalidApi`."""
    settings = settings_of(to)
    pools = _pools(to, settings)
    source = request_source(settings.identity_source or "method.request.header.Authorization")
    valid = validation(settings)
    scopes = frozenset(to.method.authorization_scopes)
    use = "access" if scopes else "id"

    async def cognito(ctx: Context) -> Principal:
        value = source(ctx)
        text = value if isinstance(value, str) else ""
        token = text[7:].strip() if text[:7].lower() == "bearer " else text.strip()
        if not token:
            raise GatewayError("UNAUTHORIZED")
        claims = await _claims(pools, token)
        if claims.get("token_use", use) != use:
            raise GatewayError("UNAUTHORIZED", detail=f"the token is no {use} token")
        if scopes and scopes.isdisjoint(_scopes(claims)):
            raise GatewayError("UNAUTHORIZED", detail="the token has none of the method's scopes")
        if valid is not None and not any(valid.fullmatch(each) for each in _audience(claims)):
            raise GatewayError("UNAUTHORIZED", detail="the token is for another client")
        shown = {name: _text(name, each) for name, each in claims.items()}
        return Principal(str(claims.get("sub", "")), {"claims": shown})

    return cognito


def _pools(to: Compiled, settings: rest.Authorizer) -> Sequence[tuple[Pool, Issuer]]:
    try:
        pools = [to.ports.issuers.pool(arn) for arn in settings.provider_arns]
    except ValueError as error:
        raise InvalidApi(f"authorizer {settings.name}: {error}") from None
    if not pools:
        raise InvalidApi(f"authorizer {settings.name}: it names no user pool")
    return [(pool, to.ports.issuers.issuer(pool.issuer)) for pool in pools]


async def _claims(pools: Sequence[tuple[Pool, Issuer]], token: str) -> Claims:
    """By the first pool that vouches for the token. Raises `GatewayError`."""
    refused: BadToken | None = None
    for pool, issuer in pools:
        try:
            claims = await issuer.verify(token)
        except BadToken as error:
            if refused is None or error.kind == "expired":
                refused = error
            continue
        except IssuerAway as error:
            raise GatewayError("AUTHORIZER_FAILURE", detail=str(error)) from error
        if pool.audience and not set(pool.audience) & set(_audience(claims)):
            refused = BadToken("refused", "the token is for another client")
            continue
        return claims
    assert refused is not None
    if refused.kind == "expired":
        raise GatewayError("UNAUTHORIZED", "The incoming token has expired")
    raise GatewayError("UNAUTHORIZED", detail=str(refused))


def _audience(claims: Claims) -> list[str]:
    """The clients that a token is for: access tokens of Cognito name theirs apart."""
    found: Any = claims.get("aud", claims.get("client_id", ()))
    return [found] if isinstance(found, str) else [str(each) for each in found]


def _scopes(claims: Claims) -> list[str]:
    found: Any = claims.get("scope", claims.get("scp", ""))
    return found.split() if isinstance(found, str) else [str(each) for each in found]


def _text(name: str, value: Any) -> str:
    """A claim as the service hands it on: text, times spelled out, lists joined."""
    if name in _DATES and isinstance(value, int | float):
        return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(str(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)
