"""What an API has besides its resources: models, validators, authorizers."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from torana.services.apigateway.apis import the_api
from torana.services.apigateway.book import API, PART, RESOURCE, Book, Json, Sheet, new_id, page
from torana.services.apigateway.faults import bad, conflict, missing, not_found
from torana.services.apigateway.patch import CLEAR, EDIT, Rule, boolean, integer, patch
from torana.services.ports import Call
from torana.wire.faults import ServiceError


class Kind(Struct, frozen=True):
    """A kind of part."""

    name: str
    rules: tuple[Rule, ...]
    absent: Callable[[str], ServiceError]
    check: Callable[[Json], None] = lambda part: None


def _check_model(part: Json) -> None:
    if not part.get("name"):
        raise bad("Model name must be non-empty")
    if not part["name"].isalnum():
        raise bad("Model name must be alphanumeric: " + part["name"])
    try:
        schema: Any = msgspec.json.decode(part.get("schema") or "[]")
    except msgspec.DecodeError:
        schema = None
    if not isinstance(schema, dict):
        raise bad(
            "Model schema must have at least 1 property or array items defined"
            if schema is not None
            else "Invalid model specified: the schema is not JSON"
        )


def _check_validator(part: Json) -> None:
    if not (part.get("name") or "").strip():
        raise bad("Request Validator name cannot be blank")


def _check_authorizer(part: Json) -> None:
    if not part.get("name"):
        raise bad("Authorizer name must be non-empty")
    if part["type"] == "COGNITO_USER_POOLS":
        if not part.get("providerARNs"):
            raise bad("COGNITO_USER_POOLS authorizers require a provider ARN")
    elif not part.get("authorizerUri"):
        raise bad("Invalid authorizer URI")


MODEL = Kind(
    "model",
    (Rule("/description", null=CLEAR), Rule("/schema", null=CLEAR)),
    lambda name: not_found(f"Invalid model name specified: {name}"),
    _check_model,
)
VALIDATOR = Kind(
    "validator",
    (
        Rule("/name", null=CLEAR),
        Rule("/validateRequestParameters", ("replace",), boolean),
        Rule("/validateRequestBody", ("replace",), boolean),
    ),
    lambda name: missing("Request Validator"),
    _check_validator,
)
AUTHORIZER = Kind(
    "authorizer",
    (
        Rule("/name"),
        Rule("/type"),
        Rule("/authorizerUri"),
        Rule("/authorizerCredentials"),
        Rule("/authType"),
        Rule("/identitySource"),
        Rule("/identityValidationExpression"),
        Rule("/authorizerResultTtlInSeconds", ("replace",), integer),
        Rule("/providerARNs", EDIT, listed=True),
    ),
    lambda name: missing("Authorizer"),
    _check_authorizer,
)


class Parts:
    """Operations on parts."""

    def __init__(self, book: Book) -> None:
        self._book = book

    # What every kind has in common.

    async def _make(self, call: Call, api_id: str, kind: Kind, id: str, part: Json) -> Json:
        kind.check(part)

        async def work(sheet: Sheet) -> Json:
            if kind is VALIDATOR and await sheet.get(API, api_id) is None:
                raise bad("Invalid REST API identifier specified")
            api = await the_api(sheet, call, api_id)
            place = f"{api['id']}/{kind.name}/{id}"
            if kind is MODEL and await sheet.get(PART, place) is not None:
                raise conflict("Model name already exists for this REST API")
            sheet.put(PART, place, part)
            return part

        return await self._book.edit(call, work)

    async def _get(self, call: Call, api_id: str, kind: Kind, id: str) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await sheet.get(PART, f"{api_id}/{kind.name}/{id}")
            if found is None:
                raise kind.absent(id)
            return found

        return await self._book.read(work)

    async def _list(self, call: Call, params: Json, kind: Kind) -> list[Json]:
        async def work(sheet: Sheet) -> list[Json]:
            await the_api(sheet, call, params["restApiId"])
            prefix = f"{params['restApiId']}/{kind.name}/"
            return [part async for _, part in sheet.scan(PART, prefix)]

        return await self._book.read(work)

    async def _update(self, call: Call, params: Json, kind: Kind, id: str) -> Json:
        async def work(sheet: Sheet) -> Json:
            place = f"{params['restApiId']}/{kind.name}/{id}"
            part = await sheet.get(PART, place)
            if part is None:
                raise kind.absent(id)
            patch(part, params.get("patchOperations"), kind.rules, lists_paths=True)
            kind.check(part)
            sheet.put(PART, place, part)
            return part

        return await self._book.edit(call, work)

    async def _delete(self, call: Call, api_id: str, kind: Kind, id: str) -> Json:
        async def work(sheet: Sheet) -> Json:
            if await sheet.get(PART, f"{api_id}/{kind.name}/{id}") is None:
                raise kind.absent(id)
            await _unused(sheet, api_id, kind, id)
            sheet.delete(PART, f"{api_id}/{kind.name}/{id}")
            return {}

        return await self._book.edit(call, work)

    # Models.

    async def CreateModel(self, call: Call, params: Json) -> Json:
        kept = ("name", "description", "schema", "contentType")
        part = {"id": new_id(6), **{name: params[name] for name in kept if params.get(name)}}
        return await self._make(call, params["restApiId"], MODEL, params["name"], part)

    async def GetModel(self, call: Call, params: Json) -> Json:
        return await self._get(call, params["restApiId"], MODEL, params["modelName"])

    async def GetModels(self, call: Call, params: Json) -> Json:
        return page(await self._list(call, params, MODEL), params, "name")

    async def UpdateModel(self, call: Call, params: Json) -> Json:
        return await self._update(call, params, MODEL, params["modelName"])

    async def DeleteModel(self, call: Call, params: Json) -> Json:
        return await self._delete(call, params["restApiId"], MODEL, params["modelName"])

    # Request validators.

    async def CreateRequestValidator(self, call: Call, params: Json) -> Json:
        part: Json = {"id": new_id(6)}
        if params.get("name"):
            part["name"] = params["name"]
        for name in ("validateRequestBody", "validateRequestParameters"):
            part[name] = bool(params.get(name))
        part.setdefault("name", part["id"])
        return await self._make(call, params["restApiId"], VALIDATOR, part["id"], part)

    async def GetRequestValidator(self, call: Call, params: Json) -> Json:
        return await self._get(call, params["restApiId"], VALIDATOR, params["requestValidatorId"])

    async def GetRequestValidators(self, call: Call, params: Json) -> Json:
        return page(await self._list(call, params, VALIDATOR), params)

    async def UpdateRequestValidator(self, call: Call, params: Json) -> Json:
        return await self._update(call, params, VALIDATOR, params["requestValidatorId"])

    async def DeleteRequestValidator(self, call: Call, params: Json) -> Json:
        return await self._delete(
            call, params["restApiId"], VALIDATOR, params["requestValidatorId"]
        )

    # Authorizers.

    async def CreateAuthorizer(self, call: Call, params: Json) -> Json:
        part = {name: value for name, value in params.items() if name != "restApiId" and value}
        part["id"] = new_id(6)
        if params["type"] != "COGNITO_USER_POOLS":
            part.setdefault("authType", "custom")
            part["authorizerResultTtlInSeconds"] = _ttl(params)
        else:
            part.setdefault("authType", "cognito_user_pools")
        return await self._make(call, params["restApiId"], AUTHORIZER, part["id"], part)

    async def GetAuthorizer(self, call: Call, params: Json) -> Json:
        return await self._get(call, params["restApiId"], AUTHORIZER, params["authorizerId"])

    async def GetAuthorizers(self, call: Call, params: Json) -> Json:
        return page(await self._list(call, params, AUTHORIZER), params)

    async def UpdateAuthorizer(self, call: Call, params: Json) -> Json:
        return await self._update(call, params, AUTHORIZER, params["authorizerId"])

    async def DeleteAuthorizer(self, call: Call, params: Json) -> Json:
        return await self._delete(call, params["restApiId"], AUTHORIZER, params["authorizerId"])


def _ttl(params: Json) -> int:
    found = params.get("authorizerResultTtlInSeconds")
    ttl = 300 if found is None else int(found)
    if not 0 <= ttl <= 3600:
        raise bad("Authorizer result TTL must be between 0 and 3600 seconds")
    return ttl


_USES = {"model": "requestModels", "validator": "requestValidatorId", "authorizer": "authorizerId"}


async def _unused(sheet: Sheet, api_id: str, kind: Kind, id: str) -> None:
    """Raises the service's error for a part that some method refers to."""
    field = _USES.get(kind.name)
    if field is None:
        return
    async for _, resource in sheet.scan(RESOURCE, f"{api_id}/"):
        for verb, method in resource.get("methods", {}).items():
            used = method.get(field)
            names: Sequence[str] = list(used.values()) if isinstance(used, dict) else [used]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            if id in names:
                path = f"{resource['path']}/{verb}"
                raise conflict(
                    f"Cannot delete {kind.name} '{id}', is referenced in method request: {path}"
                )
