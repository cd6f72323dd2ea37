"""Policies of users, groups and roles: managed ones attached, inline ones written into them.

Source: IAM API Reference; IAM User Guide, "IAM and AWS STS quotas".
"""

from collections.abc import Mapping

from torana.services.apigateway.book import Sheet
from torana.services.iam.documents import checked, size
from torana.services.iam.names import (
    GROUP,
    ROLE,
    SAID,
    USER,
    Json,
    encoded,
    missing,
    over,
    page,
)
from torana.services.iam.shelf import Shelf, find, find_policy, keep
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_ATTACHED = 10
_INLINE: Mapping[str, int] = {USER: 2048, GROUP: 5120, ROLE: 10240}
"""Characters of all inline policies together."""
_NAMES: Mapping[str, str] = {USER: "UserName", GROUP: "GroupName", ROLE: "RoleName"}


class Attached:
    """The operations."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def AttachUserPolicy(self, call: Call, params: Json) -> Json:
        return await self._attach(call, USER, params)

    async def AttachGroupPolicy(self, call: Call, params: Json) -> Json:
        return await self._attach(call, GROUP, params)

    async def AttachRolePolicy(self, call: Call, params: Json) -> Json:
        return await self._attach(call, ROLE, params)

    async def _attach(self, call: Call, kind: str, params: Json) -> Json:
        policy = params["PolicyArn"]

        async def work(sheet: Sheet) -> Json:
            entity = await find(sheet, kind, params[_NAMES[kind]])
            await find_policy(
                sheet, call, policy, f"Policy {policy} does not exist or is not attachable."
            )
            there = entity.get("Attached", [])
            if policy not in there:
                if len(there) >= _ATTACHED:
                    raise over(f"PoliciesPer{SAID[kind].capitalize()}", _ATTACHED)
                keep(sheet, kind, {**entity, "Attached": [*there, policy]})
            return {}

        return await self._shelf.edit(call, work)

    async def DetachUserPolicy(self, call: Call, params: Json) -> Json:
        return await self._detach(call, USER, params)

    async def DetachGroupPolicy(self, call: Call, params: Json) -> Json:
        return await self._detach(call, GROUP, params)

    async def DetachRolePolicy(self, call: Call, params: Json) -> Json:
        return await self._detach(call, ROLE, params)

    async def _detach(self, call: Call, kind: str, params: Json) -> Json:
        policy = params["PolicyArn"]

        async def work(sheet: Sheet) -> Json:
            entity = await find(sheet, kind, params[_NAMES[kind]])
            there = entity.get("Attached", [])
            if policy not in there:
                raise missing(f"Policy {policy} was not found.")
            left = [each for each in there if each != policy]
            keep(sheet, kind, {**entity, "Attached": left})
            return {}

        return await self._shelf.edit(call, work)

    async def ListAttachedUserPolicies(self, call: Call, params: Json) -> Json:
        return await self._list_attached(call, USER, params)

    async def ListAttachedGroupPolicies(self, call: Call, params: Json) -> Json:
        return await self._list_attached(call, GROUP, params)

    async def ListAttachedRolePolicies(self, call: Call, params: Json) -> Json:
        return await self._list_attached(call, ROLE, params)

    async def _list_attached(self, call: Call, kind: str, params: Json) -> Json:
        prefix = params.get("PathPrefix") or "/"

        async def work(sheet: Sheet) -> Json:
            entity = await find(sheet, kind, params[_NAMES[kind]])
            found = [
                each
                for each in shown_attached(entity)
                if ("/" + each["PolicyArn"].partition(":policy/")[2]).startswith(prefix)
            ]
            return page(found, params, "AttachedPolicies", "PolicyName")

        return await self._shelf.read(work)

    async def PutUserPolicy(self, call: Call, params: Json) -> Json:
        return await self._put(call, USER, params)

    async def PutGroupPolicy(self, call: Call, params: Json) -> Json:
        return await self._put(call, GROUP, params)

    async def PutRolePolicy(self, call: Call, params: Json) -> Json:
        return await self._put(call, ROLE, params)

    async def _put(self, call: Call, kind: str, params: Json) -> Json:
        document = checked(params["PolicyDocument"])

        async def work(sheet: Sheet) -> Json:
            entity = await find(sheet, kind, params[_NAMES[kind]])
            inline = {**entity.get("Inline", {}), params["PolicyName"]: document}
            limit = _INLINE[kind]
            if sum(size(each) for each in inline.values()) > limit:
                raise ServiceError(
                    "LimitExceeded",
                    f"Maximum policy size of {limit} bytes exceeded for {SAID[kind]} "
                    f"{entity['Name']}",
                    status=409,
                )
            keep(sheet, kind, {**entity, "Inline": inline})
            return {}

        return await self._shelf.edit(call, work)

    async def GetUserPolicy(self, call: Call, params: Json) -> Json:
        return await self._get(USER, params)

    async def GetGroupPolicy(self, call: Call, params: Json) -> Json:
        return await self._get(GROUP, params)

    async def GetRolePolicy(self, call: Call, params: Json) -> Json:
        return await self._get(ROLE, params)

    async def _get(self, kind: str, params: Json) -> Json:
        name = params["PolicyName"]

        async def work(sheet: Sheet) -> Json:
            entity = await find(sheet, kind, params[_NAMES[kind]])
            return {
                _NAMES[kind]: entity["Name"],
                "PolicyName": name,
                "PolicyDocument": encoded(_inline(entity, kind, name)),
            }

        return await self._shelf.read(work)

    async def DeleteUserPolicy(self, call: Call, params: Json) -> Json:
        return await self._delete(call, USER, params)

    async def DeleteGroupPolicy(self, call: Call, params: Json) -> Json:
        return await self._delete(call, GROUP, params)

    async def DeleteRolePolicy(self, call: Call, params: Json) -> Json:
        return await self._delete(call, ROLE, params)

    async def _delete(self, call: Call, kind: str, params: Json) -> Json:
        name = params["PolicyName"]

        async def work(sheet: Sheet) -> Json:
            entity = await find(sheet, kind, params[_NAMES[kind]])
            _inline(entity, kind, name)
            left = {key: each for key, each in entity["Inline"].items() if key != name}
            keep(sheet, kind, {**entity, "Inline": left})
            return {}

        return await self._shelf.edit(call, work)

    async def ListUserPolicies(self, call: Call, params: Json) -> Json:
        return await self._list(USER, params)

    async def ListGroupPolicies(self, call: Call, params: Json) -> Json:
        return await self._list(GROUP, params)

    async def ListRolePolicies(self, call: Call, params: Json) -> Json:
        return await self._list(ROLE, params)

    async def _list(self, kind: str, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            entity = await find(sheet, kind, params[_NAMES[kind]])
            names = [{"Name": name} for name in entity.get("Inline", {})]
            shown = page(names, params, "PolicyNames", "Name")
            return {**shown, "PolicyNames": [each["Name"] for each in shown["PolicyNames"]]}

        return await self._shelf.read(work)


def _inline(entity: Json, kind: str, name: str) -> str:
    found = entity.get("Inline", {}).get(name)
    if found is None:
        raise missing(f"The {SAID[kind]} policy with name {name} cannot be found.")
    return found


def shown_attached(entity: Json) -> list[Json]:
    """What is attached to an identity, as the wire takes it."""
    return [
        {"PolicyName": each.rpartition("/")[2], "PolicyArn": each}
        for each in entity.get("Attached", ())
    ]
