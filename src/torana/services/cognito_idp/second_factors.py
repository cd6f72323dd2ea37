"""What comes after the password: a second factor, where one is wanted, then tokens.

Source: Cognito Developer Guide, "Adding MFA to a user pool"; RFC 6238.
"""

import base64
import hmac
import secrets

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from torana.auth import keys
from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.attempts import Attempts
from torana.services.cognito_idp.challenges import Challenge, Challenges
from torana.services.cognito_idp.directory import USER, Directory, Json, now, user_key
from torana.services.cognito_idp.faults import invalid, refused
from torana.services.cognito_idp.messages import Messages, new_code
from torana.services.cognito_idp.pool_settings import factors
from torana.services.cognito_idp.steps import Step
from torana.services.cognito_idp.tokens import Also, Tokens, granted
from torana.services.cognito_idp.triggers import Triggers
from torana.wire.faults import ServiceError

WRONG = "Invalid code or auth state for the user."
_PERIOD = 30
_AWAY = (0, -1, 1)
"""Periods that a telephone's clock may be away from ours."""
SENT = {"SMS_MFA": "phone_number", "EMAIL_OTP": "email"}
"""Factors that are codes in messages, and where those go."""


class SecondFactors:
    """Asks for them, judges them, and lets in."""

    def __init__(
        self,
        directory: Directory,
        attempts: Attempts,
        challenges: Challenges,
        messages: Messages,
        tokens: Tokens,
        triggers: Triggers,
    ) -> None:
        self._directory, self._attempts, self._challenges = directory, attempts, challenges
        self._messages, self._tokens, self._triggers = messages, tokens, triggers

    async def next(self, step: Step, user: Json) -> Json:
        """A challenge, or tokens."""
        there, wanted = usable(step.asking.pool, user), user.get("preferred")
        if wanted in there:
            return await self._ask(step, user, wanted)
        if len(there) == 1:
            return await self._ask(step, user, there[0])
        if there:
            answer = self._asked("SELECT_MFA_TYPE", step, user)
            shown = ",".join(f'"{each}"' for each in there)
            answer["ChallengeParameters"] = {
                "MFAS_CAN_CHOOSE": f"[{shown}]",
                "USER_ID_FOR_SRP": user["username"],
            }
            return answer
        if step.asking.pool["mfa"]["MfaConfiguration"] == "ON":
            return self._set_up(step, user)
        return await self.let_in(step, user)

    def _set_up(self, step: Step, user: Json) -> Json:
        """A user that must have a second factor and has none. Raises the service's error where it
        cannot get one by itself."""
        if "SOFTWARE_TOKEN_MFA" not in factors(step.asking.pool):
            raise ServiceError(
                "InvalidParameterException", "User has no telephone or address for its MFA code."
            )
        answer = self._asked("MFA_SETUP", step, user)
        answer["ChallengeParameters"] = {
            "MFAS_CAN_SETUP": '["SOFTWARE_TOKEN_MFA"]',
            "USER_ID_FOR_SRP": user["username"],
        }
        return answer

    def _asked(self, name: str, step: Step, user: Json, **data: str) -> Json:
        session = self._challenges.close(
            name, step.asking.pool, step.client, user, user["username"], **data
        )
        return {"ChallengeName": name, "Session": session}

    async def _ask(self, step: Step, user: Json, factor: str) -> Json:
        attribute = SENT.get(factor)
        if attribute is None:
            answer = self._asked(factor, step, user)
            answer["ChallengeParameters"] = {"USER_ID_FOR_SRP": user["username"]}
            return answer
        code = new_code()
        told = await self._messages.send(
            step.asking, user, attribute, "CustomMessage_Authentication", code
        )
        answer = self._asked(factor, step, user, code=code)
        answer["ChallengeParameters"] = {
            "CODE_DELIVERY_DELIVERY_MEDIUM": told["DeliveryMedium"],
            "CODE_DELIVERY_DESTINATION": told["Destination"],
            "USER_ID_FOR_SRP": user["username"],
        }
        return answer

    async def select(self, step: Step, user: Json, challenge: Challenge) -> Json:
        """One of several."""
        wanted = step.given.get("ANSWER")
        wanted = "EMAIL_OTP" if wanted == "EMAIL_MFA" else wanted
        if wanted not in usable(step.asking.pool, user):
            raise invalid("Invalid ANSWER: it is none of the factors to choose from")
        await self._challenges.spend(challenge)
        return await self._ask(step, user, wanted)

    async def by_app(self, step: Step, user: Json, challenge: Challenge) -> Json:
        """A code of an authenticator app."""
        pool, given = step.asking.pool, step.given.get("SOFTWARE_TOKEN_MFA_CODE")
        if not given:
            raise invalid("Missing required parameter SOFTWARE_TOKEN_MFA_CODE")
        async with self._attempts.one(pool, user, user["username"], "factor") as attempt:
            at = self.period(user, given)
            attempt.right = at is not None
        if at is None:
            raise ServiceError("CodeMismatchException", "Invalid code received for user")

        async def once(sheet: Sheet, fresh: Json) -> None:
            use_period(fresh, at)
            sheet.put(USER, user_key(pool, fresh), fresh)

        await self._challenges.spend(challenge)
        return await self.let_in(step, user, once)

    async def by_message(self, step: Step, user: Json, challenge: Challenge) -> Json:
        """A code of a message."""
        pool, name = step.asking.pool, f"{challenge.name}_CODE"
        if not step.given.get(name):
            raise invalid(f"Missing required parameter {name}")
        async with self._attempts.one(pool, user, user["username"], "factor") as attempt:
            attempt.right = keys.same(step.given[name].strip(), challenge.data["code"])
        if not attempt.right:
            raise ServiceError("CodeMismatchException", WRONG)
        await self._challenges.spend(challenge)
        return await self.let_in(step, user)

    async def set_up(self, step: Step, user: Json, challenge: Challenge) -> Json:
        """The app was verified meanwhile: see `VerifySoftwareToken`."""
        if "verified" not in challenge.data or "SOFTWARE_TOKEN_MFA" not in user["factors"]:
            raise refused("Invalid session for the user.")
        await self._challenges.spend(challenge)
        return await self.let_in(step, user)

    async def let_in(self, step: Step, user: Json, also: Also | None = None) -> Json:
        """Tokens; or the user itself, for the hosted pages."""
        asking = step.asking
        request: Json = {
            "userAttributes": {**user["profile"], "cognito:user_status": user["status"]},
            "newDeviceUsed": False,
            "clientMetadata": dict(asking.metadata),
        }
        source = "PostAuthentication_Authentication"
        await self._triggers.ask(
            asking, "PostAuthentication", source, user["username"], request, {}
        )
        if step.hosted:
            if also is not None:
                await self._do(step, user, also)
            return {"User": user}
        grant = granted("TokenGeneration_Authentication")
        result = await self._tokens.open(asking, step.client, user, grant, also)
        return {"AuthenticationResult": result, "ChallengeParameters": {}}

    async def _do(self, step: Step, user: Json, also: Also) -> None:
        async def work(sheet: Sheet) -> None:
            await also(sheet, await self._directory.user(sheet, step.asking.pool, user["username"]))

        await self._directory.book.edit(step.asking.call, work)

    def period(self, user: Json, code: str) -> int | None:
        """The period whose code it is, of the app that the user has set up; None for none."""
        try:
            secret = self._directory.opened(user, "totp")
        except KeyError:
            return None
        return period_of(secret, code)


def usable(pool: Json, user: Json) -> list[str]:
    """The factors that the pool has and the user can answer. Where the pool demands one, a
    telephone or an address is one without being asked for."""
    there = factors(pool)
    found = [each for each in user["factors"] if each in there and _has(user, each)]
    if not found and pool["mfa"]["MfaConfiguration"] == "ON":
        found = [each for each in ("SMS_MFA", "EMAIL_OTP") if each in there and _has(user, each)]
    return found


def _has(user: Json, factor: str) -> bool:
    if factor == "SOFTWARE_TOKEN_MFA":
        return "totp" in user.get("sealed", {})
    return bool(user["profile"].get(SENT[factor]))


def new_secret() -> str:
    """For an authenticator app, in base32."""
    return base64.b32encode(secrets.token_bytes(32)).decode().rstrip("=")


def period_of(secret: str, code: str) -> int | None:
    """The period whose code it is, at about this time."""
    padded = secret + "=" * (-len(secret) % 8)
    app = TOTP(base64.b32decode(padded), 6, SHA1(), _PERIOD)  # noqa: S303
    at = int(now()) // _PERIOD
    found = None
    for away in _AWAY:
        if hmac.compare_digest(app.generate((at + away) * _PERIOD), code.encode()):
            found = at + away
    return found


def use_period(user: Json, at: int) -> None:
    """Raises the service's error for a code that was used before."""
    if user.get("period", 0) >= at:
        raise ServiceError(
            "ExpiredCodeException", "Your software token has already been used once."
        )
    user["period"] = at
