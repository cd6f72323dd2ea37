"""Setting up second factors: authenticator apps, and which factor is asked for.

Source: Cognito user pools API Reference.
"""

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.attempts import Attempts
from torana.services.cognito_idp.challenges import Challenge, Challenges
from torana.services.cognito_idp.directory import Directory, Json
from torana.services.cognito_idp.faults import invalid, refused, unsupported
from torana.services.cognito_idp.pool_settings import factors
from torana.services.cognito_idp.second_factors import SENT, new_secret, period_of
from torana.services.cognito_idp.sessions import Sessions
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_APP = "SOFTWARE_TOKEN_MFA"
_SETTINGS = {
    "SMSMfaSettings": "SMS_MFA",
    "SoftwareTokenMfaSettings": _APP,
    "EmailMfaSettings": "EMAIL_OTP",
}


class Mfa:
    """The operations. Who sets up an app has an access token, or the session of an `MFA_SETUP`."""

    def __init__(
        self, directory: Directory, sessions: Sessions, challenges: Challenges, attempts: Attempts
    ) -> None:
        self._directory, self._sessions = directory, sessions
        self._challenges, self._attempts = challenges, attempts
        self._book = directory.book

    async def _find(self, sheet: Sheet, params: Json) -> tuple[Json, Json, Challenge | None]:
        if params.get("AccessToken"):
            holder = await self._sessions.holder(sheet, params["AccessToken"])
            return holder.pool, holder.user, None
        if not params.get("Session"):
            raise invalid("Either an access token or a session is required")
        challenge = self._challenges.peek(params["Session"], "MFA_SETUP")
        pool = await self._directory.pool(sheet, challenge.pool)
        user = await self._directory.find_user(sheet, pool, challenge.user)
        # Who has an app already signs in with it before it may have another.
        if user is None or user["sub"] != challenge.sub or "totp" in user["sealed"]:
            raise refused("Invalid session for the user.")
        return pool, user, challenge

    async def AssociateSoftwareToken(self, call: Call, params: Json) -> Json:
        """The app that is there already goes on until the new one is verified."""
        secret = new_secret()

        async def work(sheet: Sheet) -> Challenge | None:
            pool, user, challenge = await self._find(sheet, params)
            if _APP not in factors(pool):
                raise ServiceError(
                    "SoftwareTokenMFANotFoundException",
                    "Software Token MFA is not enabled for the user pool.",
                )
            self._directory.close(user, "totp:new", secret)
            self._directory.put_user(sheet, pool, user)
            return challenge

        challenge = await self._book.edit(call, work)
        answer: Json = {"SecretCode": secret}
        if challenge is not None:
            answer["Session"] = self._challenges.seal(challenge)
        return answer

    async def VerifySoftwareToken(self, call: Call, params: Json) -> Json:
        pool, user, challenge = await self._book.read(lambda sheet: self._find(sheet, params))
        if "totp:new" not in user["sealed"]:
            raise invalid("There is no software token to verify: call AssociateSoftwareToken")
        async with self._attempts.one(pool, user, user["username"], "factor") as attempt:
            at = period_of(self._directory.opened(user, "totp:new"), params["UserCode"])
            attempt.right = at is not None
        if at is None:
            raise ServiceError("EnableSoftwareTokenMFAException", "Code mismatch")
        if challenge is not None:
            await self._challenges.spend(challenge)

        async def work(sheet: Sheet) -> Challenge | None:
            found, fresh, challenge = await self._find(sheet, params)
            if fresh["sealed"].get("totp:new") != user["sealed"]["totp:new"]:
                raise invalid("There is another software token meanwhile")
            fresh["sealed"]["totp"] = fresh["sealed"].pop("totp:new")
            fresh["period"] = at
            if challenge is not None and _APP not in fresh["factors"]:
                fresh["factors"].append(_APP)
                fresh["preferred"] = _APP
            self._directory.put_user(sheet, found, fresh)
            return challenge

        challenge = await self._book.edit(call, work)
        answer: Json = {"Status": "SUCCESS"}
        if challenge is not None:
            answer["Session"] = self._challenges.verified(challenge)
        return answer

    async def SetUserMFAPreference(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            holder = await self._sessions.holder(sheet, params["AccessToken"])
            _prefer(holder.pool, holder.user, params)
            self._directory.put_user(sheet, holder.pool, holder.user)
            return {}

        return await self._book.edit(call, work)

    async def AdminSetUserMFAPreference(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            user = await self._directory.user(sheet, pool, params["Username"])
            _prefer(pool, user, params)
            self._directory.put_user(sheet, pool, user)
            return {}

        return await self._book.edit(call, work)

    async def AdminDeleteSoftwareToken(self, call: Call, params: Json) -> Json:
        """For a user that has lost its telephone."""

        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            user = await self._directory.user(sheet, pool, params["Username"])
            for name in ("totp", "totp:new"):
                user["sealed"].pop(name, None)
            user["factors"] = [each for each in user["factors"] if each != _APP]
            if user.get("preferred") == _APP:
                del user["preferred"]
            self._directory.put_user(sheet, pool, user)
            return {}

        return await self._book.edit(call, work)


def _prefer(pool: Json, user: Json, params: Json) -> None:
    """Raises the service's error for factors that the user cannot have."""
    if params.get("WebAuthnMfaSettings"):
        raise unsupported("WebAuthnMfaSettings (passkeys)")
    for name, factor in _SETTINGS.items():
        wanted = params.get(name)
        if wanted is None:
            continue
        on, preferred = wanted.get("Enabled", False), wanted.get("PreferredMfa", False)
        if on:
            _check(pool, user, factor)
        if preferred and not on:
            raise invalid(f"{factor} must be enabled to be preferred")
        user["factors"] = [each for each in user["factors"] if each != factor]
        if user.get("preferred") == factor:
            del user["preferred"]
        if on:
            user["factors"].append(factor)
        if preferred:
            if user.get("preferred"):
                raise invalid("Only one MFA method can be preferred")
            user["preferred"] = factor


def _check(pool: Json, user: Json, factor: str) -> None:
    if factor == _APP:
        if "totp" not in user["sealed"]:
            raise invalid("User has not verified software token mfa")
        return
    if not user["profile"].get(SENT[factor]):
        raise invalid(f"User does not have {SENT[factor]}, which {factor} needs")
    if factor not in factors(pool):
        raise invalid(f"{factor} is not configured for the user pool")
