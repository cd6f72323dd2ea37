"""The model to a document that reads back equal, in the form of the service's own exports.

Source: Developer Guide, "Export a REST API from API Gateway".
"""

import json
from collections.abc import Collection
from typing import Any, Literal

from torana.model.rest import Integration, Json, Method, RestApi, Stage
from torana.openapi import extensions as names
from torana.openapi.families import FAMILIES, Family
from torana.openapi.integration import EXTENSION as INTEGRATION
from torana.openapi.lifecycle import write_deprecated, write_lifecycle
from torana.openapi.operation import REQUEST_VALIDATOR
from torana.openapi.privacy import write_privacy
from torana.openapi.shape import given
from torana.openapi.stage import EXTENSION as STAGE
from torana.openapi.write_security import Security
from torana.openapi.yaml_dump import dump

Format = Literal["oas30", "swagger"]
Syntax = Literal["json", "yaml"]
Extension = Literal["integrations", "authorizers", "apigateway", "torana"]
EVERYTHING: frozenset[Extension] = frozenset(("apigateway", "torana"))
"""`apigateway` means every extension of the service's."""

_WHERE = {"path": "path", "querystring": "query", "header": "header"}


def write(
    api: RestApi,
    stage: Stage,
    *,
    format: Format = "oas30",
    extensions: Collection[Extension] = EVERYTHING,
    syntax: Syntax = "json",
) -> str:
    """Write a document. Only what `extensions` names goes in; without any, it is plain OpenAPI.

    Swagger knows one schema for all content types of a body: of several, the first is written.
    """
    wanted = _Wanted(extensions)
    family = FAMILIES[format]
    security = Security(api, wanted.authorizers)
    document = family.head(api, stage)
    if wanted.torana:
        document["x-torana-id"] = api.id
        document[STAGE] = _stage(stage)
        write_lifecycle(document, api.lifecycle)
        write_privacy(document, api.privacy)
    if wanted.all and (endpoints := _endpoints(api)):
        family.place_endpoints(document, endpoints)
    if api.tags:
        document["tags"] = [
            {"name": name, names.TAG_VALUE: value} if wanted.all else {"name": name}
            for name, value in api.tags.items()
        ]
    document["paths"] = _paths(api, family, security, wanted)
    family.place_parts(document, _models(api, family), security.schemes)
    if wanted.all:
        document.update(_root_extensions(api))
    return render(document, syntax)


class _Wanted:
    """Which extensions go in."""

    def __init__(self, extensions: Collection[Extension]) -> None:
        self.all = "apigateway" in extensions
        self.integrations = self.all or "integrations" in extensions
        self.authorizers = self.all or "authorizers" in extensions
        self.torana = "torana" in extensions


def render(document: Json, syntax: Syntax) -> str:
    """A document's text."""
    if syntax == "yaml":
        return dump(document)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _stage(stage: Stage) -> Json:
    fields = given(stage, without=("stage_name",))
    return {"name": stage.stage_name, **fields}


def _endpoints(api: RestApi) -> Json:
    fields = given(api.endpoint_configuration)
    if api.disable_execute_api_endpoint:
        fields["disableExecuteApiEndpoint"] = True
    return fields


def _paths(api: RestApi, family: Family, security: Security, wanted: _Wanted) -> Json:
    paths: Json = {}
    for method in api.methods:
        verb = names.ANY if method.http_method == "ANY" else method.http_method.lower()
        made = paths.setdefault(method.path, {})[verb] = _operation(
            method, family, security, wanted
        )
        if wanted.torana:
            write_privacy(made, api.privacy, f"{method.http_method} {method.path}")
        if api.lifecycle is not None:
            own = api.lifecycle.operations.get(f"{method.http_method} {method.path}")
            write_deprecated(made, own, dates=wanted.torana)
    return paths


def _operation(method: Method, family: Family, security: Security, wanted: _Wanted) -> Json:
    made: Json = {}
    if method.operation_name:
        made["operationId"] = method.operation_name
    if method.description:
        made["description"] = method.description
    parameters = [_parameter(key, needed) for key, needed in method.request_parameters.items()]
    for name, where, needed in parameters:
        made.setdefault("parameters", []).append(family.parameter(name, where, needed))
    family.place_body(made, method.request_models)
    made["responses"] = {
        response.status_code: family.response(response) for response in method.responses
    }
    family.place_produces(made, method.responses)
    if demands := security.demands(method):
        made["security"] = demands
    if method.request_validator is not None and wanted.all:
        made[REQUEST_VALIDATOR] = method.request_validator
    if wanted.integrations:
        made[INTEGRATION] = _integration(method.integration)
    return made


def _parameter(key: str, needed: bool) -> tuple[str, str, bool]:
    where, _, name = key.removeprefix("method.request.").partition(".")
    return name, _WHERE[where], needed


def _integration(integration: Integration) -> Json:
    fields = given(integration, without=("responses",))
    fields["type"] = integration.type.lower()
    fields["passthroughBehavior"] = integration.passthrough_behavior.lower()
    if integration.responses:
        fields["responses"] = {
            response.selection_pattern or "default": given(response, without=("selection_pattern",))
            for response in integration.responses
        }
    return fields


def _models(api: RestApi, family: Family) -> Json:
    return {name: family.schema(model.schema) for name, model in api.models.items()}


def _root_extensions(api: RestApi) -> Json:
    """By the extensions' names; what says nothing is left away."""
    validators = {
        name: given(validator, without=("name",))
        for name, validator in api.request_validators.items()
    }
    responses = {
        name: given(response, without=("response_type",))
        for name, response in api.gateway_responses.items()
    }
    found: dict[str, Any] = {
        names.VALIDATORS: validators or None,
        names.GATEWAY_RESPONSES: responses or None,
        names.BINARY: list(api.binary_media_types) or None,
        names.COMPRESSION: api.minimum_compression_size,
        names.KEY_SOURCE: api.api_key_source if api.api_key_source != "HEADER" else None,
        names.POLICY: api.policy,
        names.DOCUMENTATION: api.documentation,
        names.SECURITY_POLICY: api.security_policy,
        names.ACCESS_MODE: api.endpoint_access_mode,
    }
    return {name: value for name, value in found.items() if value is not None}
