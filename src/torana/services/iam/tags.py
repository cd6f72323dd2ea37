"""Tags of identities and policies.

Source: IAM API Reference.
"""

from torana.services.apigateway.book import Sheet
from torana.services.iam.names import POLICY, PROFILE, ROLE, USER, Json, page, shown_tags
from torana.services.iam.policies import own_policy
from torana.services.iam.providers import find_provider, keep_provider
from torana.services.iam.shelf import Shelf, find, find_policy, keep, tagged, untagged
from torana.services.ports import Call


class Tags:
    """The operations."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def TagUser(self, call: Call, params: Json) -> Json:
        return await self._tag(call, params, USER, "UserName")

    async def UntagUser(self, call: Call, params: Json) -> Json:
        return await self._tag(call, params, USER, "UserName")

    async def ListUserTags(self, call: Call, params: Json) -> Json:
        return await self._list(params, USER, "UserName")

    async def TagRole(self, call: Call, params: Json) -> Json:
        return await self._tag(call, params, ROLE, "RoleName")

    async def UntagRole(self, call: Call, params: Json) -> Json:
        return await self._tag(call, params, ROLE, "RoleName")

    async def ListRoleTags(self, call: Call, params: Json) -> Json:
        return await self._list(params, ROLE, "RoleName")

    async def TagInstanceProfile(self, call: Call, params: Json) -> Json:
        return await self._tag(call, params, PROFILE, "InstanceProfileName")

    async def UntagInstanceProfile(self, call: Call, params: Json) -> Json:
        return await self._tag(call, params, PROFILE, "InstanceProfileName")

    async def ListInstanceProfileTags(self, call: Call, params: Json) -> Json:
        return await self._list(params, PROFILE, "InstanceProfileName")

    async def _tag(self, call: Call, params: Json, kind: str, member: str) -> Json:
        async def work(sheet: Sheet) -> Json:
            entity = await find(sheet, kind, params[member])
            _change(entity, params)
            keep(sheet, kind, entity)
            return {}

        return await self._shelf.edit(call, work)

    async def _list(self, params: Json, kind: str, member: str) -> Json:
        async def work(sheet: Sheet) -> Json:
            return _listed(await find(sheet, kind, params[member]), params)

        return await self._shelf.read(work)

    async def TagPolicy(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            policy = await own_policy(sheet, call, params)
            _change(policy, params)
            keep(sheet, POLICY, policy)
            return {}

        return await self._shelf.edit(call, work)

    UntagPolicy = TagPolicy

    async def ListPolicyTags(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return _listed(await find_policy(sheet, call, params["PolicyArn"]), params)

        return await self._shelf.read(work)

    async def TagOpenIDConnectProvider(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            provider = await find_provider(sheet, params["OpenIDConnectProviderArn"])
            _change(provider, params)
            keep_provider(sheet, provider)
            return {}

        return await self._shelf.edit(call, work)

    UntagOpenIDConnectProvider = TagOpenIDConnectProvider

    async def ListOpenIDConnectProviderTags(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            provider = await find_provider(sheet, params["OpenIDConnectProviderArn"])
            return _listed(provider, params)

        return await self._shelf.read(work)


def _change(entity: Json, params: Json) -> None:
    tags = entity.get("Tags", {})
    if "TagKeys" in params:
        entity["Tags"] = untagged(tags, params["TagKeys"])
    else:
        entity["Tags"] = tagged(tags, params["Tags"])


def _listed(entity: Json, params: Json) -> Json:
    return page(shown_tags(entity.get("Tags", {})), params, "Tags", "Key")
