"""Signing up, and forgotten passwords: what anybody may ask a client's pool for.

Source: Cognito user pools API Reference.
"""

from collections.abc import Callable, Mapping

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import passwords
from torana.services.cognito_idp.clients import Own, check_write
from torana.services.cognito_idp.directory import USER, Directory, Json, user_key
from torana.services.cognito_idp.faults import (
    invalid,
    no_user,
    old_code,
    refused,
)
from torana.services.cognito_idp.messages import (
    Messages,
    destination,
    drop_code,
    put_code,
    to_confirm,
    to_recover,
    try_code,
)
from torana.services.cognito_idp.passwords import Passwords
from torana.services.cognito_idp.schema import VERIFIED
from torana.services.cognito_idp.shown import given
from torana.services.cognito_idp.triggers import Asking, Triggers
from torana.services.cognito_idp.users import Users
from torana.services.given import members
from torana.services.ports import Call
from torana.wire.faults import ServiceError


class SignUps:
    """The operations."""

    def __init__(
        self,
        directory: Directory,
        users: Users,
        words: Passwords,
        messages: Messages,
        triggers: Triggers,
        own: Own,
    ) -> None:
        self._directory, self._users, self._words = directory, users, words
        self._messages, self._triggers, self._own = messages, triggers, own
        self._book = directory.book

    async def _begin(self, call: Call, params: Json) -> tuple[Asking, Json]:
        """Raises the service's errors."""
        pool, client = await self._book.read(
            lambda sheet: self._directory.client_of(sheet, params["ClientId"])
        )
        self._own.check_hash(client, params["Username"], params.get("SecretHash"))
        metadata = members(params, "ClientMetadata")
        return Asking(call, pool, client["ClientId"], metadata), client

    async def SignUp(self, call: Call, params: Json) -> Json:
        asking, client = await self._begin(call, params)
        pool = asking.pool
        if pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]:
            raise refused("SignUp is not permitted for this user pool")
        profile = given(params.get("UserAttributes"))
        check_write(client, profile)
        user = self._users.draft(pool, params["Username"], profile, "UNCONFIRMED")
        if "Password" not in params:
            raise invalid("Password is required")
        kept = await self._words.made(pool, user, params["Password"])
        passwords.put(user, kept)
        await self._let_in(asking, user, given(params.get("ValidationData")))
        attribute = to_confirm(pool, user) if user["status"] == "UNCONFIRMED" else None
        code = put_code(self._directory, user, "confirm") if attribute else ""

        async def work(sheet: Sheet) -> None:
            await self._users.add(sheet, pool, user)

        await self._book.edit(call, work)
        answer: Json = {"UserConfirmed": user["status"] == "CONFIRMED", "UserSub": user["sub"]}
        if attribute:
            answer["CodeDeliveryDetails"] = await self._messages.send(
                asking, user, attribute, "CustomMessage_SignUp", code
            )
        if user["status"] == "CONFIRMED":
            await self._confirmed(asking, user, "PostConfirmation_ConfirmSignUp")
        return answer

    async def _let_in(self, asking: Asking, user: Json, validation: Mapping[str, str]) -> None:
        """What the pool's function says of somebody new."""
        request: Json = {
            "userAttributes": dict(user["profile"]),
            "validationData": dict(validation) or None,
            "clientMetadata": dict(asking.metadata),
        }
        answer = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
        said = await self._triggers.ask(
            asking, "PreSignUp", "PreSignUp_SignUp", user["username"], request, answer
        )
        if said["autoConfirmUser"]:
            user["status"] = "CONFIRMED"
        for flag, attribute in (("autoVerifyEmail", "email"), ("autoVerifyPhone", "phone_number")):
            if said[flag] and user["profile"].get(attribute):
                user["profile"][VERIFIED[attribute]] = "true"

    async def _confirmed(self, asking: Asking, user: Json, source: str) -> None:
        request: Json = {
            "userAttributes": {**user["profile"], "cognito:user_status": user["status"]},
            "clientMetadata": dict(asking.metadata),
        }
        await self._triggers.ask(asking, "PostConfirmation", source, user["username"], request, {})

    async def ConfirmSignUp(self, call: Call, params: Json) -> Json:
        asking, client = await self._begin(call, params)
        pool = asking.pool

        async def work(sheet: Sheet) -> ServiceError | Json:
            user = await self._directory.find_user(sheet, pool, params["Username"])
            if user is None:
                return old_code() if _hides(client) else no_user()
            if user["status"] != "UNCONFIRMED":
                return refused(f"User cannot be confirmed. Current status is {user['status']}")
            wrong = try_code(self._directory, user, "confirm", params["ConfirmationCode"].strip())
            if wrong is None:
                drop_code(user, "confirm")
                user["status"] = "CONFIRMED"
                attribute = to_confirm(pool, user)
                if attribute:
                    user["profile"][VERIFIED[attribute]] = "true"
                force = params.get("ForceAliasCreation", False)
                await self._users.claim(sheet, pool, user, force=force)
            self._directory.put_user(sheet, pool, user)
            return wrong or user

        await self._confirmed(
            asking, _good(await self._book.edit(call, work)), "PostConfirmation_ConfirmSignUp"
        )
        return {}

    async def ResendConfirmationCode(self, call: Call, params: Json) -> Json:
        return await self._send(call, params, "confirm", _unconfirmed, "CustomMessage_ResendCode")

    async def ForgotPassword(self, call: Call, params: Json) -> Json:
        return await self._send(call, params, "reset", _recoverable, "CustomMessage_ForgotPassword")

    async def _send(
        self, call: Call, params: Json, purpose: str, to: Callable[[Json, Json], str], source: str
    ) -> Json:
        """Send a code, and say where it went; of users that there are not, where it would seem to
        have gone. `to` finds the attribute, or raises the service's error."""
        asking, client = await self._begin(call, params)
        pool, name = asking.pool, params["Username"]

        async def work(sheet: Sheet) -> tuple[Json, str, str] | None:
            user = await self._directory.find_user(sheet, pool, name)
            if user is None:
                if _hides(client):
                    return None
                raise no_user()
            attribute = to(pool, user)
            code = put_code(self._directory, user, purpose)
            self._directory.put_user(sheet, pool, user)
            return user, attribute, code

        made = await self._book.edit(call, work)
        if made is None:
            return {"CodeDeliveryDetails": destination("email", name)}
        user, attribute, code = made
        sent = await self._messages.send(asking, user, attribute, source, code)
        return {"CodeDeliveryDetails": sent}

    async def ConfirmForgotPassword(self, call: Call, params: Json) -> Json:
        asking, client = await self._begin(call, params)
        pool = asking.pool
        user = await self._book.read(
            lambda sheet: self._directory.find_user(sheet, pool, params["Username"])
        )
        if user is None:
            raise old_code() if _hides(client) else no_user()
        _resettable(user)
        passwords.check(pool, params["Password"])

        async def judge(sheet: Sheet) -> ServiceError | Json:
            fresh = await self._same(sheet, pool, user)
            code = params["ConfirmationCode"].strip()
            wrong = try_code(self._directory, fresh, "reset", code)
            self._directory.put_user(sheet, pool, fresh)
            return wrong or fresh

        # Only who has the code may learn whether the password was used before.
        _good(await self._book.edit(call, judge))
        kept = await self._words.made(pool, user, params["Password"])

        async def work(sheet: Sheet) -> Json:
            fresh = await self._same(sheet, pool, user)
            if "code:reset" not in fresh["sealed"]:
                raise old_code()
            drop_code(fresh, "reset")
            passwords.put(fresh, kept)
            if fresh["status"] == "RESET_REQUIRED":
                fresh["status"] = "CONFIRMED"
            self._directory.put_user(sheet, pool, fresh)
            return fresh

        fresh = await self._book.edit(call, work)
        await self._confirmed(asking, fresh, "PostConfirmation_ConfirmForgotPassword")
        return {}

    async def _same(self, sheet: Sheet, pool: Json, user: Json) -> Json:
        """The user as it is now. Raises the service's error when it is gone."""
        fresh = await sheet.get(USER, user_key(pool, user))
        if fresh is None or fresh["sub"] != user["sub"]:
            raise old_code()
        return fresh


def _good(outcome: ServiceError | Json) -> Json:
    """Raises what was only found out in a commit that had to be kept."""
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome


def _hides(client: Json) -> bool:
    """Whether nobody may learn who is there."""
    return client.get("PreventUserExistenceErrors") == "ENABLED"


def _resettable(user: Json) -> None:
    if not user["enabled"]:
        raise refused("User is disabled.")
    if user["status"] == "FORCE_CHANGE_PASSWORD":
        raise refused("User password cannot be reset in the current state.")


def _recoverable(pool: Json, user: Json) -> str:
    _resettable(user)
    return to_recover(pool, user)


def _unconfirmed(pool: Json, user: Json) -> str:
    if user["status"] != "UNCONFIRMED":
        raise invalid("User is already confirmed.")
    attribute = to_confirm(pool, user)
    if attribute is None:
        raise invalid("Auto verification not turned on.")
    return attribute
