"""Who is signed in: one document for each sign-in, which its refresh token opens.

An access token holds for this service's own operations as long as its session is there.
Source: Cognito Developer Guide, "Refresh tokens" and "Ending user sessions with token revocation".
"""

import base64
import hashlib
import secrets
from typing import Any

import msgspec
from msgspec import Struct

from torana.auth import keys
from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.client_settings import USER_ADMIN
from torana.services.cognito_idp.clients import Own
from torana.services.cognito_idp.directory import (
    USER,
    Directory,
    Json,
    folded,
    key,
    now,
)
from torana.services.cognito_idp.faults import invalid, refused
from torana.services.cognito_idp.signing import Signing, pool_of
from torana.services.ports import Call
from torana.wire.faults import ServiceError

SESSION = "cognito-session"
"""Under `{pool}/{username}/{origin_jti}`."""


class Refresh(Struct, frozen=True, tag="cognito-refresh"):
    """What a refresh token holds, sealed."""

    pool: str
    user: str
    origin: str
    secret: str


class Holder(Struct, frozen=True):
    """Whose an access token is."""

    pool: Json
    user: Json
    claims: dict[str, Any]


class Sessions:
    """Opens and ends them."""

    def __init__(self, directory: Directory, signing: Signing, own: Own) -> None:
        self._directory, self._signing, self._own = directory, signing, own

    def token(self, pool: Json, user: Json, origin: str) -> tuple[str, str]:
        """A fresh refresh token, and what to keep of it."""
        secret = secrets.token_urlsafe(32)
        made = Refresh(pool["Id"], folded(pool, user["username"]), origin, secret)
        sealed = self._directory.seal.close(msgspec.json.encode(made))
        text = base64.urlsafe_b64encode(base64.b64decode(sealed)).decode()
        return text, _hash(secret)

    def read(self, token: str) -> Refresh:
        """Raises `ValueError` for what is no refresh token."""
        sealed = base64.b64encode(base64.urlsafe_b64decode(token)).decode()
        return msgspec.json.decode(self._directory.seal.open(sealed), type=Refresh)

    async def find(self, sheet: Sheet, client: Json, token: str) -> tuple[Refresh, Json]:
        """The session that a client's refresh token opens. Raises the service's errors."""
        try:
            refresh = self.read(token)
        except (ValueError, msgspec.MsgspecError):
            raise refused("Invalid Refresh Token") from None
        if refresh.pool != client["UserPoolId"]:
            raise refused("Invalid Refresh Token")
        found = await sheet.get(SESSION, session_key(refresh))
        if found is None:
            raise refused("Refresh Token has been revoked")
        if found["client"] != client["ClientId"]:
            raise refused("Invalid Refresh Token")
        if found["expires"] <= now():
            raise refused("Refresh Token has expired")
        return refresh, found

    def is_newest(self, session: Json, refresh: Refresh) -> bool:
        """Whether the token is the one given out last."""
        return keys.same(session["sealed"]["refresh"], _hash(refresh.secret))

    def was_just_before(self, session: Json, refresh: Refresh) -> bool:
        """Whether it is the one before, of which a client may not have got the successor."""
        before = session["sealed"].get("before")
        in_time = session.get("beforeUntil", 0) > now()
        return before is not None and in_time and keys.same(before, _hash(refresh.secret))

    async def holder(self, sheet: Sheet, token: str, scope: str = USER_ADMIN) -> Holder:
        """Whose an access token is that may be used for `scope`. Raises the service's errors."""
        pool_id = pool_of(token)
        try:
            pool = await self._directory.pool(sheet, pool_id)
        except ServiceError:
            raise refused("Invalid Access Token") from None
        claims = self._signing.read(pool, token, "Access Token")
        if claims.get("token_use") != "access" or "username" not in claims:
            raise refused("Invalid Access Token")
        name = folded(pool, claims["username"])
        session = key(pool["Id"], name, str(claims.get("origin_jti")))
        user = await sheet.get(USER, key(pool["Id"], name))
        if user is None or user["sub"] != claims["sub"]:
            raise refused("Invalid Access Token")
        if await sheet.get(SESSION, session) is None:
            raise refused("Access Token has been revoked")
        if not user["enabled"]:
            raise refused("User is disabled.")
        if scope not in str(claims.get("scope", "")).split():
            raise refused("Access Token does not have required scopes")
        return Holder(pool, user, claims)

    async def end_all(self, sheet: Sheet, pool: Json, user: Json) -> None:
        """Nothing that the user holds is worth anything any more."""
        prefix = f"{key(pool['Id'], folded(pool, user['username']))}/"
        async for id, _ in sheet.scan(SESSION, prefix):
            sheet.delete(SESSION, id)

    async def GlobalSignOut(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            holder = await self.holder(sheet, params["AccessToken"])
            await self.end_all(sheet, holder.pool, holder.user)
            holder.user["signedOut"] = now()
            self._directory.put_user(sheet, holder.pool, holder.user)
            return {}

        return await self._directory.book.edit(call, work)

    async def AdminUserGlobalSignOut(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            user = await self._directory.user(sheet, pool, params["Username"])
            await self.end_all(sheet, pool, user)
            user["signedOut"] = now()
            self._directory.put_user(sheet, pool, user)
            return {}

        return await self._directory.book.edit(call, work)

    async def RevokeToken(self, call: Call, params: Json) -> Json:
        """A refresh token, and with it the access tokens of its session."""
        if params.get("RevokeAssociatedSessions", "NONE") != "NONE":
            raise invalid("RevokeAssociatedSessions LINKED is not supported here")

        async def work(sheet: Sheet) -> Json:
            _, client = await self._directory.client_of(sheet, params["ClientId"])
            if not self._own.is_secret(client, params.get("ClientSecret") or ""):
                raise ServiceError("UnauthorizedException", "Invalid client secret")
            await self.revoke(sheet, client, params["Token"])
            return {}

        return await self._directory.book.edit(call, work)

    async def revoke(self, sheet: Sheet, client: Json, token: str) -> None:
        """End the session of a refresh token; one that is over already stays so. Raises the
        service's errors."""
        if not client["EnableTokenRevocation"]:
            raise ServiceError(
                "UnsupportedOperationException", "Revocation is not enabled for this client"
            )
        try:
            refresh = self.read(token)
        except (ValueError, msgspec.MsgspecError):
            if token.count(".") == 2:
                raise ServiceError(
                    "UnsupportedTokenTypeException", "Unsupported token type"
                ) from None
            raise invalid("Invalid token") from None
        found = await sheet.get(SESSION, session_key(refresh))
        if found is not None and found["client"] != client["ClientId"]:
            raise ServiceError("UnauthorizedException", "The token was given to another client")
        if found is not None:
            sheet.delete(SESSION, session_key(refresh))


def session_key(refresh: Refresh) -> str:
    """The id of a session's document."""
    return key(refresh.pool, refresh.user, refresh.origin)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
