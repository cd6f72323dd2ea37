"""Who the tokens of logins are of: users of pools of this gateway, and those that OpenID Connect
providers of IAM vouch for.

Source: Cognito Developer Guide, "Identity pools third-party identity providers".
"""

from typing import Any

from msgspec import Struct

from torana.auth.jwt import BadToken
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.directory import USER, Json, folded, key
from torana.services.cognito_idp.faults import refused
from torana.services.cognito_idp.sessions import SESSION
from torana.services.given import items
from torana.services.iam.directory import Directory as Iam
from torana.services.sts import Verify
from torana.wire.faults import ServiceError


class Login(Struct, frozen=True):
    """A token that holds."""

    provider: str
    subject: str
    audience: str
    claims: dict[str, Any]


class Logins:
    """Judges tokens."""

    def __init__(self, idp: CognitoIdp, iam: Iam, verify: Verify) -> None:
        self._idp, self._iam, self._verify = idp, iam, verify

    async def judged(self, pool: Json, given: dict[str, str]) -> list[Login]:
        """What tokens by their providers' names say. Raises the service's errors."""
        return [await self._one(pool, name, token) for name, token in given.items()]

    async def _one(self, pool: Json, name: str, token: str) -> Login:
        clients = [
            each for each in items(pool, "CognitoIdentityProviders") if each["ProviderName"] == name
        ]
        if clients:
            return await self._of_user_pool(clients, name, token)
        for arn in items(pool, "OpenIdConnectProviderARNs"):
            provider = self._iam.provider(arn)
            if provider is not None and provider["Url"] == name:
                return await self._of_provider(provider, name, token)
        raise refused("Token is not from a supported provider of this identity pool.")

    async def _of_user_pool(self, clients: list[Json], name: str, token: str) -> Login:
        idp = self._idp
        try:
            pool = await idp.directory.book.read(
                lambda sheet: idp.directory.pool(sheet, name.partition("/")[2])
            )
            claims = idp.signing.read(pool, token, "ID Token")
        except ServiceError as error:
            raise refused(f"Invalid login token. {error.message}") from None
        audience = str(claims.get("aud", ""))
        fits = [each for each in clients if each["ClientId"] == audience]
        if claims.get("token_use") != "id" or not fits:
            raise refused("Invalid login token. Incorrect token audience.")
        if fits[0].get("ServerSideTokenCheck"):
            await self._still_there(pool, claims)
        return Login(name, str(claims["sub"]), audience, claims)

    async def _still_there(self, pool: Json, claims: Json) -> None:
        """Whether the user is signed in still. Raises the service's error."""
        store, name = self._idp.directory.book.store, folded(pool, claims["cognito:username"])
        session = key(pool["Id"], name, str(claims.get("origin_jti")))
        user = await store.get(USER, key(pool["Id"], name))
        if user is None or await store.get(SESSION, session) is None:
            raise refused("Invalid login token. The token was revoked.")

    async def _of_provider(self, provider: Json, name: str, token: str) -> Login:
        try:
            claims = await self._verify(f"{provider['Scheme']}://{name}", token)
        except BadToken as error:
            raise refused(f"Invalid login token. {error}") from None
        except ConnectionError as error:
            raise ServiceError("ExternalServiceException", str(error)) from None
        given: Any = claims.get("aud")
        audience: list[str] = [given] if isinstance(given, str) else list(given or ())
        fits = [each for each in audience if each in provider["Clients"]]
        if not fits or not claims.get("sub"):
            raise refused("Invalid login token. Incorrect token audience.")
        return Login(name, str(claims["sub"]), fits[0], claims)
