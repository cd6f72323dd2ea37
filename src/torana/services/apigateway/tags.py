"""Tags of whatever has an ARN, and the account's own settings."""

from collections.abc import Callable

from torana.services.apigateway.book import API, DOMAIN, KEY, PLAN, STAGE, Book, Json, Sheet
from torana.services.apigateway.faults import bad, not_found
from torana.services.apigateway.patch import EDIT, Rule, patch
from torana.services.ports import Call

_ACCOUNT = "rest-account"
_KINDS = {"restapis": API, "apikeys": KEY, "usageplans": PLAN, "domainnames": DOMAIN}
_RULES = (Rule("/cloudwatchRoleArn", EDIT), Rule("/features", ("add", "remove"), listed=True))


def _place(arn: str) -> tuple[str, str]:
    """Kind and id of what an ARN names. Raises the service's error."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "apigateway":
        raise bad(f"Invalid ARN. ARN is not well formed {arn}")
    path = parts[5].strip("/").split("/")
    if len(path) == 4 and path[0] == "restapis" and path[2] == "stages":
        return STAGE, f"{path[1]}/{path[3]}"
    if len(path) == 2 and path[0] in _KINDS:
        return _KINDS[path[0]], path[1]
    raise bad(f"Invalid ARN. ARN is not well formed {arn}")


class Tags:
    """Operations on tags and the account."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def TagResource(self, call: Call, params: Json) -> Json:
        return await self._change(call, params, lambda tags: tags.update(params["tags"]))

    async def UntagResource(self, call: Call, params: Json) -> Json:
        def remove(tags: dict[str, str]) -> None:
            for name in params["tagKeys"]:
                tags.pop(name, None)

        return await self._change(call, params, remove)

    async def GetTags(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            kind, id = _place(params["resourceArn"])
            return {"tags": (await _found(sheet, kind, id)).get("tags", {})}

        return await self._book.read(work)

    async def _change(
        self, call: Call, params: Json, change: Callable[[dict[str, str]], None]
    ) -> Json:
        async def work(sheet: Sheet) -> Json:
            kind, id = _place(params["resourceArn"])
            document = await _found(sheet, kind, id)
            change(document.setdefault("tags", {}))
            sheet.put(kind, id, document)
            return {}

        return await self._book.edit(call, work)

    async def GetAccount(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await _account(sheet)

        return await self._book.read(work)

    async def UpdateAccount(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            account = await _account(sheet)
            patch(account, params.get("patchOperations"), _RULES)
            sheet.put(_ACCOUNT, "account", account)
            return account

        return await self._book.edit(call, work)


async def _account(sheet: Sheet) -> Json:
    found = await sheet.get(_ACCOUNT, "account")
    throttle = {"burstLimit": 5000, "rateLimit": 10000.0}
    return found or {
        "throttleSettings": throttle,
        "features": ["UsagePlans"],
        "apiKeyVersion": "4",
    }


async def _found(sheet: Sheet, kind: str, id: str) -> Json:
    document = await sheet.get(kind, id)
    if document is None:
        raise not_found("Invalid resource identifier specified")
    return document
