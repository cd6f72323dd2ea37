"""API keys and usage plans.

A key's value is shown once, when it is made: only its hash is kept. The service keeps values and
gives them out again (`includeValue`); here they cannot be had, which is documented.
"""

from datetime import UTC, datetime
from time import time

from torana.auth.keys import hash_key, new_key
from torana.services.apigateway.book import (
    KEY,
    KEY_VALUE,
    PLAN,
    PLAN_KEY,
    Book,
    Json,
    Sheet,
    new_id,
    page,
)
from torana.services.apigateway.faults import bad, conflict, missing
from torana.services.apigateway.patch import (
    EDIT,
    Rule,
    boolean,
    integer,
    number,
    patch,
    split,
)
from torana.services.ports import Call

_KEY_RULES = (
    Rule("/name"),
    Rule("/description"),
    Rule("/enabled", ("replace",), boolean),
    Rule("/customerId", EDIT),
)
_PLAN_RULES = (
    Rule("/name"),
    Rule("/description"),
    Rule("/productCode", EDIT),
    Rule("/throttle", ("remove",)),
    Rule("/throttle/rateLimit", ("add", "replace"), number),
    Rule("/throttle/burstLimit", ("add", "replace"), integer),
    Rule("/quota", ("remove",)),
    Rule("/quota/limit", ("add", "replace"), integer),
    Rule("/quota/offset", ("add", "replace"), integer),
    Rule("/quota/period", ("add", "replace")),
)


def _shown(key: Json) -> Json:
    dates = {
        name: datetime.fromtimestamp(key[name], UTC) for name in ("createdDate", "lastUpdatedDate")
    }
    return {**{name: key[name] for name in key if name != "valueHash"}, **dates}


async def _key(sheet: Sheet, id: str) -> Json:
    found = await sheet.get(KEY, id)
    if found is None:
        raise missing("API Key")
    return found


async def the_plan(sheet: Sheet, id: str) -> Json:
    """Raises the service's error."""
    found = await sheet.get(PLAN, id)
    if found is None:
        raise missing("Usage Plan")
    return found


async def put_key(sheet: Sheet, params: Json) -> Json:
    """A new key, by `CreateApiKey`'s members, with its `value`. Raises the service's error."""
    value = params.get("value") or new_key()
    if not 20 <= len(value) <= 128:
        raise bad("API Key value should be at least 20 characters")
    hashed = hash_key(value)
    if await sheet.get(KEY_VALUE, hashed) is not None:
        raise conflict("API Key already exists")
    kept = ("name", "description", "customerId", "tags")
    now = int(time())
    key: Json = {
        "id": new_id(),
        **{name: params[name] for name in kept if params.get(name)},
        "enabled": bool(params.get("enabled")),
        "createdDate": now,
        "lastUpdatedDate": now,
        "stageKeys": [],
        "valueHash": hashed,
    }
    sheet.put(KEY, key["id"], key)
    sheet.put(KEY_VALUE, hashed, {"id": key["id"]})
    return {**_shown(key), "value": value}


async def drop_key(sheet: Sheet, key: Json) -> None:
    """Take a key away, out of its plans too."""
    async for id, _ in sheet.scan(PLAN_KEY):
        if id.endswith(f"/{key['id']}"):
            sheet.delete(PLAN_KEY, id)
    await sheet.get(KEY_VALUE, key["valueHash"])
    sheet.delete(KEY_VALUE, key["valueHash"])
    sheet.delete(KEY, key["id"])


def put_in_plan(sheet: Sheet, plan: Json, key: Json) -> Json:
    """A key in a plan that it is not in."""
    made = {"id": key["id"], "type": "API_KEY", "name": key.get("name", "")}
    sheet.put(PLAN_KEY, f"{plan['id']}/{key['id']}", made)
    return made


class Keys:
    """Operations on API keys."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateApiKey(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await put_key(sheet, params)

        return await self._book.edit(call, work)

    async def GetApiKey(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return _shown(await _key(sheet, params["apiKey"]))

        return await self._book.read(work)

    async def GetApiKeys(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            wanted = params.get("nameQuery") or ""
            customer = params.get("customerId")
            found = [
                _shown(key)
                async for _, key in sheet.scan(KEY)
                if key.get("name", "").startswith(wanted)
                and customer in (None, key.get("customerId"))
            ]
            return page(found, params)

        return await self._book.read(work)

    async def UpdateApiKey(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await _key(sheet, params["apiKey"])
            patch(key, params.get("patchOperations"), _KEY_RULES)
            key["lastUpdatedDate"] = int(time())
            sheet.put(KEY, key["id"], key)
            return _shown(key)

        return await self._book.edit(call, work)

    async def DeleteApiKey(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await drop_key(sheet, await _key(sheet, params["apiKey"]))
            return {}

        return await self._book.edit(call, work)


class UsagePlans:
    """Operations on usage plans and their keys."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateUsagePlan(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            kept = ("name", "description", "apiStages", "throttle", "quota", "tags")
            plan = {"id": new_id(6), **{each: params[each] for each in kept if params.get(each)}}
            plan.setdefault("apiStages", [])
            _check(plan)
            sheet.put(PLAN, plan["id"], plan)
            return plan

        return await self._book.edit(call, work)

    async def GetUsagePlan(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await the_plan(sheet, params["usagePlanId"])

        return await self._book.read(work)

    async def GetUsagePlans(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = params.get("keyId")
            found: list[Json] = []
            async for id, plan in sheet.scan(PLAN):
                if key is None or await sheet.get(PLAN_KEY, f"{id}/{key}") is not None:
                    found.append(plan)
            return page(found, params)

        return await self._book.read(work)

    async def UpdateUsagePlan(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            plan = await the_plan(sheet, params["usagePlanId"])
            for operation in params.get("patchOperations") or ():
                _patch(plan, operation)
            _check(plan)
            sheet.put(PLAN, plan["id"], plan)
            return plan

        return await self._book.edit(call, work)

    async def DeleteUsagePlan(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            plan = await the_plan(sheet, params["usagePlanId"])
            if plan["apiStages"]:
                raise bad(
                    f"Cannot delete usage plan {plan['id']} because it has associated API stages"
                )
            async for id, _ in sheet.scan(PLAN_KEY, f"{plan['id']}/"):
                sheet.delete(PLAN_KEY, id)
            sheet.delete(PLAN, plan["id"])
            return {}

        return await self._book.edit(call, work)

    async def CreateUsagePlanKey(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            plan = await the_plan(sheet, params["usagePlanId"])
            key = await _key(sheet, params["keyId"])
            if params["keyType"] != "API_KEY":
                raise bad("Invalid key type: only API_KEY is supported")
            if await sheet.get(PLAN_KEY, f"{plan['id']}/{key['id']}") is not None:
                raise conflict("Usage plan already contains this key")
            return put_in_plan(sheet, plan, key)

        return await self._book.edit(call, work)

    async def GetUsagePlanKey(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await _plan_key(sheet, params)

        return await self._book.read(work)

    async def GetUsagePlanKeys(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            plan = await the_plan(sheet, params["usagePlanId"])
            found = [key async for _, key in sheet.scan(PLAN_KEY, f"{plan['id']}/")]
            return page(found, params)

        return await self._book.read(work)

    async def DeleteUsagePlanKey(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await _plan_key(sheet, params)
            sheet.delete(PLAN_KEY, f"{params['usagePlanId']}/{key['id']}")
            return {}

        return await self._book.edit(call, work)


async def _plan_key(sheet: Sheet, params: Json) -> Json:
    plan = await the_plan(sheet, params["usagePlanId"])
    found = await sheet.get(PLAN_KEY, f"{plan['id']}/{params['keyId']}")
    if found is None:
        raise missing("Usage Plan Key")
    return found


def _check(plan: Json) -> None:
    if not plan.get("name"):
        raise bad("Usage plan name must be non-empty")
    quota = plan.get("quota")
    if quota is not None and (quota.get("period") not in ("DAY", "WEEK", "MONTH")):
        raise bad("Usage Plan quota period must be DAY, WEEK or MONTH")
    if quota is not None and not quota.get("limit"):
        raise bad("Usage Plan quota limit must be greater than 0")


def _patch(plan: Json, operation: Json) -> None:
    """`/apiStages` names a stage as `api:stage`; below it are a method's own limits."""
    path = operation.get("path") or ""
    if not path.startswith("/apiStages"):
        patch(plan, [operation], _PLAN_RULES)
        return
    parts = split(path)
    if len(parts) == 1:
        _stage(plan, operation)
        return
    api, _, stage = parts[1].partition(":")
    for each in plan["apiStages"]:
        if (each["apiId"], each["stage"]) == (api, stage):
            _method_limit(each, parts[2:], operation)
            return
    raise bad(f"API Stage not found: {parts[1]}")


def _stage(plan: Json, operation: Json) -> None:
    api, _, stage = str(operation.get("value") or "").partition(":")
    if not api or not stage:
        raise bad("Invalid API stage specified: it must be api:stage")
    kept = [each for each in plan["apiStages"] if (each["apiId"], each["stage"]) != (api, stage)]
    if operation.get("op") == "add":
        if len(kept) < len(plan["apiStages"]):
            raise conflict("API Stage is already in the usage plan")
        kept.append({"apiId": api, "stage": stage})
    elif operation.get("op") != "remove":
        raise bad("Invalid patch operation specified. Must be 'add'|'remove'|'replace'")
    plan["apiStages"] = kept


def _method_limit(stage: Json, parts: list[str], operation: Json) -> None:
    """`throttle/{resource}/{method}/{rateLimit|burstLimit}`."""
    rules = (
        Rule("/throttle/*/rateLimit", ("add", "replace"), number),
        Rule("/throttle/*/burstLimit", ("add", "replace"), integer),
        Rule("/throttle/*", ("remove",)),
        Rule("/throttle", ("remove",)),
    )
    if len(parts) >= 3:
        parts = [parts[0], f"{parts[1]}/{parts[2]}", *parts[3:]]
    escaped = "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)
    patch(stage, [{**operation, "path": escaped}], rules)
