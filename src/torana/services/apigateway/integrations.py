"""Integrations, and what their backends' answers become."""

from torana.services.apigateway.book import Json
from torana.services.apigateway.faults import bad, missing
from torana.services.apigateway.methods import Place, Placed, status_of
from torana.services.apigateway.patch import EDIT, Rule, boolean, integer, patch
from torana.services.ports import Call

_KEPT = (
    "type",
    "uri",
    "connectionType",
    "connectionId",
    "credentials",
    "requestParameters",
    "requestTemplates",
    "passthroughBehavior",
    "contentHandling",
    "timeoutInMillis",
    "cacheNamespace",
    "cacheKeyParameters",
    "tlsConfig",
    "responseTransferMode",
    "integrationTarget",
)
_RULES = (
    Rule("/uri"),
    Rule("/type"),
    Rule("/httpMethod"),
    Rule("/connectionType"),
    Rule("/connectionId"),
    Rule("/credentials", EDIT),
    Rule("/requestParameters/*", EDIT),
    Rule("/requestTemplates/*", EDIT),
    Rule("/passthroughBehavior"),
    Rule("/contentHandling", EDIT),
    Rule("/timeoutInMillis", ("replace",), integer),
    Rule("/cacheNamespace"),
    Rule("/cacheKeyParameters/*", ("add", "remove", "replace"), listed=True),
    Rule("/tlsConfig/insecureSkipVerification", ("replace",), boolean),
    Rule("/responseTransferMode"),
)
_RESPONSE_RULES = (
    Rule("/selectionPattern", EDIT),
    Rule("/responseParameters/*", EDIT),
    Rule("/responseTemplates/*", EDIT),
    Rule("/contentHandling", EDIT),
)


class Integrations(Placed):
    """Operations on integrations."""

    async def PutIntegration(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            method = place.method(params["httpMethod"])
            made: Json = {
                "passthroughBehavior": "WHEN_NO_MATCH",
                "timeoutInMillis": 29000,
                "cacheNamespace": place.resource["id"],
                "cacheKeyParameters": [],
                **{name: params[name] for name in _KEPT if params.get(name) is not None},
            }
            if params.get("integrationHttpMethod"):
                made["httpMethod"] = params["integrationHttpMethod"]
            _check(made)
            method["methodIntegration"] = made
            return made

        return await self._edit(call, params, work)

    async def GetIntegration(self, call: Call, params: Json) -> Json:
        return await self._read(call, params, lambda place: place.integration(params["httpMethod"]))

    async def UpdateIntegration(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            found = place.integration(params["httpMethod"])
            patch(found, params.get("patchOperations"), _RULES)
            _check(found)
            return found

        return await self._edit(call, params, work)

    async def DeleteIntegration(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            place.integration(params["httpMethod"])
            del place.method(params["httpMethod"])["methodIntegration"]
            return {}

        return await self._edit(call, params, work)

    async def PutIntegrationResponse(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            integration, code = place.integration(params["httpMethod"]), status_of(params)
            if code not in place.method(params["httpMethod"]).get("methodResponses", {}):
                raise missing("Response status code")
            made: Json = {"statusCode": code}
            for name in ("selectionPattern", "contentHandling"):
                if params.get(name) is not None:
                    made[name] = params[name]
            for name in ("responseParameters", "responseTemplates"):
                if params.get(name):
                    made[name] = params[name]
            integration.setdefault("integrationResponses", {})[code] = made
            return made

        return await self._edit(call, params, work)

    async def GetIntegrationResponse(self, call: Call, params: Json) -> Json:
        return await self._read(call, params, lambda place: _response(place, params))

    async def UpdateIntegrationResponse(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            found = _response(place, params)
            patch(found, params.get("patchOperations"), _RESPONSE_RULES)
            return found

        return await self._edit(call, params, work)

    async def DeleteIntegrationResponse(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            _response(place, params)
            integration = place.integration(params["httpMethod"])
            del integration["integrationResponses"][str(params["statusCode"])]
            return {}

        return await self._edit(call, params, work)


def _response(place: Place, params: Json) -> Json:
    found = place.integration(params["httpMethod"]).get("integrationResponses", {})
    if str(params["statusCode"]) not in found:
        raise missing("Integration response")
    return found[str(params["statusCode"])]


def _check(integration: Json) -> None:
    """Raises the service's error for an integration that cannot be."""
    kind = integration["type"]
    if kind != "MOCK" and not integration.get("uri"):
        raise bad("Uri is required for integrations of type AWS, AWS_PROXY, HTTP, HTTP_PROXY")
    if kind != "MOCK" and not integration.get("httpMethod"):
        raise bad("Enumeration value for HttpMethod must be non-empty")
    if kind.startswith("HTTP") and not str(integration["uri"]).startswith(("http", "$")):
        raise bad("Invalid HTTP endpoint specified for URI")
    if kind.startswith("AWS") and not str(integration["uri"]).startswith("arn:"):
        raise bad("Invalid ARN specified in the request")
    timeout = integration["timeoutInMillis"]
    if not 50 <= timeout <= 900_000:
        raise bad("Timeout should be between 50 ms and 29000 ms")
