"""Integrations, and what their backends' answers become."""

import re

from torana.openapi.expressions import request_mapping, response_mapping
from torana.services.apigateway.book import Json
from torana.services.apigateway.faults import bad, missing, not_found
from torana.services.apigateway.methods import Place, Placed, status_of
from torana.services.apigateway.patch import CLEAR, EDIT, Rule, boolean, integer, patch
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
    Rule("/credentials", EDIT, null=CLEAR),
    Rule("/requestParameters/*", EDIT),
    Rule("/requestTemplates/*", EDIT),
    Rule("/passthroughBehavior"),
    Rule("/contentHandling", EDIT, null=CLEAR),
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
    Rule("/contentHandling", EDIT, null=CLEAR),
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
            _check(made, method)
            method["methodIntegration"] = made
            return made

        return await self._edit(call, params, work)

    async def GetIntegration(self, call: Call, params: Json) -> Json:
        return await self._read(call, params, lambda place: place.integration(params["httpMethod"]))

    async def UpdateIntegration(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            found = place.integration(params["httpMethod"])
            patch(found, params.get("patchOperations"), _RULES)
            _check(found, place.method(params["httpMethod"]))
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
            promised = place.method(params["httpMethod"]).get("methodResponses", {}).get(code)
            if promised is None:
                raise not_found("Invalid Response status code specified")
            made: Json = {"statusCode": code}
            for name in ("selectionPattern", "contentHandling"):
                if params.get(name) is not None:
                    made[name] = params[name]
            for name in ("responseParameters", "responseTemplates"):
                if params.get(name):
                    made[name] = params[name]
            _check_response(made, promised)
            integration.setdefault("integrationResponses", {})[code] = made
            return made

        return await self._edit(call, params, work)

    async def GetIntegrationResponse(self, call: Call, params: Json) -> Json:
        return await self._read(call, params, lambda place: _response(place, params))

    async def UpdateIntegrationResponse(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            found = _response(place, params)
            patch(found, params.get("patchOperations"), _RESPONSE_RULES)
            code = str(params["statusCode"])
            method = place.method(params["httpMethod"])
            _check_response(found, method.get("methodResponses", {}).get(code, {}))
            return found

        return await self._edit(call, params, work)

    async def DeleteIntegrationResponse(self, call: Call, params: Json) -> Json:
        async def work(place: Place) -> Json:
            if params["httpMethod"] not in place.resource.get("methods", {}):
                raise missing("Integration")
            _response(place, params)
            integration = place.integration(params["httpMethod"])
            del integration["integrationResponses"][str(params["statusCode"])]
            return {}

        return await self._edit(call, params, work)


def _response(place: Place, params: Json) -> Json:
    found = place.integration(params["httpMethod"]).get("integrationResponses", {})
    if str(params["statusCode"]) not in found:
        raise not_found("Invalid Response status code specified")
    return found[str(params["statusCode"])]


_MEDIA_TYPE = re.compile(r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+(\s*;.*)?")


def _check_templates(templates: Json) -> None:
    for kind in templates:
        if not _MEDIA_TYPE.fullmatch(kind):
            raise bad(
                "Validation Result: warnings : [], errors : "
                f"[Invalid content type specified: {kind}]"
            )


def _check_mapping(wrong: str | None) -> None:
    if wrong is not None:
        raise bad(
            "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
            f"[{wrong[:1].upper()}{wrong[1:]}]"
        )


def _check_response(response: Json, promised: Json) -> None:
    """Raises the service's error for an integration response that cannot be."""
    _check_templates(response.get("responseTemplates", {}))
    declared = promised.get("responseParameters", {})
    for target, source in response.get("responseParameters", {}).items():
        _check_mapping(response_mapping(target, source, declared))


def _check(integration: Json, method: Json) -> None:
    """Raises the service's error for an integration that cannot be."""
    _check_templates(integration.get("requestTemplates", {}))
    declared = method.get("requestParameters", {})
    for target, source in integration.get("requestParameters", {}).items():
        _check_mapping(request_mapping(target, source, declared))
    _check_target(integration)


def _check_target(integration: Json) -> None:
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
