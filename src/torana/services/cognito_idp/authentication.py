"""The operations that sign in, for users and for administrators.

Source: Cognito user pools API Reference.
"""

from collections.abc import Awaitable, Callable, Mapping

from torana.services.cognito_idp.clients import Own, allows
from torana.services.cognito_idp.directory import Directory, Json
from torana.services.cognito_idp.faults import invalid, missing, refused, unsupported
from torana.services.cognito_idp.sign_in import SignIn
from torana.services.cognito_idp.steps import Step
from torana.services.cognito_idp.tokens import Tokens
from torana.services.cognito_idp.triggers import Asking
from torana.services.given import members
from torana.services.ports import Call

_FLOWS: Mapping[str, tuple[str, Callable[[SignIn, Step], Awaitable[Json]]]] = {
    "USER_SRP_AUTH": ("USER_SRP_AUTH", SignIn.by_srp),
    "USER_PASSWORD_AUTH": ("USER_PASSWORD_AUTH", SignIn.by_password),
    "ADMIN_USER_PASSWORD_AUTH": ("ADMIN_USER_PASSWORD_AUTH", SignIn.by_password),
    "ADMIN_NO_SRP_AUTH": ("ADMIN_USER_PASSWORD_AUTH", SignIn.by_password),
    "USER_AUTH": ("USER_AUTH", SignIn.by_choice),
    "CUSTOM_AUTH": ("CUSTOM_AUTH", SignIn.by_function),
    "REFRESH_TOKEN_AUTH": ("REFRESH_TOKEN_AUTH", SignIn.by_refresh),
    "REFRESH_TOKEN": ("REFRESH_TOKEN_AUTH", SignIn.by_refresh),
}
_FOR_ADMINS = ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH")
_NOT_FOR_ADMINS = ("USER_PASSWORD_AUTH",)
_FIRST: Mapping[str, Callable[[SignIn, Step], Awaitable[Json]]] = {
    "PASSWORD_VERIFIER": SignIn.prove,
    "NEW_PASSWORD_REQUIRED": SignIn.new_password,
    "SELECT_CHALLENGE": SignIn.choose,
    "PASSWORD": SignIn.password_chosen,
    "PASSWORD_SRP": SignIn.srp_chosen,
}
_LATER = (
    "SOFTWARE_TOKEN_MFA",
    "SMS_MFA",
    "EMAIL_OTP",
    "SMS_OTP",
    "SELECT_MFA_TYPE",
    "MFA_SETUP",
    "CUSTOM_CHALLENGE",
)


class Authentication:
    """The operations."""

    def __init__(self, directory: Directory, sign_in: SignIn, tokens: Tokens, own: Own) -> None:
        self._directory, self._sign_in = directory, sign_in
        self._tokens, self._own = tokens, own

    async def InitiateAuth(self, call: Call, params: Json) -> Json:
        if params["AuthFlow"] in _FOR_ADMINS:
            raise invalid(f"{params['AuthFlow']} is not allowed without developer credentials")
        return await self._initiate(call, params)

    async def AdminInitiateAuth(self, call: Call, params: Json) -> Json:
        if params["AuthFlow"] in _NOT_FOR_ADMINS:
            raise invalid("Initiate Auth method not supported.")
        return await self._initiate(call, params)

    async def RespondToAuthChallenge(self, call: Call, params: Json) -> Json:
        return await self._respond(call, params)

    async def AdminRespondToAuthChallenge(self, call: Call, params: Json) -> Json:
        return await self._respond(call, params)

    async def _initiate(self, call: Call, params: Json) -> Json:
        asking, client = await self._asking(call, params)
        known = _FLOWS.get(params["AuthFlow"])
        if known is None:
            raise unsupported(f"AuthFlow {params['AuthFlow']}")
        flow, begin = known
        if not allows(client, flow):
            raise invalid(
                "Auth flow not enabled for this client"
                if flow != "USER_PASSWORD_AUTH"
                else "USER_PASSWORD_AUTH flow not enabled for this client"
            )
        given = members(params, "AuthParameters")
        if given.get("DEVICE_KEY"):
            raise unsupported("DEVICE_KEY (device tracking)")
        return await begin(self._sign_in, Step(asking, client, given))

    async def _respond(self, call: Call, params: Json) -> Json:
        asking, client = await self._asking(call, params)
        given, name = members(params, "ChallengeResponses"), params["ChallengeName"]
        if given.get("DEVICE_KEY"):
            raise unsupported("DEVICE_KEY (device tracking)")
        step = Step(asking, client, given, params.get("Session") or "")
        return await self.answer(step, name)

    async def answer(self, step: Step, name: str) -> Json:
        """Go on behind a challenge. Raises the service's errors."""
        if name in _FIRST:
            return await _FIRST[name](self._sign_in, step)
        if name not in _LATER:
            raise unsupported(f"ChallengeName {name}")
        return await self._sign_in.answered(step, name)

    async def _asking(self, call: Call, params: Json) -> tuple[Asking, Json]:
        """Raises the service's errors; a client belongs to the pool that is named, if one is."""
        pool, client = await self._directory.book.read(
            lambda sheet: self._directory.client_of(sheet, params["ClientId"])
        )
        if params.get("UserPoolId", pool["Id"]) != pool["Id"]:
            raise missing(f"User pool client {params['ClientId']} does not exist.")
        metadata = members(params, "ClientMetadata")
        return Asking(call, pool, client["ClientId"], metadata), client

    async def GetTokensFromRefreshToken(self, call: Call, params: Json) -> Json:
        """Unlike REFRESH_TOKEN_AUTH it may give out another refresh token, too."""
        if params.get("DeviceKey"):
            raise unsupported("DeviceKey (device tracking)")
        asking, client = await self._asking(call, params)
        if not self._own.is_secret(client, params.get("ClientSecret") or ""):
            raise refused(f"Unable to verify secret for client {client['ClientId']}")
        token = params["RefreshToken"]
        result, _ = await self._tokens.refresh(asking, client, token, rotates=True)
        return {"AuthenticationResult": result}
