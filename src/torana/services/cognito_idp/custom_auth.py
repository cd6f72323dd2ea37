"""Flows that a pool's functions define: they choose, make and judge the challenges.

Source: Cognito Developer Guide, "Custom authentication challenge Lambda triggers".
"""

from typing import Any

from torana.services.cognito_idp.attempts import Attempts
from torana.services.cognito_idp.challenges import Challenge, Challenges
from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.faults import invalid, refused
from torana.services.cognito_idp.second_factors import SecondFactors
from torana.services.cognito_idp.steps import Step
from torana.services.cognito_idp.triggers import Triggers
from torana.wire.faults import ServiceError

_LONGEST = 2048
"""Characters of a session."""
_MOST = 20
"""Challenges of one sign-in."""


class CustomAuth:
    """Asks the functions."""

    def __init__(
        self,
        challenges: Challenges,
        factors: SecondFactors,
        attempts: Attempts,
        triggers: Triggers,
    ) -> None:
        self._challenges, self._factors = challenges, factors
        self._attempts, self._triggers = attempts, triggers

    async def define(self, step: Step, user: Json, so_far: list[Json]) -> Json:
        """What the function says comes next. Raises the service's errors."""
        asking = step.asking
        if not self._triggers.has(asking.pool, "DefineAuthChallenge"):
            raise invalid("Custom auth lambda trigger is not configured for the user pool.")
        request: Json = {
            "userAttributes": {**user["profile"], "cognito:user_status": user["status"]},
            "session": so_far,
            "clientMetadata": dict(asking.metadata),
            "userNotFound": False,
        }
        answer = {"challengeName": None, "issueTokens": None, "failAuthentication": None}
        said = await self._triggers.ask(
            asking,
            "DefineAuthChallenge",
            "DefineAuthChallenge_Authentication",
            user["username"],
            request,
            answer,
        )
        if said["failAuthentication"] or len(so_far) > _MOST:
            raise refused("Incorrect username or password.")
        return said

    async def next(self, step: Step, user: Json, so_far: list[Json]) -> Json:
        """A challenge, or tokens."""
        _may_sign_in(user)
        said = await self.define(step, user, so_far)
        if said["issueTokens"]:
            return await self._factors.let_in(step, user)
        if said["challengeName"] != "CUSTOM_CHALLENGE":
            raise _malformed("DefineAuthChallenge")
        return await self._create(step, user, so_far)

    async def _create(self, step: Step, user: Json, so_far: list[Json]) -> Json:
        asking = step.asking
        request: Json = {
            "userAttributes": {**user["profile"], "cognito:user_status": user["status"]},
            "challengeName": "CUSTOM_CHALLENGE",
            "session": so_far,
            "clientMetadata": dict(asking.metadata),
        }
        answer = {
            "publicChallengeParameters": None,
            "privateChallengeParameters": None,
            "challengeMetadata": None,
        }
        said = await self._triggers.ask(
            asking,
            "CreateAuthChallenge",
            "CreateAuthChallenge_Authentication",
            user["username"],
            request,
            answer,
        )
        session = self._challenges.close(
            "CUSTOM_CHALLENGE",
            asking.pool,
            step.client,
            user,
            user["username"],
            so_far=so_far,
            private=_texts(said["privateChallengeParameters"]),
            metadata=said["challengeMetadata"],
        )
        if len(session) > _LONGEST:
            raise _malformed("CreateAuthChallenge")
        return {
            "ChallengeName": "CUSTOM_CHALLENGE",
            "Session": session,
            "ChallengeParameters": {
                **_texts(said["publicChallengeParameters"]),
                "USERNAME": user["username"],
            },
        }

    async def answer(self, step: Step, user: Json, challenge: Challenge) -> Json:
        """What the function says of an answer, then what comes next."""
        if "ANSWER" not in step.given:
            raise invalid("Missing required parameter ANSWER")
        asking, pool = step.asking, step.asking.pool
        # First of all: one question gives one answer, whatever comes of it.
        await self._challenges.spend(challenge)
        request: Json = {
            "userAttributes": {**user["profile"], "cognito:user_status": user["status"]},
            "privateChallengeParameters": challenge.data["private"],
            "challengeAnswer": step.given["ANSWER"],
            "clientMetadata": dict(asking.metadata),
            "userNotFound": False,
        }
        async with self._attempts.one(pool, user, user["username"], "custom") as attempt:
            said = await self._triggers.ask(
                asking,
                "VerifyAuthChallengeResponse",
                "VerifyAuthChallengeResponse_Authentication",
                user["username"],
                request,
                {"answerCorrect": None},
            )
            attempt.right = bool(said["answerCorrect"])
        judged = {
            "challengeName": "CUSTOM_CHALLENGE",
            "challengeResult": attempt.right,
            "challengeMetadata": challenge.data["metadata"],
        }
        return await self.next(step, user, [*challenge.data["so_far"], judged])


def _may_sign_in(user: Json) -> None:
    if not user["enabled"]:
        raise refused("User is disabled.")
    if user["status"] == "UNCONFIRMED":
        raise ServiceError("UserNotConfirmedException", "User is not confirmed.")


def _texts(given: Any) -> dict[str, str]:
    values: Json = given or {}
    return {str(name): str(value) for name, value in values.items()}


def _malformed(name: str) -> ServiceError:
    return ServiceError("InvalidLambdaResponseException", f"Unrecognizable lambda output of {name}")
