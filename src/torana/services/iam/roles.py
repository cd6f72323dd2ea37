"""Roles, whom they trust, and instance profiles that hold one.

Source: IAM API Reference.
"""

from torana.services.apigateway.book import Sheet
from torana.services.iam.documents import checked_trust, small
from torana.services.iam.names import (
    PROFILE,
    ROLE,
    USED,
    Json,
    arn,
    encoded,
    in_use,
    moment,
    no,
    over,
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

_TRUST = 2048
_SHORTEST, _LONGEST = 3600, 43200


class RolesOfIam:
    """The operations."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def CreateRole(self, call: Call, params: Json) -> Json:
        name = params["RoleName"]
        trust = _trust(params["AssumeRolePolicyDocument"])

        async def work(sheet: Sheet) -> Json:
            await free(sheet, ROLE, name, f"Role with name {name} already exists.")
            role = made(ROLE, name, params.get("Path"), params.get("Tags"))
            role["Trust"] = trust
            role["Description"] = params.get("Description") or ""
            role["Longest"] = _duration(params.get("MaxSessionDuration"))
            await with_boundary(sheet, call, role, params.get("PermissionsBoundary"))
            keep(sheet, ROLE, role)
            return {"Role": shown_role(call, role)}

        return await self._shelf.edit(call, work)

    async def GetRole(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            role = await find(sheet, ROLE, params["RoleName"])
            used = await sheet.get(USED, role["Id"])
            last: Json = {}
            if used is not None:
                last = {"LastUsedDate": moment(used["Time"]), "Region": used["Region"]}
            return {"Role": {**shown_role(call, role), "RoleLastUsed": last}}

        return await self._shelf.read(work)

    async def ListRoles(self, call: Call, params: Json) -> Json:
        prefix = params.get("PathPrefix") or "/"

        async def work(sheet: Sheet) -> Json:
            found = [
                shown_role(call, role, brief=True)
                async for _, role in sheet.scan(ROLE)
                if role["Path"].startswith(prefix)
            ]
            return page(found, params, "Roles", "RoleName")

        return await self._shelf.read(work)

    async def _change(self, call: Call, name: str, **members: object) -> Json:
        async def work(sheet: Sheet) -> Json:
            role = await find(sheet, ROLE, name)
            role.update(members)
            keep(sheet, ROLE, role)
            return role

        return await self._shelf.edit(call, work)

    async def UpdateRole(self, call: Call, params: Json) -> Json:
        changed: Json = {}
        if params.get("Description") is not None:
            changed["Description"] = params["Description"]
        if params.get("MaxSessionDuration") is not None:
            changed["Longest"] = _duration(params["MaxSessionDuration"])
        await self._change(call, params["RoleName"], **changed)
        return {}

    async def UpdateRoleDescription(self, call: Call, params: Json) -> Json:
        role = await self._change(call, params["RoleName"], Description=params["Description"])
        return {"Role": shown_role(call, role)}

    async def UpdateAssumeRolePolicy(self, call: Call, params: Json) -> Json:
        await self._change(call, params["RoleName"], Trust=_trust(params["PolicyDocument"]))
        return {}

    async def DeleteRole(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            role = await find(sheet, ROLE, params["RoleName"])
            mark = role["Name"].lower()
            async for _, profile in sheet.scan(PROFILE):
                if profile.get("Role") == mark:
                    raise in_use(
                        "Cannot delete entity, must remove roles from instance profile first."
                    )
            bare(role)
            sheet.delete(ROLE, mark)
            return {}

        return await self._shelf.edit(call, work)

    async def PutRolePermissionsBoundary(self, call: Call, params: Json) -> Json:
        name, policy = params["RoleName"], params["PermissionsBoundary"]
        return await bound(self._shelf, call, ROLE, name, policy)

    async def DeleteRolePermissionsBoundary(self, call: Call, params: Json) -> Json:
        return await bound(self._shelf, call, ROLE, params["RoleName"], None)


class Profiles:
    """Instance profiles: kept for the clients that make them; there are no instances here."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def CreateInstanceProfile(self, call: Call, params: Json) -> Json:
        name = params["InstanceProfileName"]

        async def work(sheet: Sheet) -> Json:
            await free(sheet, PROFILE, name, f"Instance Profile {name} already exists.")
            profile = made(PROFILE, name, params.get("Path"), params.get("Tags"))
            keep(sheet, PROFILE, profile)
            return {"InstanceProfile": await shown_profile(sheet, call, profile)}

        return await self._shelf.edit(call, work)

    async def GetInstanceProfile(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            profile = await find(sheet, PROFILE, params["InstanceProfileName"])
            return {"InstanceProfile": await shown_profile(sheet, call, profile)}

        return await self._shelf.read(work)

    async def ListInstanceProfiles(self, call: Call, params: Json) -> Json:
        return await self._list(call, params, None)

    async def ListInstanceProfilesForRole(self, call: Call, params: Json) -> Json:
        return await self._list(call, params, params["RoleName"])

    async def _list(self, call: Call, params: Json, role: str | None) -> Json:
        prefix = params.get("PathPrefix") or "/"

        async def work(sheet: Sheet) -> Json:
            if role is not None:
                await find(sheet, ROLE, role)
            found = [
                await shown_profile(sheet, call, profile)
                async for _, profile in sheet.scan(PROFILE)
                if profile["Path"].startswith(prefix)
                and (role is None or profile.get("Role") == role.lower())
            ]
            return page(found, params, "InstanceProfiles", "InstanceProfileName")

        return await self._shelf.read(work)

    async def DeleteInstanceProfile(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            profile = await find(sheet, PROFILE, params["InstanceProfileName"])
            if profile.get("Role"):
                raise in_use("Cannot delete entity, must remove roles from instance profile first.")
            sheet.delete(PROFILE, profile["Name"].lower())
            return {}

        return await self._shelf.edit(call, work)

    async def AddRoleToInstanceProfile(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            profile = await find(sheet, PROFILE, params["InstanceProfileName"])
            role = await find(sheet, ROLE, params["RoleName"])
            if profile.get("Role"):
                raise over("InstanceSessionsPerInstanceProfile", 1)
            keep(sheet, PROFILE, {**profile, "Role": role["Name"].lower()})
            return {}

        return await self._shelf.edit(call, work)

    async def RemoveRoleFromInstanceProfile(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            profile = await find(sheet, PROFILE, params["InstanceProfileName"])
            if profile.get("Role") != params["RoleName"].lower():
                raise no(ROLE, params["RoleName"])
            left = {name: value for name, value in profile.items() if name != "Role"}
            keep(sheet, PROFILE, left)
            return {}

        return await self._shelf.edit(call, work)


def _trust(document: str) -> str:
    small(document, "ACLSizePerRole", _TRUST)
    return checked_trust(document)


def _duration(seconds: int | None) -> int:
    if seconds is None:
        return _SHORTEST
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ServiceError(
            "ValidationError",
            f"MaxSessionDuration must be between {_SHORTEST} and {_LONGEST}",
            status=400,
        )
    return seconds


def shown_role(call: Call, role: Json, *, brief: bool = False) -> Json:
    """As the wire takes it; lists leave boundary and tags out."""
    shown: Json = {
        "Path": role["Path"],
        "RoleName": role["Name"],
        "RoleId": role["Id"],
        "Arn": arn(call.principal.account, ROLE, role),
        "CreateDate": moment(role["Created"]),
        "AssumeRolePolicyDocument": encoded(role["Trust"]),
        "MaxSessionDuration": role["Longest"],
    }
    if role["Description"]:
        shown["Description"] = role["Description"]
    return shown if brief else {**shown, **extras(role)}


async def shown_profile(sheet: Sheet, call: Call, profile: Json) -> Json:
    """As the wire takes it, with its role."""
    role = await sheet.get(ROLE, profile["Role"]) if profile.get("Role") else None
    return {
        "Path": profile["Path"],
        "InstanceProfileName": profile["Name"],
        "InstanceProfileId": profile["Id"],
        "Arn": arn(call.principal.account, PROFILE, profile),
        "CreateDate": moment(profile["Created"]),
        "Roles": [shown_role(call, role, brief=True)] if role else [],
        **extras(profile),
    }
