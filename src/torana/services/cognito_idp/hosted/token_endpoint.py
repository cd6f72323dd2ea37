"""`/oauth2/token`, `/oauth2/revoke` and `/oauth2/userInfo`: for apps, not for people.

Source: RFC 6749, 4.1.3, 4.4, 5 and 6; RFC 7009; OpenID Connect Core 1.0, 5.3; Cognito's "Token
endpoint".
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote_plus
from uuid import uuid4

import msgspec

from torana.message import Headers, Reply
from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.claims import shown_claims
from torana.services.cognito_idp.codes import BadCode, Codes
from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.hosted.visit import Visit
from torana.services.cognito_idp.tokens import Grant
from torana.services.cognito_idp.triggers import Asking
from torana.services.given import items
from torana.wire.faults import ServiceError


class Refused(Exception):
    """An error of the endpoint, by its OAuth name."""

    def __init__(self, error: str, why: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.error, self.why, self.status = error, why, status


class TokenEndpoint:
    """Answers apps."""

    def __init__(self, idp: CognitoIdp, codes: Codes) -> None:
        self._idp, self._codes = idp, codes

    async def token(self, visit: Visit) -> Reply:
        """Tokens for a code, a refresh token, or the client itself."""
        try:
            _only_forms(visit)
            grant = visit.form.get("grant_type", "")
            if grant not in _GRANTS:
                raise Refused("unsupported_grant_type")
            client = await self._client(visit)
            return answered(await _GRANTS[grant](self, visit, client))
        except Refused as refused:
            return _refusal(refused)
        except BadCode as bad:
            return _refusal(Refused("invalid_grant", str(bad)))
        except ServiceError as error:
            if error.code == "NotAuthorizedException" or error.code.startswith("Refresh"):
                return _refusal(Refused("invalid_grant", error.message))
            return _refusal(Refused("invalid_request", error.message))

    async def _client(self, visit: Visit) -> Json:
        """Which client asks: with its secret if it has one. Raises `Refused`."""
        id, secret = _basic(visit) or (
            visit.form.get("client_id", ""),
            visit.form.get("client_secret", ""),
        )
        if visit.form.get("client_id", id) != id:
            raise Refused("invalid_request", "client_id is given twice, and differs")

        async def find(sheet: Sheet) -> Json:
            return await self._idp.directory.client(sheet, visit.pool["Id"], id)

        try:
            client = await self._idp.directory.book.read(find)
        except ServiceError:
            raise Refused("invalid_client") from None
        if not self._idp.own.is_secret(client, secret):
            raise Refused("invalid_client")
        return client

    async def by_code(self, visit: Visit, client: Json) -> Json:
        """Of somebody who has signed in."""
        form, origin = visit.form, str(uuid4())
        taken = await self._codes.take(
            visit.call("Token"),
            client,
            form.get("code", ""),
            form.get("redirect_uri", ""),
            form.get("code_verifier", ""),
            origin,
        )
        grant = Grant(
            "TokenGeneration_HostedAuth",
            taken["authTime"],
            origin,
            tuple(taken["scopes"]),
            taken["nonce"],
            hosted=True,
        )
        asking = self._asking(visit, client)
        return _named(await self._idp.tokens.open(asking, client, taken["user"], grant))

    async def by_refresh(self, visit: Visit, client: Json) -> Json:
        """Of a session that is there."""
        token = visit.form.get("refresh_token", "")
        asking = self._asking(visit, client)
        result, _ = await self._idp.tokens.refresh(asking, client, token, rotates=True)
        return _named(result)

    async def by_client(self, visit: Visit, client: Json) -> Json:
        """Of the client itself."""
        allowed = items(client, "AllowedOAuthScopes")
        if "client_credentials" not in items(client, "AllowedOAuthFlows"):
            raise Refused("unauthorized_client")
        asked = tuple(dict.fromkeys(visit.form.get("scope", "").split())) or tuple(allowed)
        if not set(asked) <= set(allowed):
            raise Refused("invalid_scope")
        return await self._idp.tokens.for_client(self._asking(visit, client), client, asked)

    def _asking(self, visit: Visit, client: Json) -> Asking:
        return Asking(visit.call("Token"), visit.pool, client["ClientId"], {})

    async def revoke(self, visit: Visit) -> Reply:
        """End the session of a refresh token."""
        try:
            _only_forms(visit)
            client = await self._client(visit)
            token = visit.form.get("token", "")

            async def work(sheet: Sheet) -> None:
                await self._idp.sessions.revoke(sheet, client, token)

            await self._idp.directory.book.edit(visit.call("RevokeToken"), work)
        except Refused as refused:
            return _refusal(refused)
        except ServiceError as error:
            kind = "unsupported_token_type" if error.code.startswith("Unsupported") else ""
            return _refusal(Refused(kind or "invalid_request", error.message))
        return Reply(200, Headers(list(_PLAIN)))

    async def user_info(self, visit: Visit) -> Reply:
        """What an access token with `openid` lets an app know of its user."""
        scheme, _, token = (visit.request.headers.get("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _unknown("invalid_request", 400)

        async def work(sheet: Sheet) -> Json:
            holder = await self._idp.sessions.holder(sheet, token.strip(), "openid")
            if holder.pool["Id"] != visit.pool["Id"]:
                raise ServiceError("NotAuthorizedException", "another pool's")
            client = await self._idp.directory.client(
                sheet, holder.pool["Id"], holder.claims["client_id"]
            )
            scopes = tuple(str(holder.claims["scope"]).split())
            shown = shown_claims(holder.pool, client, holder.user, scopes)
            claims = {name: _text(value) for name, value in shown.items()}
            return {"sub": holder.user["sub"], **claims, "username": holder.user["username"]}

        try:
            return answered(await self._idp.directory.book.read(work))
        except ServiceError:
            return _unknown("invalid_token", 401)


_GRANTS: Mapping[str, Callable[[TokenEndpoint, Visit, Json], Awaitable[Json]]] = {
    "authorization_code": TokenEndpoint.by_code,
    "refresh_token": TokenEndpoint.by_refresh,
    "client_credentials": TokenEndpoint.by_client,
}
_NOT_LET_IN = frozenset({"invalid_client", "invalid_grant", "unauthorized_client"})
_PLAIN = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
_NAMES = {
    "IdToken": "id_token",
    "AccessToken": "access_token",
    "RefreshToken": "refresh_token",
    "ExpiresIn": "expires_in",
    "TokenType": "token_type",
}


def _named(result: Json) -> Json:
    return {_NAMES[name]: value for name, value in result.items()}


def _text(value: object) -> object:
    """Truth values are texts here, unlike in tokens."""
    return str(value).lower() if isinstance(value, bool) else value


def _only_forms(visit: Visit) -> None:
    kind = (visit.request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if visit.request.method != "POST" or kind != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", "a form is wanted, sent with POST")


def _basic(visit: Visit) -> tuple[str, str] | None:
    """A client's id and secret in the Authorization header. Raises `Refused`."""
    header = visit.request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refused("invalid_client") from None
    if scheme.lower() != "basic" or ":" not in text:
        raise Refused("invalid_client")
    id, _, secret = text.partition(":")
    return unquote_plus(id), unquote_plus(secret)


def answered(value: Json, status: int = 200) -> Reply:
    """As JSON that nobody keeps."""
    fields = [("Content-Type", "application/json;charset=UTF-8"), *_PLAIN]
    return Reply(status, Headers(fields), msgspec.json.encode(value))


def _refusal(refused: Refused) -> Reply:
    said = {"error": refused.error}
    if refused.why:
        said["error_description"] = refused.why
    reply = answered(said, refused.status)
    if refused.error in _NOT_LET_IN:
        reply.denied = f"{refused.error}: {refused.why}"
    return reply


def _unknown(error: str, status: int) -> Reply:
    reply = answered({"error": error}, status)
    reply.headers.add("WWW-Authenticate", f'Bearer error="{error}"')
    return reply
