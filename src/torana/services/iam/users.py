"""Users: made, shown, renamed, bounded, deleted.

Source: IAM API Reference.
"""

from torana.services.apigateway.book import Sheet
from torana.services.iam.names import (
    GROUP,
    KEY,
    USER,
    Json,
    arn,
    in_use,
    missing,
    moment,
    page,
)
from torana.services.iam.shelf import (
    Shelf,
    bare,
    bound,
    extras,
    find,
    free,
    keep,
    made,
    with_boundary,
)
from torana.services.ports import Call
from torana.wire.faults import ServiceError


class Users:
    """The operations."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def CreateUser(self, call: Call, params: Json) -> Json:
        name = params["UserName"]

        async def work(sheet: Sheet) -> Json:
            await free(sheet, USER, name, f"User with name {name} already exists.")
            user = made(USER, name, params.get("Path"), params.get("Tags"))
            await with_boundary(sheet, call, user, params.get("PermissionsBoundary"))
            keep(sheet, USER, user)
            return {"User": shown_user(call, user)}

        return await self._shelf.edit(call, work)

    async def GetUser(self, call: Call, params: Json) -> Json:
        """Without a name: who asks."""
        name = params.get("UserName")
        if name is None:
            who = call.principal
            if who.arn.endswith(":root"):
                root = {"UserId": who.account, "Arn": who.arn, "Path": "/", "UserName": "root"}
                return {"User": {**root, "CreateDate": moment(0)}}
            if ":user/" not in who.arn:
                raise ServiceError(
                    "ValidationError",
                    "Must specify userName when calling with non-User credentials",
                    status=400,
                )
            name = who.arn.rpartition("/")[2]

        async def work(sheet: Sheet) -> Json:
            return {"User": shown_user(call, await find(sheet, USER, name))}

        return await self._shelf.read(work)

    async def ListUsers(self, call: Call, params: Json) -> Json:
        prefix = params.get("PathPrefix") or "/"

        async def work(sheet: Sheet) -> Json:
            found = [
                shown_user(call, user, brief=True)
                async for _, user in sheet.scan(USER)
                if user["Path"].startswith(prefix)
            ]
            return page(found, params, "Users", "UserName")

        return await self._shelf.read(work)

    async def UpdateUser(self, call: Call, params: Json) -> Json:
        name, new = params["UserName"], params.get("NewUserName")

        async def work(sheet: Sheet) -> Json:
            user = await find(sheet, USER, name)
            if new and new.lower() != name.lower():
                await free(sheet, USER, new, f"User with name {new} already exists.")
                sheet.delete(USER, user["Name"].lower())
                for id in user.get("Keys", ()):
                    key = await sheet.get(KEY, id)
                    if key is not None:
                        sheet.put(KEY, id, {**key, "User": new})
            user["Name"], user["Path"] = new or user["Name"], params.get("NewPath") or user["Path"]
            keep(sheet, USER, user)
            return {}

        return await self._shelf.edit(call, work)

    async def DeleteUser(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            user = await find(sheet, USER, params["UserName"])
            if user.get("Keys"):
                raise in_use("Cannot delete entity, must delete access keys first.")
            if user.get("Groups"):
                raise in_use("Cannot delete entity, must remove users from group first.")
            bare(user)
            sheet.delete(USER, user["Name"].lower())
            return {}

        return await self._shelf.edit(call, work)

    async def PutUserPermissionsBoundary(self, call: Call, params: Json) -> Json:
        name, policy = params["UserName"], params["PermissionsBoundary"]
        return await bound(self._shelf, call, USER, name, policy)

    async def DeleteUserPermissionsBoundary(self, call: Call, params: Json) -> Json:
        return await bound(self._shelf, call, USER, params["UserName"], None)

    async def ListGroupsForUser(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            user = await find(sheet, USER, params["UserName"])
            found = [await sheet.get(GROUP, name.lower()) for name in user.get("Groups", ())]
            groups = [shown_group(call, group) for group in found if group is not None]
            return page(groups, params, "Groups", "GroupName")

        return await self._shelf.read(work)

    async def GetLoginProfile(self, call: Call, params: Json) -> Json:
        """Nobody signs in here with a password."""
        name = await self._name({"UserName": whose(call, params)})
        raise missing(f"Login Profile for User {name} cannot be found.")

    async def _name(self, params: Json) -> str:
        async def work(sheet: Sheet) -> str:
            return (await find(sheet, USER, params["UserName"]))["Name"]

        return await self._shelf.read(work)

    async def _none(self, params: Json, members: str) -> Json:
        """Of what no user has here."""
        if params.get("UserName"):
            await self._name(params)
        return {members: [], "IsTruncated": False}

    async def ListMFADevices(self, call: Call, params: Json) -> Json:
        return await self._none(params, "MFADevices")

    async def ListSSHPublicKeys(self, call: Call, params: Json) -> Json:
        return await self._none(params, "SSHPublicKeys")

    async def ListSigningCertificates(self, call: Call, params: Json) -> Json:
        return await self._none(params, "Certificates")

    async def ListServiceSpecificCredentials(self, call: Call, params: Json) -> Json:
        return await self._none(params, "ServiceSpecificCredentials")


def shown_user(call: Call, user: Json, *, brief: bool = False) -> Json:
    """As the wire takes it; lists leave boundary and tags out."""
    shown = {
        "Path": user["Path"],
        "UserName": user["Name"],
        "UserId": user["Id"],
        "Arn": arn(call.principal.account, USER, user),
        "CreateDate": moment(user["Created"]),
    }
    return shown if brief else {**shown, **extras(user)}


def shown_group(call: Call, group: Json) -> Json:
    """As the wire takes it."""
    return {
        "Path": group["Path"],
        "GroupName": group["Name"],
        "GroupId": group["Id"],
        "Arn": arn(call.principal.account, GROUP, group),
        "CreateDate": moment(group["Created"]),
    }


def whose(call: Call, params: Json) -> str:
    """Whom an operation is about: without a name, the caller. Raises the service's error."""
    name = params.get("UserName")
    if name:
        return name
    if ":user/" in call.principal.arn:
        return call.principal.arn.rpartition("/")[2]
    raise ServiceError(
        "ValidationError",
        "Must specify userName when calling with non-User credentials",
        status=400,
    )
