"""Identity, access and refresh tokens, with the claims that Cognito's have.

Source: Cognito Developer Guide, "Understanding user pool JSON web tokens (JWTs)".
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from msgspec import Struct

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.claims import override, roles, shown_claims
from torana.services.cognito_idp.client_settings import USER_ADMIN, lifetime
from torana.services.cognito_idp.directory import (
    GROUP,
    Directory,
    Json,
    folded,
    key,
    now,
)
from torana.services.cognito_idp.faults import refused
from torana.services.cognito_idp.sessions import SESSION, Sessions, session_key
from torana.services.cognito_idp.signing import Signing, issuer
from torana.services.cognito_idp.triggers import Asking, Triggers
from torana.services.given import items, members
from torana.wire.faults import ServiceError

_RANK = 1 << 32
"""Of a group without a precedence: the last."""

Also = Callable[[Sheet, Json], Awaitable[None]]
"""What else is written, or refused, when tokens are given: the user's document is at hand."""


class Grant(Struct, frozen=True):
    """A sign-in that succeeded."""

    source: str
    """Of the trigger, such as `TokenGeneration_Authentication`."""
    auth_time: int
    origin: str
    scopes: tuple[str, ...] = (USER_ADMIN,)
    nonce: str | None = None
    hosted: bool = False
    """Through the pages."""


def granted(source: str, **fields: Any) -> Grant:
    """A sign-in of this moment."""
    return Grant(source, int(now()), str(uuid4()), **fields)


class Tokens:
    """Makes them."""

    def __init__(
        self, directory: Directory, signing: Signing, sessions: Sessions, triggers: Triggers
    ) -> None:
        self._directory, self._signing = directory, signing
        self._sessions, self._triggers = sessions, triggers

    async def open(
        self, asking: Asking, client: Json, user: Json, grant: Grant, also: Also | None = None
    ) -> Json:
        """Begin a session: an AuthenticationResult. Raises the service's errors."""
        result = await self._made(asking, client, user, grant)
        pool = asking.pool
        result["RefreshToken"], hashed = self._sessions.token(pool, user, grant.origin)
        name = folded(pool, user["username"])

        async def work(sheet: Sheet) -> None:
            fresh = await self._directory.find_user(sheet, pool, user["username"])
            if fresh is None or fresh["sub"] != user["sub"]:
                raise refused("User does not exist.")
            if also is not None:
                await also(sheet, fresh)
            session = {
                "client": client["ClientId"],
                "authTime": grant.auth_time,
                "expires": now() + lifetime(client, "RefreshToken"),
                "scopes": grant.scopes,
                "hosted": grant.hosted,
                "sealed": {"refresh": hashed},
            }
            sheet.put(SESSION, key(pool["Id"], name, grant.origin), session)

        await self._directory.book.edit(asking.call, work)
        return result

    async def refresh(
        self, asking: Asking, client: Json, token: str, *, rotates: bool
    ) -> tuple[Json, Grant]:
        """Fresh tokens for a refresh token. Raises the service's errors.

        `rotates`: a new refresh token comes along, where the client is set so.
        """
        pool, rotation = asking.pool, client.get("RefreshTokenRotation", {})
        turning = rotation.get("Feature") == "ENABLED"
        if turning and not rotates:
            raise refused("Refresh token rotation is enabled: use GetTokensFromRefreshToken")
        refresh, session = await self._directory.book.read(
            lambda sheet: self._sessions.find(sheet, client, token)
        )
        if not self._sessions.is_newest(session, refresh) and not (
            turning and self._sessions.was_just_before(session, refresh)
        ):
            await self._end(asking, session_key(refresh))
            raise ServiceError("RefreshTokenReuseException", "Refresh Token was used before")
        user = await self._directory.book.read(
            lambda sheet: self._directory.find_user(sheet, pool, refresh.user)
        )
        if user is None:
            raise refused("Invalid Refresh Token")
        if not user["enabled"]:
            raise refused("User is disabled.")
        grant = Grant(
            "TokenGeneration_RefreshTokens",
            session["authTime"],
            refresh.origin,
            tuple(session["scopes"]),
            hosted=session["hosted"],
        )
        result = await self._made(asking, client, user, grant)
        if turning:
            grace = rotation.get("RetryGracePeriodSeconds", 0)
            result["RefreshToken"] = await self._turn(asking, user, refresh, grace)
        return result, grant

    async def username_of(self, asking: Asking, client: Json, token: str) -> str:
        """Whose a refresh token is. Raises the service's errors."""

        async def work(sheet: Sheet) -> str:
            refresh, _ = await self._sessions.find(sheet, client, token)
            user = await self._directory.find_user(sheet, asking.pool, refresh.user)
            if user is None:
                raise refused("Invalid Refresh Token")
            return user["username"]

        return await self._directory.book.read(work)

    async def _turn(self, asking: Asking, user: Json, refresh: Any, grace: int) -> str:
        token, hashed = self._sessions.token(asking.pool, user, refresh.origin)

        async def work(sheet: Sheet) -> None:
            session = await sheet.get(SESSION, session_key(refresh))
            if session is None:
                raise refused("Refresh Token has been revoked")
            if not self._sessions.is_newest(
                session, refresh
            ) and not self._sessions.was_just_before(session, refresh):
                raise ServiceError("RefreshTokenReuseException", "Refresh Token was used before")
            session["beforeUntil"] = now() + grace
            session["sealed"] = {"refresh": hashed, "before": session["sealed"]["refresh"]}
            sheet.put(SESSION, session_key(refresh), session)

        await self._directory.book.edit(asking.call, work)
        return token

    async def _end(self, asking: Asking, id: str) -> None:
        async def work(sheet: Sheet) -> None:
            if await sheet.get(SESSION, id) is not None:
                sheet.delete(SESSION, id)

        await self._directory.book.edit(asking.call, work)

    async def _made(self, asking: Asking, client: Json, user: Json, grant: Grant) -> Json:
        pool = await self._signing.fresh(asking.call, asking.pool)
        groups = await self._directory.book.read(lambda sheet: self._groups(sheet, pool, user))
        identity, access = self._claims(asking, pool, client, user, grant, groups)
        await self._altered(asking, user, grant, identity, access)
        result = {
            "AccessToken": self._signing.sign(pool, access),
            "ExpiresIn": access["exp"] - access["iat"],
            "TokenType": "Bearer",
        }
        if not grant.hosted or "openid" in grant.scopes:
            result["IdToken"] = self._signing.sign(pool, identity)
        return result

    async def _groups(self, sheet: Sheet, pool: Json, user: Json) -> list[Json]:
        """By precedence."""
        found = [await sheet.get(GROUP, key(pool["Id"], name)) for name in user["groups"]]
        there = [each for each in found if each is not None]
        return sorted(there, key=lambda each: (each.get("Precedence", _RANK), each["GroupName"]))

    def _claims(
        self, asking: Asking, pool: Json, client: Json, user: Json, grant: Grant, groups: list[Json]
    ) -> tuple[Json, Json]:
        issued = int(now())
        both: Json = {"sub": user["sub"], "iss": issuer(pool)}
        if groups:
            both["cognito:groups"] = [each["GroupName"] for each in groups]
        if client["EnableTokenRevocation"]:
            both["origin_jti"] = grant.origin
        both |= {
            "event_id": asking.call.request_id,
            "auth_time": grant.auth_time,
            "iat": issued,
        }
        access = {
            **both,
            "client_id": client["ClientId"],
            "origin_jti": grant.origin,
            "token_use": "access",
            "scope": " ".join(grant.scopes),
            "exp": issued + lifetime(client, "AccessToken"),
            "jti": str(uuid4()),
            "username": user["username"],
        }
        identity = {
            **both,
            "aud": client["ClientId"],
            "cognito:username": user["username"],
            "token_use": "id",
            "exp": issued + lifetime(client, "IdToken"),
            "jti": str(uuid4()),
            **shown_claims(pool, client, user, grant.scopes if grant.hosted else ()),
            **roles(groups),
        }
        if grant.hosted:
            access["version"] = 2
        if grant.nonce is not None:
            identity["nonce"] = grant.nonce
        return identity, access

    async def _altered(
        self, asking: Asking, user: Json, grant: Grant, identity: Json, access: Json
    ) -> None:
        """What the pool's function makes of the claims."""
        if not self._triggers.has(asking.pool, "PreTokenGeneration"):
            return
        groups: list[str] = identity.get("cognito:groups", [])
        request: Json = {
            "userAttributes": {**user["profile"], "cognito:user_status": user["status"]},
            "groupConfiguration": {
                "groupsToOverride": groups,
                "iamRolesToOverride": identity.get("cognito:roles", []),
                "preferredRole": identity.get("cognito:preferred_role"),
            },
            "scopes": list(grant.scopes),
            "clientMetadata": dict(asking.metadata),
        }
        answer = {"claimsOverrideDetails": None, "claimsAndScopeOverrideDetails": None}
        said = await self._triggers.ask(
            asking, "PreTokenGeneration", grant.source, user["username"], request, answer
        )
        second = members(said, "claimsAndScopeOverrideDetails")
        first = members(said, "claimsOverrideDetails")
        override(identity, members(second, "idTokenGeneration") or first)
        given = members(second, "accessTokenGeneration")
        override(access, given)
        scopes = [*access["scope"].split(), *items(given, "scopesToAdd")]
        gone = items(given, "scopesToSuppress")
        access["scope"] = " ".join(each for each in dict.fromkeys(scopes) if each not in gone)
        changed = members(second or first, "groupOverrideDetails")
        for claims in (identity, access):
            if changed.get("groupsToOverride") is not None:
                claims["cognito:groups"] = changed["groupsToOverride"]
        if changed.get("iamRolesToOverride") is not None:
            identity["cognito:roles"] = changed["iamRolesToOverride"]
        if changed.get("preferredRole"):
            identity["cognito:preferred_role"] = changed["preferredRole"]

    async def for_client(self, asking: Asking, client: Json, scopes: tuple[str, ...]) -> Json:
        """An access token of the client itself."""
        pool = await self._signing.fresh(asking.call, asking.pool)
        issued = int(now())
        claims: Json = {
            "sub": client["ClientId"],
            "token_use": "access",
            "scope": " ".join(scopes),
            "auth_time": issued,
            "iss": issuer(pool),
            "exp": issued + lifetime(client, "AccessToken"),
            "iat": issued,
            "version": 2,
            "jti": secrets.token_hex(16),
            "client_id": client["ClientId"],
        }
        return {
            "access_token": self._signing.sign(pool, claims),
            "expires_in": claims["exp"] - issued,
            "token_type": "Bearer",
        }
