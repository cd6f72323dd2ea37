"""What differs between OpenAPI 3.0 and Swagger 2.0 when a document is written."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from msgspec import Struct

from torana.model.rest import Json, MethodResponse, RestApi, Stage
from torana.openapi.extensions import ENDPOINTS

_OURS = "#/definitions/"
_SCHEMAS = "#/components/schemas/"
_NAMED = ("properties", "patternProperties", "definitions", "dependencies")
"""Keywords that hold schemas by name."""
_VALUES = ("enum", "default", "required")
"""Keywords that hold values, not schemas."""


class Family(Struct, frozen=True):
    """One way to write each part. `place_…` functions add to what they are given."""

    head: Callable[[RestApi, Stage], Json]
    place_endpoints: Callable[[Json, Json], None]
    place_parts: Callable[[Json, Json, Json], None]
    """Models and security schemes into the document."""
    parameter: Callable[[str, str, bool], Json]
    place_body: Callable[[Json, Mapping[str, str]], None]
    response: Callable[[MethodResponse], Json]
    place_produces: Callable[[Json, Iterable[MethodResponse]], None]
    schema: Callable[[Json], Json]


def _info(api: RestApi) -> Json:
    info: Json = {"title": api.name}
    if api.description:
        info["description"] = api.description
    info["version"] = api.version
    return info


def _headers(response: MethodResponse) -> Iterable[tuple[str, bool]]:
    for key, needed in response.response_parameters.items():
        yield key.removeprefix("method.response.header."), needed


def _walked(value: Any, change: Callable[[Json], None]) -> Any:
    """A copy of a schema with every schema within changed."""
    if isinstance(value, list):
        return [_walked(item, change) for item in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    made: Json = {}
    for key, part in cast(Json, value).items():
        if key in _NAMED and isinstance(part, dict):
            inner = cast(Json, part)
            made[key] = {name: _walked(schema, change) for name, schema in inner.items()}
        else:
            made[key] = part if key in _VALUES else _walked(part, change)
    change(made)
    return made


def _refer(schema: Json) -> None:
    """References to models, spelled as OpenAPI 3 does."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(_OURS):
        schema["$ref"] = _SCHEMAS + reference.removeprefix(_OURS)


def _say_nullable(schema: Json) -> None:
    """`type: [x, "null"]` is `nullable` in OpenAPI 3.0."""
    kinds, allowed = schema.get("type"), schema.get("enum")
    takes_null = allowed is None or (isinstance(allowed, list) and None in allowed)
    if takes_null and isinstance(kinds, list) and kinds[1:] == ["null"]:
        schema["type"], schema["nullable"] = kinds[0], True


def _openapi_schema(schema: Json) -> Json:
    def change(inner: Json) -> None:
        _refer(inner)
        _say_nullable(inner)

    return _walked(schema, change)


# OpenAPI 3.0


def _head(api: RestApi, stage: Stage) -> Json:
    base = {"basePath": {"default": f"/{stage.stage_name}"}}
    servers = [{"url": "/{basePath}", "variables": base}]
    return {"openapi": "3.0.1", "info": _info(api), "servers": servers}


def _endpoints(document: Json, endpoints: Json) -> None:
    document["servers"][0][ENDPOINTS] = endpoints


def _parts(document: Json, models: Json, schemes: Json) -> None:
    parts = {"schemas": models, "securitySchemes": schemes}
    if present := {name: part for name, part in parts.items() if part}:
        document["components"] = present


def _parameter(name: str, where: str, needed: bool) -> Json:
    made: Json = {"name": name, "in": where}
    if needed:
        made["required"] = True
    return {**made, "schema": {"type": "string"}}


def _content(models: Mapping[str, str]) -> Json:
    return {kind: {"schema": {"$ref": _SCHEMAS + name}} for kind, name in models.items()}


def _body(operation: Json, models: Mapping[str, str]) -> None:
    if models:
        operation["requestBody"] = {"content": _content(models), "required": True}


def _response(response: MethodResponse) -> Json:
    made: Json = {"description": f"{response.status_code} response"}
    for name, needed in _headers(response):
        header: Json = {"schema": {"type": "string"}}
        if needed:
            header["required"] = True
        made.setdefault("headers", {})[name] = header
    if response.response_models:
        made["content"] = _content(response.response_models)
    return made


# Swagger 2.0


def _swagger_head(api: RestApi, stage: Stage) -> Json:
    base = {"basePath": f"/{stage.stage_name}", "schemes": ["https"]}
    return {"swagger": "2.0", "info": _info(api), **base}


def _swagger_endpoints(document: Json, endpoints: Json) -> None:
    document[ENDPOINTS] = endpoints


def _swagger_parts(document: Json, models: Json, schemes: Json) -> None:
    if schemes:
        document["securityDefinitions"] = schemes
    if models:
        document["definitions"] = models


def _swagger_parameter(name: str, where: str, needed: bool) -> Json:
    return {"name": name, "in": where, "required": needed, "type": "string"}


def _swagger_body(operation: Json, models: Mapping[str, str]) -> None:
    if not models:
        return
    name = next(iter(models.values()))
    operation["consumes"] = list(models)
    operation.setdefault("parameters", []).append(
        {"in": "body", "name": name, "required": True, "schema": {"$ref": _OURS + name}}
    )


def _swagger_response(response: MethodResponse) -> Json:
    made: Json = {"description": f"{response.status_code} response"}
    for name, _ in _headers(response):
        made.setdefault("headers", {})[name] = {"type": "string"}
    for name in list(response.response_models.values())[:1]:
        made["schema"] = {"$ref": _OURS + name}
    return made


def _swagger_produces(operation: Json, responses: Iterable[MethodResponse]) -> None:
    kinds = {kind: None for response in responses for kind in response.response_models}
    if kinds:
        operation["produces"] = list(kinds)


FAMILIES: Mapping[str, Family] = {
    "oas30": Family(
        _head,
        _endpoints,
        _parts,
        _parameter,
        _body,
        _response,
        lambda operation, responses: None,
        _openapi_schema,
    ),
    "swagger": Family(
        _swagger_head,
        _swagger_endpoints,
        _swagger_parts,
        _swagger_parameter,
        _swagger_body,
        _swagger_response,
        _swagger_produces,
        lambda schema: schema,
    ),
}
