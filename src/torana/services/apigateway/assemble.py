"""Documents of the control plane to the model that plans are compiled from."""

from collections.abc import Generator
from typing import Any

import msgspec

from torana.data_settings import ApiPrivacy
from torana.model.lifecycle import Lifecycle
from torana.model.rest import (
    Authorizer,
    EndpointConfiguration,
    GatewayResponse,
    Integration,
    IntegrationResponse,
    Method,
    MethodResponse,
    Model,
    RequestValidator,
    RestApi,
    Stage,
)
from torana.services.apigateway.book import PART, RESOURCE, Json, Sheet
from torana.services.apigateway.faults import bad

_DECODE = msgspec.json.Decoder(Method).decode


async def assemble(sheet: Sheet, api: Json, *, whole: bool = True) -> RestApi:
    """An API as it is now; not `whole`: without its methods. Raises the service's error for a
    method without an integration."""
    parts = await _parts(sheet, api["id"])
    names = _Names(parts)
    methods: list[Method] = []
    async for _, resource in sheet.scan(RESOURCE, f"{api['id']}/"):
        if not whole:
            break
        for verb, method in resource.get("methods", {}).items():
            methods.append(_method(resource["path"], verb, method, names))
    if whole and not methods:
        raise bad("The REST API doesn't contain any methods")
    policy = api.get("policy")
    return RestApi(
        id=api["id"],
        name=api["name"],
        methods=tuple(methods),
        description=api.get("description", ""),
        version=api.get("version", ""),
        models={
            part["name"]: Model(
                part["name"],
                msgspec.json.decode(part.get("schema") or "{}"),
                part.get("contentType", "application/json"),
                part.get("description", ""),
            )
            for part in parts.get("model", {}).values()
        },
        request_validators={
            name: RequestValidator(
                name, part["validateRequestBody"], part["validateRequestParameters"]
            )
            for name, part in names.of("validator")
        },
        authorizers={name: _authorizer(name, part) for name, part in names.of("authorizer")},
        gateway_responses={
            part["responseType"]: msgspec.convert(part, GatewayResponse)
            for part in parts.get("response", {}).values()
        },
        binary_media_types=tuple(api.get("binaryMediaTypes", ())),
        minimum_compression_size=api.get("minimumCompressionSize"),
        api_key_source=api.get("apiKeySource", "HEADER"),
        policy=_policy(policy) if policy else None,
        endpoint_configuration=msgspec.convert(api["endpointConfiguration"], EndpointConfiguration),
        disable_execute_api_endpoint=api.get("disableExecuteApiEndpoint", False),
        tags=api.get("tags", {}),
        lifecycle=msgspec.convert(api.get("lifecycle"), Lifecycle | None),
        privacy=msgspec.convert(api.get("privacy"), ApiPrivacy | None),
    )


SNAPSHOT = ("api", "apiMethods")
"""The members of a deployment that hold its API: the methods one by one, so that a large API is
read with pauses."""


def snapshot(api: RestApi) -> Json:
    """An API as a deployment keeps it."""
    alone = msgspec.structs.replace(api, methods=())
    return {
        "api": msgspec.json.encode(alone).decode(),
        "apiMethods": [msgspec.json.encode(method).decode() for method in api.methods],
    }


def restoring(deployment: Json) -> Generator[None, None, RestApi]:
    """The API of a deployment."""
    api = msgspec.json.decode(deployment["api"], type=RestApi)
    methods: list[Method] = []
    for text in deployment["apiMethods"]:
        methods.append(_DECODE(text))
        yield
    return msgspec.structs.replace(api, methods=tuple(methods))


def stage_of(stage: Json) -> Stage:
    """A stage in the model's terms."""
    return msgspec.convert({**stage, "methodSettings": _settings(stage)}, Stage)


def _settings(stage: Json) -> dict[str, Json]:
    return {
        key: {name: value for name, value in settings.items() if value is not None}
        for key, settings in stage.get("methodSettings", {}).items()
    }


async def _parts(sheet: Sheet, api_id: str) -> dict[str, dict[str, Json]]:
    found: dict[str, dict[str, Json]] = {}
    async for id, part in sheet.scan(PART, f"{api_id}/"):
        _, kind, name = id.split("/", 2)
        found.setdefault(kind, {})[name] = part
    return found


class _Names:
    """The model knows validators and authorizers by name, the service by id. A second part of one
    name goes by its id."""

    def __init__(self, parts: dict[str, dict[str, Json]]) -> None:
        self._parts = parts
        self._names: dict[tuple[str, str], str] = {}
        for kind in ("validator", "authorizer"):
            used: set[str] = set()
            for id, part in parts.get(kind, {}).items():
                name = id if part["name"] in used else part["name"]
                used.add(name)
                self._names[kind, id] = name

    def of(self, kind: str) -> list[tuple[str, Json]]:
        """The parts of a kind, by name."""
        return [(self._names[kind, id], part) for id, part in self._parts.get(kind, {}).items()]

    def name(self, kind: str, id: str | None) -> str | None:
        """What the model calls a part."""
        return self._names.get((kind, id)) if id else None


def _method(path: str, verb: str, method: Json, names: _Names) -> Method:
    integration = method.get("methodIntegration")
    if integration is None:
        raise bad("No integration defined for method")
    return Method(
        http_method=verb,
        path=path,
        integration=_integration(integration),
        authorization_type=method.get("authorizationType", "NONE"),
        authorizer=names.name("authorizer", method.get("authorizerId")),
        authorization_scopes=tuple(method.get("authorizationScopes", ())),
        api_key_required=method.get("apiKeyRequired", False),
        request_validator=names.name("validator", method.get("requestValidatorId")),
        request_parameters=method.get("requestParameters", {}),
        request_models=method.get("requestModels", {}),
        responses=tuple(
            msgspec.convert(each, MethodResponse)
            for each in method.get("methodResponses", {}).values()
        ),
        operation_name=method.get("operationName"),
    )


def _integration(given: Json) -> Integration:
    fields: dict[str, Any] = {**given}
    responses = fields.pop("integrationResponses", {}).values()
    made = msgspec.convert(fields, Integration)
    return msgspec.structs.replace(
        made, responses=tuple(msgspec.convert(each, IntegrationResponse) for each in responses)
    )


def _authorizer(name: str, part: Json) -> Authorizer:
    fields = {**part, "name": name, "providerArns": part.get("providerARNs", [])}
    return msgspec.convert(fields, Authorizer)


def _policy(text: str) -> Json:
    try:
        return msgspec.json.decode(text.replace('\\"', '"') if '\\"' in text else text)
    except msgspec.DecodeError:
        raise bad("Invalid policy document. Please check the policy syntax.") from None
