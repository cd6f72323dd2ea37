"""User pools: made, described, changed, deleted, tagged.

Source: Cognito user pools API Reference. Settings that nothing here heeds are refused.
"""

import secrets
from collections.abc import Callable
from random import choices
from string import ascii_letters, digits

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import schema
from torana.services.cognito_idp.attempts import ATTEMPTS
from torana.services.cognito_idp.directory import (
    ALIAS,
    CLIENT,
    CLIENT_POOL,
    GROUP,
    MEMBER,
    POOL,
    SERVER,
    USER,
    Directory,
    Json,
    key,
    now,
    page,
)
from torana.services.cognito_idp.faults import invalid, missing
from torana.services.cognito_idp.pool_settings import mfa_of, set_, set_mfa, shown
from torana.services.cognito_idp.sessions import SESSION
from torana.services.cognito_idp.signing import Signing
from torana.services.moments import moment
from torana.services.ports import Call

_OF_POOL = (USER, ALIAS, GROUP, MEMBER, SERVER, CLIENT, SESSION, ATTEMPTS)


class Pools:
    """The operations."""

    def __init__(self, directory: Directory, signing: Signing) -> None:
        self._directory, self._signing = directory, signing
        self._book = directory.book

    async def CreateUserPool(self, call: Call, params: Json) -> Json:
        """Makes the pool's first signing key, too."""
        if params.get("UsernameAttributes") and params.get("AliasAttributes"):
            raise invalid("Only one of the aliasAttributes or usernameAttributes can be set.")
        at = now()
        id = f"{call.region}_{''.join(choices(ascii_letters + digits, k=9))}"  # noqa: S311
        pool: Json = {
            "Id": id,
            "Name": params["PoolName"],
            "Arn": f"arn:aws:cognito-idp:{call.region}:{call.principal.account}:userpool/{id}",
            "CreationDate": at,
            "SchemaByName": schema.with_own(params.get("Schema") or ()),
            "UsernameConfiguration": params.get("UsernameConfiguration") or {"CaseSensitive": True},
            "mfa": {"MfaConfiguration": "OFF"},
        }
        for name in ("AliasAttributes", "UsernameAttributes"):
            if params.get(name):
                pool[name] = params[name]
        set_(pool, params)
        mfa_of(pool, params)
        self._directory.close(pool, "decoy", secrets.token_hex(32))
        await self._signing.add_key(pool)

        async def work(sheet: Sheet) -> Json:
            sheet.put(POOL, id, pool)
            return {"UserPool": shown(pool)}

        return await self._book.edit(call, work)

    async def UpdateUserPool(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            pool["Name"] = params.get("PoolName") or pool["Name"]
            set_(pool, params)
            mfa_of(pool, params)
            sheet.put(POOL, pool["Id"], pool)
            return {}

        return await self._book.edit(call, work)

    async def DescribeUserPool(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            told = shown(pool)
            told["EstimatedNumberOfUsers"] = 0
            async for _ in self._book.store.scan(USER, f"{pool['Id']}/"):
                told["EstimatedNumberOfUsers"] += 1
            return {"UserPool": told}

        return await self._book.read(work)

    async def ListUserPools(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [pool async for _, pool in sheet.scan(POOL)]
            paged = page(found, params, "UserPools", "Id", "MaxResults")
            paged["UserPools"] = [
                {
                    "Id": pool["Id"],
                    "Name": pool["Name"],
                    "LambdaConfig": pool.get("LambdaConfig", {}),
                    "CreationDate": moment(pool["CreationDate"]),
                    "LastModifiedDate": moment(pool["LastModifiedDate"]),
                }
                for pool in paged["UserPools"]
            ]
            return paged

        return await self._book.read(work)

    async def DeleteUserPool(self, call: Call, params: Json) -> Json:
        """With everything in it."""

        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            if pool["DeletionProtection"] == "ACTIVE":
                raise invalid(
                    "The user pool cannot be deleted because deletion protection is activated. "
                    "Deletion protection must be inactivated first."
                )
            if pool.get("Domain"):
                raise invalid(
                    "User pool cannot be deleted. It has a domain configured that should be "
                    "deleted first."
                )
            for kind in _OF_POOL:
                async for id, document in sheet.scan(kind, f"{pool['Id']}/"):
                    sheet.delete(kind, id)
                    if kind == CLIENT and await sheet.get(CLIENT_POOL, key(document["ClientId"])):
                        sheet.delete(CLIENT_POOL, key(document["ClientId"]))
            sheet.delete(POOL, pool["Id"])
            return {}

        return await self._book.edit(call, work)

    async def AddCustomAttributes(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            pool["SchemaByName"] = schema.added(pool["SchemaByName"], params["CustomAttributes"])
            pool["LastModifiedDate"] = now()
            sheet.put(POOL, pool["Id"], pool)
            return {}

        return await self._book.edit(call, work)

    async def SetUserPoolMfaConfig(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            set_mfa(pool, params)
            pool["LastModifiedDate"] = now()
            sheet.put(POOL, pool["Id"], pool)
            return pool["mfa"]

        return await self._book.edit(call, work)

    async def GetUserPoolMfaConfig(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return (await self._directory.pool(sheet, params["UserPoolId"]))["mfa"]

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
            pool = await self._by_arn(sheet, params)
            tags = pool.setdefault("UserPoolTags", {})
            change(tags)
            if len(tags) > 50:
                raise invalid("A user pool has 50 tags at most")
            sheet.put(POOL, pool["Id"], pool)
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"Tags": (await self._by_arn(sheet, params)).get("UserPoolTags", {})}

        return await self._book.read(work)

    async def _by_arn(self, sheet: Sheet, params: Json) -> Json:
        arn = params["ResourceArn"]
        pool = await self._directory.pool(sheet, arn.rpartition("/")[2])
        if pool["Arn"] != arn:
            raise missing(f"User pool {arn} does not exist.")
        return pool
