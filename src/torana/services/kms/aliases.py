"""Aliases: names that lead to a key.

Source: KMS API Reference, "CreateAlias".
"""

import re
from time import time

from torana.services.apigateway.book import Sheet
from torana.services.kms.ring import ALIAS, Json, Ring, arn, missing, page, standing
from torana.services.moments import moment
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_NAME = re.compile(r"alias/[a-zA-Z0-9/_-]{1,250}")


class Aliases:
    """The operations."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    async def CreateAlias(self, call: Call, params: Json) -> Json:
        name = params["AliasName"]
        if not name.startswith("alias/"):
            raise ServiceError("ValidationException", 'Alias must start with the prefix "alias/"')
        if _NAME.fullmatch(name) is None or name.startswith("alias/aws/"):
            raise ServiceError("InvalidAliasNameException", f"{name} is no name for an alias")

        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["TargetKeyId"])
            standing(key)
            if await sheet.get(ALIAS, name) is not None:
                raise ServiceError(
                    "AlreadyExistsException",
                    f"An alias with the name {arn(call, name)} already exists",
                )
            now = time()
            made = {"TargetKeyId": key["KeyId"], "CreationDate": now, "LastUpdatedDate": now}
            sheet.put(ALIAS, name, made)
            return {}

        return await self._ring.book.edit(call, work)

    async def UpdateAlias(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            alias = await _the(sheet, call, params["AliasName"])
            before = await self._ring.find(sheet, call, alias["TargetKeyId"])
            key = await self._ring.find(sheet, call, params["TargetKeyId"])
            standing(key)
            if key["KeyUsage"] != before["KeyUsage"]:
                raise ServiceError(
                    "ValidationException", "The keys of an alias must have the same key usage"
                )
            alias |= {"TargetKeyId": key["KeyId"], "LastUpdatedDate": time()}
            sheet.put(ALIAS, params["AliasName"], alias)
            return {}

        return await self._ring.book.edit(call, work)

    async def DeleteAlias(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await _the(sheet, call, params["AliasName"])
            sheet.delete(ALIAS, params["AliasName"])
            return {}

        return await self._ring.book.edit(call, work)

    async def ListAliases(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            wanted = params.get("KeyId")
            only = (await self._ring.find(sheet, call, wanted))["KeyId"] if wanted else None
            found = [
                {
                    "AliasName": name,
                    "AliasArn": arn(call, name),
                    "TargetKeyId": alias["TargetKeyId"],
                    "CreationDate": moment(alias["CreationDate"]),
                    "LastUpdatedDate": moment(alias["LastUpdatedDate"]),
                }
                async for name, alias in sheet.scan(ALIAS)
                if only in (None, alias["TargetKeyId"])
            ]
            return page(found, params, "Aliases", "AliasName")

        return await self._ring.book.read(work)


async def _the(sheet: Sheet, call: Call, name: str) -> Json:
    found = await sheet.get(ALIAS, name)
    if found is None:
        raise missing(f"Alias {arn(call, name)} is not found.")
    return found
