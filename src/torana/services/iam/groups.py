"""Groups of users.

Source: IAM API Reference.
"""

from torana.services.apigateway.book import Sheet
from torana.services.iam.names import GROUP, USER, Json, in_use, over, page
from torana.services.iam.shelf import Shelf, bare, find, free, keep, made
from torana.services.iam.users import shown_group, shown_user
from torana.services.ports import Call

_MOST = 10
"""Groups of a user."""


class GroupsOfUsers:
    """The operations."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def CreateGroup(self, call: Call, params: Json) -> Json:
        name = params["GroupName"]

        async def work(sheet: Sheet) -> Json:
            await free(sheet, GROUP, name, f"Group with name {name} already exists.")
            group = made(GROUP, name, params.get("Path"), None)
            keep(sheet, GROUP, group)
            return {"Group": shown_group(call, group)}

        return await self._shelf.edit(call, work)

    async def GetGroup(self, call: Call, params: Json) -> Json:
        """A group and its users."""

        async def work(sheet: Sheet) -> Json:
            group = await find(sheet, GROUP, params["GroupName"])
            users = await _members(sheet, group)
            shown = page(
                [shown_user(call, user, brief=True) for user in users], params, "Users", "UserName"
            )
            return {"Group": shown_group(call, group), **shown}

        return await self._shelf.read(work)

    async def ListGroups(self, call: Call, params: Json) -> Json:
        prefix = params.get("PathPrefix") or "/"

        async def work(sheet: Sheet) -> Json:
            found = [
                shown_group(call, group)
                async for _, group in sheet.scan(GROUP)
                if group["Path"].startswith(prefix)
            ]
            return page(found, params, "Groups", "GroupName")

        return await self._shelf.read(work)

    async def UpdateGroup(self, call: Call, params: Json) -> Json:
        name, new = params["GroupName"], params.get("NewGroupName")

        async def work(sheet: Sheet) -> Json:
            group = await find(sheet, GROUP, name)
            if new and new.lower() != name.lower():
                await free(sheet, GROUP, new, f"Group with name {new} already exists.")
                sheet.delete(GROUP, group["Name"].lower())
            if new:
                for user in await _members(sheet, group):
                    left = [each for each in user["Groups"] if each != group["Name"]]
                    keep(sheet, USER, {**user, "Groups": [*left, new]})
            group["Name"] = new or group["Name"]
            group["Path"] = params.get("NewPath") or group["Path"]
            keep(sheet, GROUP, group)
            return {}

        return await self._shelf.edit(call, work)

    async def DeleteGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            group = await find(sheet, GROUP, params["GroupName"])
            if await _members(sheet, group):
                raise in_use("Cannot delete entity, must remove users from group first.")
            bare(group)
            sheet.delete(GROUP, group["Name"].lower())
            return {}

        return await self._shelf.edit(call, work)

    async def AddUserToGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            group = await find(sheet, GROUP, params["GroupName"])
            user = await find(sheet, USER, params["UserName"])
            there = user.get("Groups", [])
            if group["Name"] not in there:
                if len(there) >= _MOST:
                    raise over("GroupsPerUser", _MOST)
                keep(sheet, USER, {**user, "Groups": [*there, group["Name"]]})
            return {}

        return await self._shelf.edit(call, work)

    async def RemoveUserFromGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            group = await find(sheet, GROUP, params["GroupName"])
            user = await find(sheet, USER, params["UserName"])
            left = [each for each in user.get("Groups", ()) if each != group["Name"]]
            keep(sheet, USER, {**user, "Groups": left})
            return {}

        return await self._shelf.edit(call, work)


async def _members(sheet: Sheet, group: Json) -> list[Json]:
    name = group["Name"]
    return [user async for _, user in sheet.scan(USER) if name in user.get("Groups", ())]
