"""Gateway responses: what the API says when the gateway itself answers.

One that is not set is shown as it works: like the one of its family (DEFAULT_4XX or DEFAULT_5XX) if
that is set, else as the service has it. Source: Developer Guide, "Gateway response types".
"""

from collections.abc import Mapping

from msgspec.structs import replace

from torana.openapi.expressions import gateway_mapping
from torana.services.apigateway.apis import the_api
from torana.services.apigateway.book import PART, Book, Json, Sheet, page
from torana.services.apigateway.faults import bad, not_found
from torana.services.apigateway.patch import EDIT, Rule, patch
from torana.services.ports import Call

_STATUSES: Mapping[str, str] = {
    "ACCESS_DENIED": "403",
    "API_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_FAILURE": "500",
    "BAD_REQUEST_BODY": "400",
    "BAD_REQUEST_PARAMETERS": "400",
    "DEFAULT_4XX": "",
    "DEFAULT_5XX": "",
    "EXPIRED_TOKEN": "403",
    "INTEGRATION_FAILURE": "504",
    "INTEGRATION_TIMEOUT": "504",
    "INVALID_API_KEY": "403",
    "INVALID_SIGNATURE": "403",
    "MISSING_AUTHENTICATION_TOKEN": "403",
    "QUOTA_EXCEEDED": "429",
    "REQUEST_TOO_LARGE": "413",
    "RESOURCE_NOT_FOUND": "404",
    "THROTTLED": "429",
    "UNAUTHORIZED": "401",
    "UNSUPPORTED_MEDIA_TYPE": "415",
    "WAF_FILTERED": "403",
}
_TEMPLATES = {"application/json": '{"message":$context.error.messageString}'}
_WRONG_OP = "Invalid patch path {path}"
_RULES = (
    Rule("/statusCode", wrong_op=_WRONG_OP),
    Rule(
        "/responseParameters/*",
        EDIT,
        wrong_op=_WRONG_OP,
        absent="Invalid parameter name specified",
        null="Invalid null or empty value in responseParameters",
    ),
    Rule(
        "/responseTemplates/*",
        EDIT,
        wrong_op=_WRONG_OP,
        absent="Content-Type specified was not found",
        null="Invalid null or empty value in responseTemplates",
    ),
)
_LENIENT = tuple(replace(rule, absent="") for rule in _RULES)

Set = dict[str, Json]
"""The gateway responses that an API sets, by type."""


def _shown(kind: str, responses: Set) -> Json:
    own = responses.get(kind)
    status = _STATUSES[kind]
    family = "DEFAULT_5XX" if status >= "5" else "DEFAULT_4XX"
    said = own or (responses.get(family) if status else None) or {}
    status = said.get("statusCode") or status
    return {
        "responseType": kind,
        **({"statusCode": status} if status else {}),
        "responseParameters": said.get("responseParameters") or {},
        "responseTemplates": said.get("responseTemplates") or _TEMPLATES,
        "defaultResponse": own is None,
    }


async def _set(sheet: Sheet, api_id: str) -> Set:
    return {part["responseType"]: part async for _, part in sheet.scan(PART, f"{api_id}/response/")}


def _check(part: Json) -> None:
    for target, source in part.get("responseParameters", {}).items():
        wrong = gateway_mapping(target, source)
        if wrong is not None:
            raise bad(f"{wrong[:1].upper()}{wrong[1:]}")


class GatewayResponses:
    """Operations on gateway responses."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def PutGatewayResponse(self, call: Call, params: Json) -> Json:
        kept = ("statusCode", "responseParameters", "responseTemplates")
        part: Json = {"responseType": params["responseType"], "defaultResponse": False}
        part.update({name: params[name] for name in kept if params.get(name)})
        _check(part)

        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            place = f"{api['id']}/response/{part['responseType']}"
            await sheet.get(PART, place)
            sheet.put(PART, place, part)
            return _shown(part["responseType"], {part["responseType"]: part})

        return await self._book.edit(call, work)

    async def GetGatewayResponse(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            return _shown(params["responseType"], await _set(sheet, api["id"]))

        return await self._book.read(work)

    async def GetGatewayResponses(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            responses = await _set(sheet, api["id"])
            return page([_shown(kind, responses) for kind in _STATUSES], params, "responseType")

        return await self._book.read(work)

    async def UpdateGatewayResponse(self, call: Call, params: Json) -> Json:
        kind = params["responseType"]

        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            place = f"{api['id']}/response/{kind}"
            part = await sheet.get(PART, place)
            part = part or {"responseType": kind, "defaultResponse": False}
            responses = {kind: part}
            wanted = params.get("patchOperations")
            patch(_copy(_shown(kind, responses)), wanted, _RULES)
            patch(part, wanted, _LENIENT)
            _check(part)
            sheet.put(PART, place, part)
            return _shown(kind, responses)

        return await self._book.edit(call, work)

    async def DeleteGatewayResponse(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            place = f"{api['id']}/response/{params['responseType']}"
            if await sheet.get(PART, place) is None:
                raise not_found("Gateway response type not defined on api")
            sheet.delete(PART, place)
            return {}

        return await self._book.edit(call, work)


def _copy(shown: Json) -> Json:
    inner = ("responseParameters", "responseTemplates")
    return {**shown, **{name: dict(shown[name]) for name in inner}}
