"""What users do about themselves, with their access tokens.

Source: Cognito user pools API Reference.
"""

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import passwords
from torana.services.cognito_idp.attempts import Attempts
from torana.services.cognito_idp.clients import check_write, may_read
from torana.services.cognito_idp.directory import Directory, Json
from torana.services.cognito_idp.faults import invalid, old_code, unsupported, wrong_password
from torana.services.cognito_idp.messages import Messages, drop_code, put_code, try_code
from torana.services.cognito_idp.passwords import Passwords
from torana.services.cognito_idp.schema import VERIFIED
from torana.services.cognito_idp.sessions import Holder, Sessions
from torana.services.cognito_idp.shown import factors_shown, given, listed
from torana.services.cognito_idp.triggers import Asking
from torana.services.cognito_idp.users import Users
from torana.services.given import items, members
from torana.services.ports import Call
from torana.wire.faults import ServiceError


class Profile:
    """The operations."""

    def __init__(
        self,
        directory: Directory,
        users: Users,
        sessions: Sessions,
        words: Passwords,
        attempts: Attempts,
        messages: Messages,
    ) -> None:
        self._directory, self._users, self._sessions = directory, users, sessions
        self._words, self._attempts, self._messages = words, attempts, messages
        self._book = directory.book

    async def _holder(self, params: Json) -> Holder:
        return await self._book.read(
            lambda sheet: self._sessions.holder(sheet, params["AccessToken"])
        )

    async def _client(self, sheet: Sheet, holder: Holder) -> Json:
        return await self._directory.client(sheet, holder.pool["Id"], holder.claims["client_id"])

    async def GetUser(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            holder = await self._sessions.holder(sheet, params["AccessToken"])
            client = await self._client(sheet, holder)
            user, seen = holder.user, may_read(holder.pool, client)
            return {
                "Username": user["username"],
                "UserAttributes": listed(user["profile"], seen),
                **factors_shown(user),
            }

        return await self._book.read(work)

    async def UpdateUserAttributes(self, call: Call, params: Json) -> Json:
        """An address that must be verified before it counts waits for its code."""
        values = given(params["UserAttributes"])

        async def work(sheet: Sheet) -> tuple[Holder, list[tuple[str, str, str]]]:
            holder = await self._sessions.holder(sheet, params["AccessToken"])
            pool, user = holder.pool, holder.user
            check_write(await self._client(sheet, holder), values)
            now, sent = dict(values), list[tuple[str, str, str]]()
            for name in VERIFIED:
                changed = bool(values.get(name)) and values[name] != user["profile"].get(name)
                if not changed or name not in pool.get("AutoVerifiedAttributes", ()):
                    continue
                code = put_code(self._directory, user, name)
                if name in _waits(pool):
                    self._directory.close(user, f"pending:{name}", now.pop(name))
                sent.append((name, code, values[name]))
            await self._users.change(sheet, pool, user, now)
            return holder, sent

        holder, sent = await self._book.edit(call, work)
        asking = _asking(call, holder, params)
        told: list[Json] = []
        for name, code, value in sent:
            to = {**holder.user, "profile": {**holder.user["profile"], name: value}}
            source = "CustomMessage_UpdateUserAttribute"
            told.append(await self._messages.send(asking, to, name, source, code))
        return {"CodeDeliveryDetailsList": told}

    async def GetUserAttributeVerificationCode(self, call: Call, params: Json) -> Json:
        name = params["AttributeName"]
        if name not in VERIFIED:
            raise invalid(f"Invalid attribute name: {name} cannot be verified")

        async def work(sheet: Sheet) -> tuple[Holder, str]:
            holder = await self._sessions.holder(sheet, params["AccessToken"])
            user = holder.user
            pending = self._pending(user, name)
            value = pending or user["profile"].get(name)
            if not value:
                raise invalid(f"User has no attribute {name}")
            code = put_code(self._directory, user, name)
            self._directory.put_user(sheet, holder.pool, user)
            if pending:
                user = {**user, "profile": {**user["profile"], name: pending}}
            return Holder(holder.pool, user, holder.claims), code

        holder, code = await self._book.edit(call, work)
        source = "CustomMessage_VerifyUserAttribute"
        asking = _asking(call, holder, params)
        sent = await self._messages.send(asking, holder.user, name, source, code)
        return {"CodeDeliveryDetails": sent}

    def _pending(self, user: Json, name: str) -> str | None:
        if f"pending:{name}" not in user["sealed"]:
            return None
        return self._directory.opened(user, f"pending:{name}")

    async def VerifyUserAttribute(self, call: Call, params: Json) -> Json:
        name = params["AttributeName"]
        if name not in VERIFIED:
            raise invalid(f"Invalid attribute name: {name} cannot be verified")

        async def work(sheet: Sheet) -> ServiceError | None:
            holder = await self._sessions.holder(sheet, params["AccessToken"])
            user = holder.user
            wrong = try_code(self._directory, user, name, params["Code"].strip())
            if wrong is not None:
                self._directory.put_user(sheet, holder.pool, user)
                return wrong
            drop_code(user, name)
            pending = self._pending(user, name)
            values = {VERIFIED[name]: "true"}
            if pending is not None:
                del user["sealed"][f"pending:{name}"]
                values[name] = pending
            elif name not in user["profile"]:
                return old_code()
            await self._users.change(sheet, holder.pool, user, values)
            return None

        wrong = await self._book.edit(call, work)
        if wrong is not None:
            raise wrong
        return {}

    async def DeleteUserAttributes(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            holder = await self._sessions.holder(sheet, params["AccessToken"])
            names = params["UserAttributeNames"]
            check_write(await self._client(sheet, holder), names)
            await self._users.change(sheet, holder.pool, holder.user, dict.fromkeys(names, ""))
            return {}

        return await self._book.edit(call, work)

    async def ChangePassword(self, call: Call, params: Json) -> Json:
        holder = await self._holder(params)
        pool, user = holder.pool, holder.user
        if "PreviousPassword" not in params:
            raise unsupported("ChangePassword without PreviousPassword")
        async with self._attempts.one(pool, user, user["username"]) as attempt:
            attempt.right = await self._words.right(user, params["PreviousPassword"])
        if not attempt.right:
            raise wrong_password()
        kept = await self._words.made(pool, user, params["ProposedPassword"])

        async def work(sheet: Sheet) -> Json:
            fresh = (await self._sessions.holder(sheet, params["AccessToken"])).user
            passwords.put(fresh, kept)
            self._directory.put_user(sheet, pool, fresh)
            return {}

        return await self._book.edit(call, work)

    async def DeleteUser(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            holder = await self._sessions.holder(sheet, params["AccessToken"])
            await self._users.delete(sheet, holder.pool, holder.user)
            return {}

        return await self._book.edit(call, work)


def _waits(pool: Json) -> tuple[str, ...]:
    settings = members(pool, "UserAttributeUpdateSettings")
    return tuple(items(settings, "AttributesRequireVerificationBeforeUpdate"))


def _asking(call: Call, holder: Holder, params: Json) -> Asking:
    client = holder.claims["client_id"]
    return Asking(call, holder.pool, client, members(params, "ClientMetadata"))
