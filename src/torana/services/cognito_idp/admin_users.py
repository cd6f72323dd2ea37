"""What administrators do with users.

Source: Cognito user pools API Reference.
"""

import msgspec

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import passwords
from torana.services.cognito_idp.directory import USER, Directory, Json, now
from torana.services.cognito_idp.faults import invalid, refused
from torana.services.cognito_idp.messages import Messages, put_code, to_recover
from torana.services.cognito_idp.passwords import Passwords, policy
from torana.services.cognito_idp.sessions import Sessions
from torana.services.cognito_idp.shown import factors_shown, given, listed, matcher, shown_user
from torana.services.cognito_idp.triggers import Asking, Triggers
from torana.services.cognito_idp.users import Users
from torana.services.moments import moment
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_MEDIUMS = {"EMAIL": "email", "SMS": "phone_number"}


class AdminUsers:
    """The operations."""

    def __init__(
        self,
        directory: Directory,
        users: Users,
        sessions: Sessions,
        words: Passwords,
        messages: Messages,
        triggers: Triggers,
    ) -> None:
        self._directory, self._users, self._sessions = directory, users, sessions
        self._words, self._messages, self._triggers = words, messages, triggers
        self._book = directory.book

    async def _pool(self, params: Json) -> Json:
        return await self._book.read(
            lambda sheet: self._directory.pool(sheet, params["UserPoolId"])
        )

    async def _find(self, sheet: Sheet, params: Json) -> tuple[Json, Json]:
        pool = await self._directory.pool(sheet, params["UserPoolId"])
        return pool, await self._directory.user(sheet, pool, params["Username"])

    async def AdminCreateUser(self, call: Call, params: Json) -> Json:
        """With a temporary password, which is sent unless that is suppressed."""
        pool = await self._pool(params)
        asking = Asking(call, pool, "", params.get("ClientMetadata") or {})
        if params.get("MessageAction") == "RESEND":
            return await self._invite_again(asking, params)
        profile = given(params.get("UserAttributes"))
        user = self._users.draft(pool, params["Username"], profile, "FORCE_CHANGE_PASSWORD")
        word = params.get("TemporaryPassword") or passwords.temporary(pool)
        passwords.put(user, await self._words.made(pool, user, word), lasts_days=_days(pool))
        request: Json = {
            "userAttributes": dict(user["profile"]),
            "validationData": given(params.get("ValidationData")) or None,
            "clientMetadata": dict(asking.metadata),
        }
        answer = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
        source, name = "PreSignUp_AdminCreateUser", user["username"]
        await self._triggers.ask(asking, "PreSignUp", source, name, request, answer)
        to = [] if params.get("MessageAction") == "SUPPRESS" else _invited(user, params)

        async def work(sheet: Sheet) -> None:
            force = params.get("ForceAliasCreation", False)
            await self._users.add(sheet, pool, user, force=force)

        await self._book.edit(call, work)
        for attribute in to:
            source = "CustomMessage_AdminCreateUser"
            await self._messages.send(asking, user, attribute, source, word)
        return {"User": shown_user(user)}

    async def _invite_again(self, asking: Asking, params: Json) -> Json:
        pool = asking.pool
        user = await self._book.read(
            lambda sheet: self._directory.user(sheet, pool, params["Username"])
        )
        if user["status"] != "FORCE_CHANGE_PASSWORD":
            raise ServiceError(
                "UnsupportedUserStateException",
                "Resend not possible. " + user["username"] + " status is not FORCE_CHANGE_PASSWORD",
            )
        word = params.get("TemporaryPassword") or passwords.temporary(pool)
        kept, to = await self._words.made(pool, user, word), _invited(user, params)

        async def work(sheet: Sheet) -> Json:
            fresh = await self._directory.user(sheet, pool, user["username"])
            if fresh["status"] != "FORCE_CHANGE_PASSWORD":
                raise refused("User password cannot be reset in the current state.")
            passwords.put(fresh, kept, lasts_days=_days(pool))
            self._directory.put_user(sheet, pool, fresh)
            return fresh

        fresh = await self._book.edit(asking.call, work)
        for attribute in to:
            source = "CustomMessage_AdminCreateUser"
            await self._messages.send(asking, fresh, attribute, source, word)
        return {"User": shown_user(fresh)}

    async def AdminGetUser(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            _, user = await self._find(sheet, params)
            return {
                "Username": user["username"],
                "UserAttributes": listed(user["profile"]),
                "UserCreateDate": moment(user["created"]),
                "UserLastModifiedDate": moment(user["modified"]),
                "Enabled": user["enabled"],
                "UserStatus": user["status"],
                **factors_shown(user),
            }

        return await self._book.read(work)

    async def ListUsers(self, call: Call, params: Json) -> Json:
        """By name, a page at a time: no more is read than the page needs."""
        fits, only = matcher(params.get("Filter") or ""), params.get("AttributesToGet")
        size = 60 if params.get("Limit") is None else params["Limit"]
        pool = await self._pool(params)
        for name in only or ():
            if name not in pool["SchemaByName"]:
                raise invalid(f"Invalid attribute {name}")
        prefix = f"{pool['Id']}/"
        after = params.get("PaginationToken") or ""
        if after and not after.startswith(prefix):
            raise invalid("Invalid pagination token given.")

        async def work(sheet: Sheet) -> Json:
            del sheet
            shown, last = list[Json](), ""
            async for document in self._book.store.scan(USER, prefix, after):
                user: Json = msgspec.json.decode(document.body)
                if not fits(user):
                    continue
                if len(shown) >= size:
                    return {"Users": shown, "PaginationToken": last}
                shown.append(shown_user(user, only))
                last = document.id
            return {"Users": shown}

        return await self._book.read(work)

    async def AdminConfirmSignUp(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> tuple[Json, Json]:
            pool, user = await self._find(sheet, params)
            if user["status"] != "UNCONFIRMED":
                raise refused(f"User cannot be confirmed. Current status is {user['status']}")
            user["status"] = "CONFIRMED"
            self._directory.put_user(sheet, pool, user)
            return pool, user

        pool, user = await self._book.edit(call, work)
        asking = Asking(call, pool, "", params.get("ClientMetadata") or {})
        request: Json = {
            "userAttributes": {**user["profile"], "cognito:user_status": "CONFIRMED"},
            "clientMetadata": dict(asking.metadata),
        }
        source, name = "PostConfirmation_ConfirmSignUp", user["username"]
        await self._triggers.ask(asking, "PostConfirmation", source, name, request, {})
        return {}

    async def AdminSetUserPassword(self, call: Call, params: Json) -> Json:
        pool, user = await self._book.read(lambda sheet: self._find(sheet, params))
        kept = await self._words.made(pool, user, params["Password"])
        lasting = params.get("Permanent", False)

        async def work(sheet: Sheet) -> Json:
            pool, fresh = await self._find(sheet, params)
            passwords.put(fresh, kept, lasts_days=None if lasting else _days(pool))
            fresh["status"] = "CONFIRMED" if lasting else "FORCE_CHANGE_PASSWORD"
            self._directory.put_user(sheet, pool, fresh)
            return {}

        return await self._book.edit(call, work)

    async def AdminResetUserPassword(self, call: Call, params: Json) -> Json:
        """The user signs in no more until it has set another with the code that is sent."""

        async def work(sheet: Sheet) -> tuple[Json, Json, str, str]:
            pool, user = await self._find(sheet, params)
            if user["status"] == "FORCE_CHANGE_PASSWORD":
                raise refused("User password cannot be reset in the current state.")
            attribute = to_recover(pool, user)
            code = put_code(self._directory, user, "reset")
            user["status"] = "RESET_REQUIRED"
            await self._sessions.end_all(sheet, pool, user)
            self._directory.put_user(sheet, pool, user)
            return pool, user, attribute, code

        pool, user, attribute, code = await self._book.edit(call, work)
        asking = Asking(call, pool, "", params.get("ClientMetadata") or {})
        source = "CustomMessage_ForgotPassword"
        await self._messages.send(asking, user, attribute, source, code)
        return {}

    async def AdminEnableUser(self, call: Call, params: Json) -> Json:
        return await self._enable(call, params, on=True)

    async def AdminDisableUser(self, call: Call, params: Json) -> Json:
        return await self._enable(call, params, on=False)

    async def _enable(self, call: Call, params: Json, *, on: bool) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool, user = await self._find(sheet, params)
            user["enabled"] = on
            if not on:
                user["signedOut"] = now()
                await self._sessions.end_all(sheet, pool, user)
            self._directory.put_user(sheet, pool, user)
            return {}

        return await self._book.edit(call, work)

    async def AdminDeleteUser(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool, user = await self._find(sheet, params)
            await self._users.delete(sheet, pool, user)
            return {}

        return await self._book.edit(call, work)

    async def AdminUpdateUserAttributes(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool, user = await self._find(sheet, params)
            await self._users.change(sheet, pool, user, given(params["UserAttributes"]))
            return {}

        return await self._book.edit(call, work)

    async def AdminDeleteUserAttributes(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool, user = await self._find(sheet, params)
            gone = dict.fromkeys(params["UserAttributeNames"], "")
            await self._users.change(sheet, pool, user, gone)
            return {}

        return await self._book.edit(call, work)


def _days(pool: Json) -> int:
    return policy(pool).get("TemporaryPasswordValidityDays") or 7


def _invited(user: Json, params: Json) -> list[str]:
    """Where an invitation goes. Raises the service's error when there is no such place."""
    wanted = [_MEDIUMS[each] for each in params.get("DesiredDeliveryMediums") or ["SMS"]]
    found = [each for each in wanted if user["profile"].get(each)]
    if not found and params.get("DesiredDeliveryMediums"):
        raise invalid(f"The user has no {wanted[0]} to send the invitation to")
    return found
