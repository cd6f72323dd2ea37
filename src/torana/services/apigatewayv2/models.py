"""Models of what WebSocket clients send."""

import re

import msgspec

from torana.services.apigateway.faults import bad, conflict
from torana.services.apigateway.model_template import template
from torana.services.apigatewayv2.book import (
    MODEL,
    ROUTE,
    Json,
    Sheet,
    change,
    every,
    given,
    new_id,
    one,
    part,
    parts,
    the_api,
)
from torana.services.apigatewayv2.deploying import Deploying
from torana.services.ports import Call

_GIVEN = ("ContentType", "Description", "Name", "Schema")
_NAME = re.compile(r"[A-Za-z0-9]+")


def _check(model: Json) -> None:
    """Raises the service's error for a model that cannot be."""
    if not _NAME.fullmatch(model["Name"]):
        raise bad(f"Model name must be alphanumeric: {model['Name']}")
    try:
        schema = msgspec.json.decode(model.get("Schema") or "null")
    except msgspec.DecodeError:
        schema = None
    if not isinstance(schema, dict):
        raise bad("Invalid model specified: the schema is no JSON Schema")


class Models:
    """Operations on models."""

    def __init__(self, deploying: Deploying) -> None:
        self._book, self._deploying = deploying.book, deploying

    async def CreateModel(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            if api["ProtocolType"] == "HTTP":
                raise bad("Models are supported only for WebSocket APIs")
            made = {
                "ModelId": new_id(6),
                "ContentType": "application/json",
                **given(params, _GIVEN),
            }
            await self._put(sheet, api, made)
            return made

        return await self._deploying.edit(call, params["ApiId"], work)

    async def _put(self, sheet: Sheet, api: Json, made: Json) -> None:
        _check(made)
        for each in await parts(sheet, MODEL, api["ApiId"]):
            if each["Name"] == made["Name"] and each["ModelId"] != made["ModelId"]:
                raise conflict(f"Model name already exists for this API: {made['Name']}")
        sheet.put(MODEL, f"{api['ApiId']}/{made['ModelId']}", made)

    async def GetModel(self, call: Call, params: Json) -> Json:
        return await one(self._book, call, params, MODEL, "ModelId")

    async def GetModels(self, call: Call, params: Json) -> Json:
        return await every(self._book, call, params, MODEL)

    async def GetModelTemplate(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["ApiId"])
            found = await part(sheet, MODEL, params["ApiId"], params["ModelId"])
            schemas = {
                each["Name"]: msgspec.json.decode(each["Schema"])
                for each in await parts(sheet, MODEL, params["ApiId"])
            }
            return {"Value": template(schemas[found["Name"]], schemas)}

        return await self._book.read(work)

    async def UpdateModel(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            found = await part(sheet, MODEL, api["ApiId"], params["ModelId"])
            change(found, params, _GIVEN)
            await self._put(sheet, api, found)
            return found

        return await self._deploying.edit(call, params["ApiId"], work)

    async def DeleteModel(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            found = await part(sheet, MODEL, api["ApiId"], params["ModelId"])
            for route in await parts(sheet, ROUTE, api["ApiId"]):
                if found["Name"] in route.get("RequestModels", {}).values():
                    raise conflict(
                        f"Cannot delete model '{found['Name']}', is referenced in route: "
                        f"{route['RouteKey']}"
                    )
            sheet.delete(MODEL, f"{api['ApiId']}/{found['ModelId']}")
            return {}

        return await self._deploying.edit(call, params["ApiId"], work)
