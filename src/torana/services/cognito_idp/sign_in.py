"""Signing in: from a name and a password, in whatever form, to tokens.

A flow ends in tokens or in a challenge; an answered challenge goes on where the flow stood. A step
is a function from what is known to an answer, found in a table by the flow's or challenge's name.
Source: Cognito user pools API Reference, InitiateAuth and RespondToAuthChallenge.
"""

import msgspec
from msgspec import structs

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import passwords
from torana.services.cognito_idp.attempts import Attempts
from torana.services.cognito_idp.challenges import Challenge, Challenges
from torana.services.cognito_idp.choice import CODES, Choice, needed
from torana.services.cognito_idp.clients import Own, check_write
from torana.services.cognito_idp.custom_auth import CustomAuth
from torana.services.cognito_idp.directory import Directory, Json, now
from torana.services.cognito_idp.exchange import Exchange
from torana.services.cognito_idp.faults import invalid, no_user, refused, wrong_password
from torana.services.cognito_idp.passwords import Passwords
from torana.services.cognito_idp.schema import required
from torana.services.cognito_idp.second_factors import WRONG, SecondFactors
from torana.services.cognito_idp.steps import Step
from torana.services.cognito_idp.tokens import Tokens
from torana.services.cognito_idp.triggers import Triggers
from torana.services.cognito_idp.users import Users
from torana.wire.faults import ServiceError


class SignIn:
    """The flows."""

    def __init__(
        self,
        directory: Directory,
        users: Users,
        words: Passwords,
        attempts: Attempts,
        challenges: Challenges,
        factors: SecondFactors,
        custom: CustomAuth,
        choice: Choice,
        tokens: Tokens,
        triggers: Triggers,
        own: Own,
    ) -> None:
        self._directory, self._users, self._words = directory, users, words
        self._attempts, self._challenges, self._factors = attempts, challenges, factors
        self._custom, self._tokens = custom, tokens
        self._triggers, self._own = triggers, own
        self._exchange, self._choice = Exchange(words, challenges), choice

    async def find(self, step: Step) -> tuple[Json | None, str]:
        """The user that a step names, and the name. Raises the service's errors."""
        name = step.given.get("USERNAME")
        if not name:
            raise invalid("Missing required parameter USERNAME")
        self._own.check_hash(step.client, name, step.given.get("SECRET_HASH"))
        pool = step.asking.pool
        user = await self._directory.book.read(
            lambda sheet: self._directory.find_user(sheet, pool, name)
        )
        if user is None and step.client.get("PreventUserExistenceErrors") != "ENABLED":
            raise no_user()
        return user, name

    async def by_password(self, step: Step) -> Json:
        """A password that was sent as it is."""
        if "PASSWORD" not in step.given:
            raise invalid("Missing required parameter PASSWORD")
        pool, word = step.asking.pool, step.given["PASSWORD"]
        try:
            user, name = await self.find(step)
        except ServiceError as error:
            if error.code != "UserNotFoundException":
                raise
            user, name = None, step.given["USERNAME"]
            if not self._triggers.has(pool, "UserMigration"):
                raise
        if user is None and self._triggers.has(pool, "UserMigration"):
            user = await self._migrated(step, name, word)
        await self._before(step, user, name)
        async with self._attempts.one(pool, user, name) as attempt:
            attempt.right = await self._words.right(user, word)
        if not attempt.right or user is None:
            raise wrong_password()
        return await self.known(step, user)

    async def _migrated(self, step: Step, name: str, word: str) -> Json:
        """A user that the pool's function knows from elsewhere. Raises the service's errors."""
        pool = step.asking.pool
        request: Json = {
            "password": word,
            "validationData": dict(step.asking.metadata),
            "userAttributes": None,
        }
        answer: Json = {
            "userAttributes": None,
            "finalUserStatus": None,
            "messageAction": None,
            "desiredDeliveryMediums": None,
            "forceAliasCreation": None,
        }
        said = await self._triggers.ask(
            step.asking, "UserMigration", "UserMigration_Authentication", name, request, answer
        )
        if not said["userAttributes"]:
            raise no_user()
        profile = {str(key): str(value) for key, value in said["userAttributes"].items()}
        profile.pop("username", None)
        user = self._users.draft(pool, name, profile, "CONFIRMED")
        passwords.put(user, await self._words.made(pool, user, word))
        if said["finalUserStatus"] != "CONFIRMED":
            user["status"] = "RESET_REQUIRED"

        async def work(sheet: Sheet) -> Json:
            force = bool(said["forceAliasCreation"])
            await self._users.add(sheet, pool, user, force=force)
            return user

        return await self._directory.book.edit(step.asking.call, work)

    async def _before(self, step: Step, user: Json | None, name: str) -> None:
        """What the pool's function says before the password is looked at."""
        request: Json = {
            "userAttributes": user["profile"] if user else {},
            "validationData": dict(step.asking.metadata) or None,
            "userNotFound": user is None,
        }
        await self._triggers.ask(
            step.asking,
            "PreAuthentication",
            "PreAuthentication_Authentication",
            user["username"] if user else name,
            request,
            {},
        )

    async def by_srp(self, step: Step) -> Json:
        """The first half of an exchange that proves the password without sending it."""
        user, name = await self.find(step)
        await self._before(step, user, name)
        return self._exchange.offer(step, user, name)

    async def prove(self, step: Step) -> Json:
        """The second half."""
        pool, challenge = step.asking.pool, self._exchange.open(step)
        user = await self._same(step, challenge)
        async with self._attempts.one(pool, user, challenge.user) as attempt:
            attempt.right = self._exchange.proves(step, user, challenge)
        if not attempt.right or user is None:
            raise wrong_password()
        await self._challenges.spend(challenge)
        if "custom" in challenge.data:
            proved = {
                "challengeName": "PASSWORD_VERIFIER",
                "challengeResult": True,
                "challengeMetadata": None,
            }
            so_far = [*challenge.data["custom"], proved]
            return await self._custom.next(step, user, so_far)
        return await self.known(step, user)

    async def _same(self, step: Step, challenge: Challenge) -> Json | None:
        """The user of a challenge as it is now. Raises the service's error when another step's
        secret hash, or user, is not the challenge's."""
        given = step.given.get("USERNAME") or challenge.user
        self._own.check_hash(step.client, given, step.given.get("SECRET_HASH"))
        if not challenge.sub:
            return None
        user = await self._directory.book.read(
            lambda sheet: self._directory.find_user(sheet, step.asking.pool, challenge.user)
        )
        if user is None or user["sub"] != challenge.sub:
            raise refused("Invalid session for the user.")
        return user

    async def by_choice(self, step: Step) -> Json:
        """What the client prefers to begin with, or everything that there is."""
        user, name = await self.find(step)
        wanted = step.given.get("PREFERRED_CHALLENGE", "")
        if wanted not in self._choice.open(step.asking.pool, user):
            return self._choice.offer(step, user, name)
        if wanted in CODES:
            await self._before(step, user, name)
            if user is not None:
                may_begin(user)
            return await self._choice.send(step, user, name, wanted)
        if not needed(step, wanted):
            return self._choice.ask_password(step, user, name, wanted)
        return await (self.by_password(step) if wanted == "PASSWORD" else self.by_srp(step))

    async def choose(self, step: Step) -> Json:
        """One of everything that there was."""
        challenge = self._choice.chosen(step, "SELECT_CHALLENGE")
        await self._same(step, challenge)
        answer = {"PREFERRED_CHALLENGE": step.given.get("ANSWER", "")}
        return await self.by_choice(structs.replace(step, given={**step.given, **answer}))

    async def password_chosen(self, step: Step) -> Json:
        """A password that was asked for."""
        await self._same(step, self._choice.chosen(step, "PASSWORD"))
        return await self.by_password(step)

    async def srp_chosen(self, step: Step) -> Json:
        """The first half of an exchange that was asked for."""
        await self._same(step, self._choice.chosen(step, "PASSWORD_SRP"))
        return await self.by_srp(step)

    async def known(self, step: Step, user: Json) -> Json:
        """The password was right: what comes next. Raises the service's errors."""
        may_begin(user)
        if user.get("passwordUntil", float("inf")) < now():
            raise refused("Temporary password has expired and must be reset by an administrator.")
        if user["status"] == "FORCE_CHANGE_PASSWORD":
            return self._ask_password(step, user)
        return await self._factors.next(step, user)

    def _ask_password(self, step: Step, user: Json) -> Json:
        pool = step.asking.pool
        hidden = ("sub",)
        profile = {name: value for name, value in user["profile"].items() if name not in hidden}
        lacking = [name for name in required(pool["SchemaByName"]) if name not in profile]
        named = [f"userAttributes.{name}" for name in lacking]
        return {
            "ChallengeName": "NEW_PASSWORD_REQUIRED",
            "Session": self._challenges.close(
                "NEW_PASSWORD_REQUIRED", pool, step.client, user, user["username"]
            ),
            "ChallengeParameters": {
                "USER_ID_FOR_SRP": user["username"],
                "requiredAttributes": msgspec.json.encode(named).decode(),
                "userAttributes": msgspec.json.encode(profile).decode(),
            },
        }

    async def new_password(self, step: Step) -> Json:
        """In place of a temporary one."""
        pool, client, given = step.asking.pool, step.client, step.given
        challenge = self._challenges.open(step.session, pool, client, "NEW_PASSWORD_REQUIRED")
        user = await self._same(step, challenge)
        if user is None or "NEW_PASSWORD" not in given:
            raise invalid("Missing required parameter NEW_PASSWORD")
        start = "userAttributes."
        values = {
            name.removeprefix(start): value
            for name, value in given.items()
            if name.startswith(start)
        }
        check_write(client, values)
        kept = await self._words.made(pool, user, given["NEW_PASSWORD"])

        async def work(sheet: Sheet) -> Json:
            fresh = await self._directory.user(sheet, pool, user["username"])
            if fresh["sub"] != user["sub"] or fresh["status"] != "FORCE_CHANGE_PASSWORD":
                raise refused("Invalid session for the user.")
            for name, value in values.items():
                if fresh["profile"].get(name, value) != value:
                    raise refused("Cannot modify an already provided email")
            passwords.put(fresh, kept)
            fresh["status"] = "CONFIRMED"
            await self._users.change(sheet, pool, fresh, values)
            for name in required(pool["SchemaByName"]):
                if name not in fresh["profile"]:
                    raise invalid(f"Invalid attributes given, {name} is missing")
            return fresh

        await self._challenges.spend(challenge)
        changed = await self._directory.book.edit(step.asking.call, work)
        return await self._factors.next(step, changed)

    async def by_refresh(self, step: Step) -> Json:
        """Fresh tokens for a session that is there."""
        token = step.given.get("REFRESH_TOKEN")
        if not token:
            raise invalid("Missing required parameter REFRESH_TOKEN")
        if self._own.has_secret(step.client):
            await self._check_refresh_hash(step, token)
        result, _ = await self._tokens.refresh(step.asking, step.client, token, rotates=False)
        return {"AuthenticationResult": result, "ChallengeParameters": {}}

    async def _check_refresh_hash(self, step: Step, token: str) -> None:
        """The hash is of the username that is behind the token, which clients learn as `sub` or
        as `cognito:username`; older ones send the client's secret in its place."""
        given = step.given.get("SECRET_HASH") or ""
        if given and self._own.is_secret(step.client, given):
            return
        name = await self._tokens.username_of(step.asking, step.client, token)
        self._own.check_hash(step.client, name, given)

    async def by_function(self, step: Step) -> Json:
        """A flow that the pool's functions define."""
        user, name = await self.find(step)
        if user is None:
            raise wrong_password()
        if step.given.get("CHALLENGE_NAME") != "SRP_A":
            return await self._custom.next(step, user, [])
        first = {"challengeName": "SRP_A", "challengeResult": True, "challengeMetadata": None}
        said = await self._custom.define(step, user, [first])
        if said["challengeName"] != "PASSWORD_VERIFIER":
            raise ServiceError(
                "InvalidLambdaResponseException",
                "DefineAuthChallenge must ask for PASSWORD_VERIFIER after SRP_A",
            )
        return self._exchange.offer(step, user, name, custom=[first])

    async def answered(self, step: Step, name: str) -> Json:
        """A challenge of what comes after the password. Raises the service's errors."""
        pool, client = step.asking.pool, step.client
        challenge = self._challenges.open(step.session, pool, client, name)
        user = await self._same(step, challenge)
        if user is None and name in CODES:
            # A stranger that a code seemed to be sent to.
            async with self._attempts.one(pool, user, challenge.user, "factor"):
                raise ServiceError("CodeMismatchException", WRONG)
        if user is None or not user["enabled"]:
            raise refused("Invalid session for the user.")
        if name == "CUSTOM_CHALLENGE":
            return await self._custom.answer(step, user, challenge)
        return await _FACTORS[name](self._factors, step, user, challenge)


def may_begin(user: Json) -> None:
    """Raises the service's error for who may not sign in, whatever it knows."""
    if not user["enabled"]:
        raise refused("User is disabled.")
    if user["status"] == "UNCONFIRMED":
        raise ServiceError("UserNotConfirmedException", "User is not confirmed.")
    if user["status"] == "RESET_REQUIRED":
        raise ServiceError("PasswordResetRequiredException", "Password reset required for the user")


_FACTORS = {
    "SOFTWARE_TOKEN_MFA": SecondFactors.by_app,
    "SMS_MFA": SecondFactors.by_message,
    "EMAIL_OTP": SecondFactors.by_message,
    "SMS_OTP": SecondFactors.by_message,
    "SELECT_MFA_TYPE": SecondFactors.select,
    "MFA_SETUP": SecondFactors.set_up,
}
