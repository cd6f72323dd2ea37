"""Methods, and what they promise to answer."""

import re
from collections.abc import Awaitable, Callable

from torana.services.apigateway.book import API, PART, RESOURCE, Book, Json, Sheet
from torana.services.apigateway.faults import bad, conflict, missing, not_found
from torana.services.apigateway.patch import CLEAR, EDIT, Rule, boolean, patch
from torana.services.apigateway.resources import the_resource
from torana.services.ports import Call

VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY")
_PARAMETER = re.compile(
    r"method\.request\.(path|querystring|header|multivaluequerystring|multivalueheader)\.[^.\s].*"
)
_RULES = (
    Rule("/authorizationType"),
    Rule("/authorizerId", null=CLEAR),
    Rule("/authorizationScopes", EDIT, listed=True),
    Rule("/apiKeyRequired", ("replace",), boolean),
    Rule("/operationName", null=CLEAR),
    Rule("/requestParameters/*", EDIT, boolean),
    Rule("/requestModels/*", EDIT),
    Rule("/requestValidatorId", null=CLEAR),
)
_RESPONSE_RULES = (
    Rule("/responseParameters/*", EDIT, boolean, absent="Invalid parameter name specified"),
    Rule("/responseModels/*", EDIT, absent="Content-Type specified was not found"),
)


class Place:
    """A resource under edit, with the API it is of."""

    def __init__(self, sheet: Sheet, api: Json, resource: Json) -> None:
        self.sheet, self.api, self.resource = sheet, api, resource

    @classmethod
    async def find(cls, sheet: Sheet, params: Json) -> "Place":
        """Raises the service's error, which is one of the resource also where there is no API."""
        api = await sheet.get(API, params["restApiId"])
        if api is None:
            raise missing("Resource")
        return cls(sheet, api, await the_resource(sheet, api["id"], params["resourceId"]))

    @property
    def methods(self) -> dict[str, Json]:
        """By verb."""
        return self.resource.setdefault("methods", {})

    def method(self, verb: str) -> Json:
        """Raises the service's error."""
        found = self.resource.get("methods", {}).get(verb)
        if found is None:
            raise missing("Method")
        return found

    def integration(self, verb: str) -> Json:
        """Raises the service's error."""
        found = self.method(verb).get("methodIntegration")
        if found is None:
            raise missing("Integration")
        return found

    def save(self) -> None:
        """Write the resource."""
        self.sheet.put(RESOURCE, f"{self.api['id']}/{self.resource['id']}", self.resource)


Work = Callable[[Place], Awaitable[Json]]


class Placed:
    """What operations on parts of a resource have in common."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def _edit(self, call: Call, params: Json, work: Work) -> Json:
        async def whole(sheet: Sheet) -> Json:
            place = await Place.find(sheet, params)
            done = await work(place)
            place.save()
            return done

        return await self._book.edit(call, whole)

    async def _read(self, call: Call, params: Json, work: Callable[[Place], Json]) -> Json:
        async def whole(sheet: Sheet) -> Json:
            return work(await Place.find(sheet, params))

        return await self._book.read(whole)


def status_of(params: Json) -> str:
    """The status code an operation is about. Raises the service's error."""
    code = str(params["statusCode"])
    if not re.fullmatch(r"[1-5]\d\d", code):
        raise bad("Invalid status code specified")
    return code


class Methods(Placed):
    """Operations on methods."""

    async def PutMethod(self, call: Call, params: Json) -> Json:
        verb = params["httpMethod"]

        async def work(place: Place) -> Json:
            if verb not in VERBS:
                raise bad(f"Invalid HttpMethod specified. Valid options are {','.join(VERBS)}")
            if verb in place.methods:
                raise conflict("Method already exists for this resource")
            kept = (
                "authorizationType",
                "authorizerId",
                "authorizationScopes",
                "operationName",
                "requestParameters",
                "requestModels",
                "requestValidatorId",
            )
            method: Json = {
                "httpMethod": verb,
                "apiKeyRequired": bool(params.get("apiKeyRequired")),
            }
            method.update({name: params[name] for name in kept if params.get(name) is not None})
            await _check(place, method)
            place.methods[verb] = method
            return method

        return await self._edit(call, params, work)

    async def GetMethod(self, call: Call, params: Json) -> Json:
        return await self._read(call, params, lambda place: place.method(params["httpMethod"]))

    async def UpdateMethod(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            method = place.method(params["httpMethod"])
            patch(method, params.get("patchOperations"), _RULES)
            await _check(place, method)
            return method

        return await self._edit(call, params, work)

    async def DeleteMethod(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            place.method(params["httpMethod"])
            del place.methods[params["httpMethod"]]
            return {}

        return await self._edit(call, params, work)

    async def PutMethodResponse(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            method, code = place.method(params["httpMethod"]), status_of(params)
            responses = method.setdefault("methodResponses", {})
            if code in responses:
                raise conflict("Response already exists for this resource")
            made: Json = {"statusCode": code}
            for name in ("responseParameters", "responseModels"):
                if params.get(name) is not None:
                    made[name] = params[name]
            await _check_models(place, made.get("responseModels", {}))
            responses[code] = made
            return made

        return await self._edit(call, params, work)

    async def GetMethodResponse(self, call: Call, params: Json) -> Json:
        return await self._read(call, params, lambda place: _response(place, params))

    async def UpdateMethodResponse(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            found = _response(place, params)
            patch(found, params.get("patchOperations"), _RESPONSE_RULES)
            await _check_models(place, found.get("responseModels", {}))
            return found

        return await self._edit(call, params, work)

    async def DeleteMethodResponse(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            _response(place, params)
            del place.method(params["httpMethod"])["methodResponses"][str(params["statusCode"])]
            return {}

        return await self._edit(call, params, work)


def _response(place: Place, params: Json) -> Json:
    found = place.method(params["httpMethod"]).get("methodResponses", {})
    if str(params["statusCode"]) not in found:
        raise not_found("Invalid Response status code specified")
    return found[str(params["statusCode"])]


async def _check(place: Place, method: Json) -> None:
    """Raises the service's error for a method that does not fit its API."""
    for name in method.get("requestParameters", {}):
        if not _PARAMETER.fullmatch(name):
            raise bad("Invalid parameter name specified")
    names = [name.rpartition(".")[2].lower() for name in method.get("requestParameters", {})]
    if len(set(names)) != len(names):
        raise bad("Parameter names must be unique across querystring, header and path")
    api_id, sheet = place.api["id"], place.sheet
    if method.get("authorizationType") not in ("CUSTOM", "COGNITO_USER_POOLS"):
        method.pop("authorizerId", None)
    else:
        authorizer = method.get("authorizerId")
        known = authorizer and await sheet.get(PART, f"{api_id}/authorizer/{authorizer}")
        if not known:
            raise bad(
                "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
                "COGNITO_USER_POOLS requires a valid authorizer."
            )
    validator = method.get("requestValidatorId")
    if validator and await sheet.get(PART, f"{api_id}/validator/{validator}") is None:
        raise bad("Invalid Request Validator identifier specified")
    await _check_models(place, method.get("requestModels", {}))


async def _check_models(place: Place, models: dict[str, str]) -> None:
    for model in models.values():
        known = model in ("Empty", "Error")
        if not known and await place.sheet.get(PART, f"{place.api['id']}/model/{model}") is None:
            raise bad(f"Invalid model identifier specified: {model}")
