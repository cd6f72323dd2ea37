"""Access keys of users: the secret is told once, and kept sealed, as signatures need it.

Source: IAM API Reference.
"""

from time import time
from typing import Any

from torana.auth.keys import new_access_key_id, new_secret_access_key
from torana.services.apigateway.book import Sheet
from torana.services.iam.names import KEY, USED, USER, Json, missing, moment, over, page
from torana.services.iam.shelf import Shelf, find, keep
from torana.services.iam.users import whose
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_MOST = 2


class AccessKeys:
    """The operations."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def CreateAccessKey(self, call: Call, params: Json) -> Json:
        id, secret = new_access_key_id(), new_secret_access_key()

        async def work(sheet: Sheet) -> Json:
            user = await find(sheet, USER, whose(call, params))
            if len(user.get("Keys", ())) >= _MOST:
                raise over("AccessKeysPerUser", _MOST)
            user["Keys"] = [*user.get("Keys", ()), id]
            key = {
                "User": user["Name"],
                "Secret": self._shelf.seal.close(secret.encode()),
                "Status": "Active",
                "Created": time(),
            }
            keep(sheet, USER, user)
            sheet.put(KEY, id, key)
            return {"AccessKey": {**_shown(id, key), "SecretAccessKey": secret}}

        return await self._shelf.edit(call, work)

    async def ListAccessKeys(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            user = await find(sheet, USER, whose(call, params))
            keys = [(id, await sheet.get(KEY, id)) for id in user.get("Keys", ())]
            shown = [_shown(id, key) for id, key in keys if key is not None]
            return page(shown, params, "AccessKeyMetadata", "AccessKeyId")

        return await self._shelf.read(work)

    async def UpdateAccessKey(self, call: Call, params: Json) -> Json:
        if params["Status"] not in ("Active", "Inactive"):
            raise ServiceError("ValidationError", "Status must be Active or Inactive", status=400)

        async def work(sheet: Sheet) -> Json:
            _, key = await _found(sheet, call, params)
            sheet.put(KEY, params["AccessKeyId"], {**key, "Status": params["Status"]})
            return {}

        return await self._shelf.edit(call, work)

    async def DeleteAccessKey(self, call: Call, params: Json) -> Json:
        id = params["AccessKeyId"]

        async def work(sheet: Sheet) -> Json:
            user, _ = await _found(sheet, call, params)
            user["Keys"] = [each for each in user["Keys"] if each != id]
            keep(sheet, USER, user)
            sheet.delete(KEY, id)
            if await sheet.get(USED, id) is not None:
                sheet.delete(USED, id)
            return {}

        return await self._shelf.edit(call, work)

    async def GetAccessKeyLastUsed(self, call: Call, params: Json) -> Json:
        id = params["AccessKeyId"]

        async def work(sheet: Sheet) -> Json:
            key = await sheet.get(KEY, id)
            if key is None:
                raise _no_key(id)
            used: dict[str, Any] = await sheet.get(USED, id) or {}
            last: Json = {
                "ServiceName": used.get("Service", "N/A"),
                "Region": used.get("Region", "N/A"),
            }
            if used:
                last["LastUsedDate"] = moment(used["Time"])
            return {"UserName": key["User"], "AccessKeyLastUsed": last}

        return await self._shelf.read(work)


async def _found(sheet: Sheet, call: Call, params: Json) -> tuple[Json, Json]:
    user = await find(sheet, USER, whose(call, params))
    key = await sheet.get(KEY, params["AccessKeyId"])
    if key is None or params["AccessKeyId"] not in user.get("Keys", ()):
        raise _no_key(params["AccessKeyId"])
    return user, key


def _no_key(id: str) -> ServiceError:
    return missing(f"The Access Key with id {id} cannot be found.")


def _shown(id: str, key: Json) -> Json:
    return {
        "UserName": key["User"],
        "AccessKeyId": id,
        "Status": key["Status"],
        "CreateDate": moment(key["Created"]),
    }
