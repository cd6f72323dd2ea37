"""`JWT`: a token of an OpenID Connect issuer, for one of the audiences, with one of the scopes.

Source: Developer Guide, "Control access to HTTP APIs with JWT authorizers in API Gateway".
"""

from typing import Any

import msgspec

from torana.auth.jwt import BadToken, Claims
from torana.gateway.contract import Authorizer, Context, Principal
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.http_api.refuse import Challenged
from torana.gateway.http_api.sources import source
from torana.gateway.issuers import IssuerAway


def build(to: HttpCompiled) -> Authorizer:
    """Resolves the issuer once. Raises `InvalidApi`."""
    settings = to.authorizer
    if settings is None or settings.jwt_configuration is None or not settings.identity_source:
        raise InvalidApi("authorization type JWT needs a JWT authorizer")
    issuer = to.ports.issuers.issuer(settings.jwt_configuration.issuer)
    audience = frozenset(settings.jwt_configuration.audience)
    find = source(settings.identity_source[0], reply=False)
    wanted = to.route.authorization_scopes

    async def jwt(ctx: Context) -> Principal:
        value = (find(ctx, None) or "").strip()
        token = value[7:].strip() if value[:7].lower() == "bearer " else value
        if not token:
            raise Challenged("UNAUTHORIZED", "Bearer")
        try:
            claims = await issuer.verify(token)
        except BadToken as error:
            why = "the token has expired" if error.kind == "expired" else str(error)
            raise _invalid(why) from error
        except IssuerAway as error:
            raise GatewayError("AUTHORIZER_FAILURE", detail=str(error)) from error
        if audience.isdisjoint(_audience(claims)):
            raise _invalid("the token does not have a valid audience")
        scopes = _scopes(claims)
        if wanted and not set(wanted) & set(scopes):
            said = f'Bearer scope="{" ".join(wanted)}" error="insufficient_scope"'
            why = "the token does not have sufficient scope"
            raise Challenged("ACCESS_DENIED", f'{said} error_description="{why}"', why)
        shown = {name: _text(each) for name, each in claims.items()}
        context = {"claims": shown, "scopes": scopes if wanted else None}
        return Principal(str(claims.get("sub", "")), context)

    return jwt


def _invalid(why: str) -> Challenged:
    shown = why.replace("\\", "").replace('"', "'")[:200]
    said = 'Bearer scope="" error="invalid_token"'
    return Challenged("UNAUTHORIZED", f'{said} error_description="{shown}"', why)


def _audience(claims: Claims) -> list[str]:
    """`client_id` stands for it where a token has none, as access tokens of Cognito do."""
    found: Any = claims.get("aud") or claims.get("client_id") or ()
    return [found] if isinstance(found, str) else [str(each) for each in found]


def _scopes(claims: Claims) -> list[str]:
    found: Any = claims.get("scope") or claims.get("scp") or ""
    return found.split() if isinstance(found, str) else [str(each) for each in found]


def _text(value: Any) -> str:
    """A claim as the service hands it on: text, and lists in brackets."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(str(each) for each in value)}]"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return str(value)
