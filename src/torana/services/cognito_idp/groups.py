"""Groups of users, and who is in them.

Source: Cognito user pools API Reference.
"""

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.directory import (
    GROUP,
    MEMBER,
    USER,
    Directory,
    Json,
    folded,
    key,
    now,
    page,
    user_key,
)
from torana.services.cognito_idp.faults import missing
from torana.services.cognito_idp.shown import shown_user
from torana.services.moments import moment
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_SETTINGS = ("Description", "RoleArn", "Precedence")


class Groups:
    """The operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory, self._book = directory, directory.book

    async def _find(self, sheet: Sheet, params: Json) -> tuple[Json, Json]:
        pool = await self._directory.pool(sheet, params["UserPoolId"])
        found = await sheet.get(GROUP, key(pool["Id"], params["GroupName"]))
        if found is None:
            raise missing("Group not found.")
        return pool, found

    async def CreateGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            name = params["GroupName"]
            if await sheet.get(GROUP, key(pool["Id"], name)) is not None:
                raise ServiceError("GroupExistsException", "A group with the name already exists.")
            at = now()
            group: Json = {
                "GroupName": name,
                "UserPoolId": pool["Id"],
                "CreationDate": at,
                "LastModifiedDate": at,
                **{each: params[each] for each in _SETTINGS if params.get(each) is not None},
            }
            sheet.put(GROUP, key(pool["Id"], name), group)
            return {"Group": _shown(group)}

        return await self._book.edit(call, work)

    async def UpdateGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool, group = await self._find(sheet, params)
            for each in _SETTINGS:
                if params.get(each) is not None:
                    group[each] = params[each]
            group["LastModifiedDate"] = now()
            sheet.put(GROUP, key(pool["Id"], group["GroupName"]), group)
            return {"Group": _shown(group)}

        return await self._book.edit(call, work)

    async def GetGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"Group": _shown((await self._find(sheet, params))[1])}

        return await self._book.read(work)

    async def ListGroups(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            found = [each async for _, each in sheet.scan(GROUP, f"{pool['Id']}/")]
            return _paged(found, params)

        return await self._book.read(work)

    async def DeleteGroup(self, call: Call, params: Json) -> Json:
        """Its members stay, without it."""

        async def work(sheet: Sheet) -> Json:
            pool, group = await self._find(sheet, params)
            name = group["GroupName"]
            async for id, leads in sheet.scan(MEMBER, f"{key(pool['Id'], name)}/"):
                sheet.delete(MEMBER, id)
                user = await sheet.get(USER, key(pool["Id"], leads["username"]))
                if user is not None:
                    user["groups"].remove(name)
                    self._directory.put_user(sheet, pool, user)
            sheet.delete(GROUP, key(pool["Id"], name))
            return {}

        return await self._book.edit(call, work)

    async def AdminAddUserToGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool, group = await self._find(sheet, params)
            user = await self._directory.user(sheet, pool, params["Username"])
            name = group["GroupName"]
            if name not in user["groups"]:
                user["groups"].append(name)
                self._directory.put_user(sheet, pool, user)
                kept = folded(pool, user["username"])
                sheet.put(MEMBER, key(pool["Id"], name, kept), {"username": kept})
            return {}

        return await self._book.edit(call, work)

    async def AdminRemoveUserFromGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool, group = await self._find(sheet, params)
            user = await self._directory.user(sheet, pool, params["Username"])
            await leave(self._directory, sheet, pool, user, (group["GroupName"],))
            return {}

        return await self._book.edit(call, work)

    async def AdminListGroupsForUser(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            user = await self._directory.user(sheet, pool, params["Username"])
            return _paged(await self.of_user(sheet, pool, user), params)

        return await self._book.read(work)

    async def of_user(self, sheet: Sheet, pool: Json, user: Json) -> list[Json]:
        """A user's groups, by name."""
        found = [await sheet.get(GROUP, key(pool["Id"], name)) for name in sorted(user["groups"])]
        return [each for each in found if each is not None]

    async def ListUsersInGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool, group = await self._find(sheet, params)
            names = [
                leads
                async for _, leads in sheet.scan(MEMBER, f"{key(pool['Id'], group['GroupName'])}/")
            ]
            paged = page(names, params, "Users", "username", "Limit")
            found = [
                await sheet.get(USER, key(pool["Id"], each["username"])) for each in paged["Users"]
            ]
            paged["Users"] = [shown_user(user) for user in found if user is not None]
            return paged

        return await self._book.read(work)


async def leave(
    directory: Directory, sheet: Sheet, pool: Json, user: Json, names: tuple[str, ...]
) -> None:
    """Take a user out of groups, and keep it so."""
    for name in names:
        if name in user["groups"]:
            user["groups"].remove(name)
            id = key(pool["Id"], name, folded(pool, user["username"]))
            if await sheet.get(MEMBER, id) is not None:
                sheet.delete(MEMBER, id)
    if await sheet.get(USER, user_key(pool, user)) is not None:
        directory.put_user(sheet, pool, user)


def _shown(group: Json) -> Json:
    times = ("CreationDate", "LastModifiedDate")
    return {**group, **{name: moment(group[name]) for name in times}}


def _paged(found: list[Json], params: Json) -> Json:
    found.sort(key=lambda each: each["GroupName"])
    paged = page(found, params, "Groups", "GroupName", "Limit")
    paged["Groups"] = [_shown(each) for each in paged["Groups"]]
    return paged
