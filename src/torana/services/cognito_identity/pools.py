"""Identity pools: made, described, changed, deleted, tagged; and the roles that they give.

Source: Cognito identity pools API Reference.
"""

import re
from collections.abc import Callable
from uuid import uuid4

from torana.services.apigateway.book import Sheet
from torana.services.cognito_identity.directory import IDENTITY, MEMBER, POOL, Directory
from torana.services.cognito_idp.directory import Json, key, page
from torana.services.cognito_idp.faults import invalid, missing, unsupported
from torana.services.given import members
from torana.services.ports import Call

_KEPT = (
    "IdentityPoolName",
    "AllowUnauthenticatedIdentities",
    "AllowClassicFlow",
    "OpenIdConnectProviderARNs",
    "CognitoIdentityProviders",
    "IdentityPoolTags",
)
_REFUSED = {
    "SupportedLoginProviders": "SupportedLoginProviders (name them as OpenID Connect providers)",
    "DeveloperProviderName": "DeveloperProviderName (developer authenticated identities)",
    "SamlProviderARNs": "SamlProviderARNs",
}
_PROVIDER = re.compile(r"cognito-idp\.[\w-]+\.amazonaws\.com/[\w-]+_[0-9a-zA-Z]+")
_ROLES = ("authenticated", "unauthenticated")


class IdentityPools:
    """The operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory, self._book = directory, directory.book

    async def CreateIdentityPool(self, call: Call, params: Json) -> Json:
        made: Json = {"IdentityPoolId": f"{call.region}:{uuid4()}", "account": _account(call)}
        _set(made, params)

        async def work(sheet: Sheet) -> Json:
            sheet.put(POOL, key(made["IdentityPoolId"]), made)
            return _shown(made)

        return await self._book.edit(call, work)

    async def UpdateIdentityPool(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["IdentityPoolId"])
            _set(pool, params)
            sheet.put(POOL, key(pool["IdentityPoolId"]), pool)
            return _shown(pool)

        return await self._book.edit(call, work)

    async def DescribeIdentityPool(self, call: Call, params: Json) -> Json:
        del call

        async def work(sheet: Sheet) -> Json:
            return _shown(await self._directory.pool(sheet, params["IdentityPoolId"]))

        return await self._book.read(work)

    async def ListIdentityPools(self, call: Call, params: Json) -> Json:
        del call

        async def work(sheet: Sheet) -> Json:
            found = [pool async for _, pool in sheet.scan(POOL)]
            paged = page(found, params, "IdentityPools", "IdentityPoolId", "MaxResults")
            names = ("IdentityPoolId", "IdentityPoolName")
            paged["IdentityPools"] = [
                {name: pool[name] for name in names} for pool in paged["IdentityPools"]
            ]
            return paged

        return await self._book.read(work)

    async def DeleteIdentityPool(self, call: Call, params: Json) -> Json:
        """With every identity in it."""

        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["IdentityPoolId"])
            async for _, member in sheet.scan(MEMBER, f"{key(pool['IdentityPoolId'])}/"):
                identity = await sheet.get(IDENTITY, key(member["IdentityId"]))
                if identity is not None:
                    await self._directory.delete(sheet, identity)
            sheet.delete(POOL, key(pool["IdentityPoolId"]))
            return {}

        return await self._book.edit(call, work)

    async def SetIdentityPoolRoles(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["IdentityPoolId"])
            for name in params["Roles"]:
                if name not in _ROLES:
                    raise invalid(f"Roles must be {' or '.join(_ROLES)}, not {name}")
            mappings = members(params, "RoleMappings")
            for each in mappings.values():
                _check_mapping(each)
            pool["Roles"], pool["RoleMappings"] = params["Roles"], mappings
            sheet.put(POOL, key(pool["IdentityPoolId"]), pool)
            return {}

        return await self._book.edit(call, work)

    async def GetIdentityPoolRoles(self, call: Call, params: Json) -> Json:
        del call

        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["IdentityPoolId"])
            names = ("IdentityPoolId", "Roles", "RoleMappings")
            return {name: pool[name] for name in names if pool.get(name)}

        return await self._book.read(work)

    async def TagResource(self, call: Call, params: Json) -> Json:
        def tag(tags: Json) -> None:
            tags.update(params["Tags"])

        return await self._tag(call, params, tag)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        def untag(tags: Json) -> None:
            for name in params["TagKeys"]:
                tags.pop(name, None)

        return await self._tag(call, params, untag)

    async def _tag(self, call: Call, params: Json, change: Callable[[Json], None]) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._by_arn(sheet, call, params)
            change(pool.setdefault("IdentityPoolTags", {}))
            sheet.put(POOL, key(pool["IdentityPoolId"]), pool)
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._by_arn(sheet, call, params)
            return {"Tags": members(pool, "IdentityPoolTags")}

        return await self._book.read(work)

    async def _by_arn(self, sheet: Sheet, call: Call, params: Json) -> Json:
        arn: str = params["ResourceArn"]
        id = arn.partition(":identitypool/")[2]
        region = id.partition(":")[0]
        if arn != f"arn:aws:cognito-identity:{region}:{_account(call)}:identitypool/{id}":
            raise missing(f"{arn} is no identity pool of this account")
        return await self._directory.pool(sheet, id)


def _account(call: Call) -> str:
    return call.principal.account


def _set(pool: Json, params: Json) -> None:
    """Raises the service's error."""
    for name, told in _REFUSED.items():
        if params.get(name):
            raise unsupported(told)
    for each in params.get("CognitoIdentityProviders") or ():
        if not _PROVIDER.fullmatch(each.get("ProviderName", "")) or not each.get("ClientId"):
            raise invalid(
                "A Cognito identity provider has a ProviderName such as "
                "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC, and a ClientId"
            )
    for name in _KEPT:
        pool.pop(name, None)
        if params.get(name) is not None:
            pool[name] = params[name]


def _shown(pool: Json) -> Json:
    return {name: pool[name] for name in ("IdentityPoolId", *_KEPT) if name in pool}


def _check_mapping(mapping: Json) -> None:
    rules = members(mapping, "RulesConfiguration").get("Rules")
    if (mapping["Type"] == "Rules") != bool(rules):
        raise invalid("A mapping by rules, and no other, has RulesConfiguration")
    if not mapping.get("AmbiguousRoleResolution"):
        raise invalid("AmbiguousRoleResolution is required for mappings")
