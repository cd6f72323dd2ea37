"""The model of an HTTP API to a document that reads back equal, in the form of the service's own
exports.

Source: Developer Guide, "Export HTTP APIs from API Gateway".
"""

from typing import Any

from torana.model.http_api import DEFAULT, Authorizer, HttpApi, Integration, Route, Stage
from torana.openapi.extensions import ANY, CORS, ENDPOINTS, TAG_VALUE
from torana.openapi.http_read import VERSION
from torana.openapi.integration import EXTENSION as INTEGRATION
from torana.openapi.integration import SHARED
from torana.openapi.lifecycle import write_deprecated, write_lifecycle
from torana.openapi.paths import variables
from torana.openapi.privacy import write_privacy
from torana.openapi.read import ID, PROTOCOL
from torana.openapi.security import AUTH, AUTHORIZER
from torana.openapi.shape import given
from torana.openapi.stage import EXTENSION as STAGE
from torana.openapi.write import Syntax, render

Json = dict[str, Any]

_NAMES = {
    "integrationType": "type",
    "integrationMethod": "httpMethod",
    "integrationUri": "uri",
    "credentialsArn": "credentials",
}


def write_http(
    api: HttpApi,
    stage: Stage | None = None,
    *,
    endpoint: str = "",
    extensions: bool = True,
    syntax: Syntax = "json",
) -> str:
    """Write a document; without `extensions` it is plain OpenAPI. With a `stage`, it is one that
    the gateway serves from a file."""
    writing = _Writing(api, extensions, own=stage is not None)
    document: Json = {"openapi": "3.0.1", "info": _info(api)}
    if stage is not None:
        document |= {ID: api.api_id, PROTOCOL: "HTTP", STAGE: _stage(stage)}
        write_lifecycle(document, api.lifecycle)
        write_privacy(document, api.privacy)
    if servers := _servers(api, endpoint, extensions):
        document["servers"] = servers
    if api.tags:
        document["tags"] = [
            {"name": name, TAG_VALUE: value} if extensions else {"name": name}
            for name, value in api.tags.items()
        ]
    document["paths"] = writing.paths()
    if components := writing.components():
        document["components"] = components
    if extensions and api.cors_configuration is not None:
        document[CORS] = given(api.cors_configuration)
    if extensions:
        document[VERSION] = "1.0"
    return render(document, syntax)


def _info(api: HttpApi) -> Json:
    info: Json = {"title": api.name}
    if api.description:
        info["description"] = api.description
    info["version"] = api.version
    return info


def _servers(api: HttpApi, endpoint: str, extensions: bool) -> list[Json]:
    closed = api.disable_execute_api_endpoint and extensions
    if not endpoint and not closed:
        return []
    server: Json = {
        "url": f"{endpoint}/{{basePath}}",
        "variables": {"basePath": {"default": ""}},
    }
    if closed:
        server[ENDPOINTS] = {"disableExecuteApiEndpoint": True}
    return [server]


def _stage(stage: Stage) -> Json:
    return {"name": stage.stage_name, **given(stage, without=("stage_name", "deployment_id"))}


class _Writing:
    """The parts of one document."""

    def __init__(self, api: HttpApi, extensions: bool, *, own: bool) -> None:
        """`own`: with what Torana adds."""
        self._api, self._extensions, self._own = api, extensions, own
        self._integrations = {each.integration_id: each for each in api.integrations}
        self._authorizers = {each.authorizer_id: each for each in api.authorizers}
        targets = [each.target.partition("/")[2] for each in api.routes]
        self._shared = sorted({id for id in targets if id and targets.count(id) > 1})

    def paths(self) -> Json:
        """Every route under its path."""
        found: Json = {}
        for route in sorted(self._api.routes, key=_place):
            path, verb = _place(route)
            item = found.setdefault(path, {})
            item[ANY if verb == "ANY" else verb.lower()] = self._operation(route)
            if names := [name.rstrip("+") for name in variables(path)]:
                item["parameters"] = [_parameter(name) for name in names]
        return found

    def _operation(self, route: Route) -> Json:
        made: Json = {}
        if route.operation_name:
            made["operationId"] = route.operation_name
        if route.route_key == DEFAULT:
            made["isDefaultRoute"] = True
        made["responses"] = {"default": {"description": f"Default response for {route.route_key}"}}
        if self._own:
            write_privacy(made, self._api.privacy, route.route_key)
        if self._api.lifecycle is not None:
            deprecated = self._api.lifecycle.operations.get(route.route_key)
            write_deprecated(made, deprecated, dates=self._own)
        authorizer = self._authorizers.get(route.authorizer_id or "")
        if authorizer is not None:
            made["security"] = [{authorizer.name: list(route.authorization_scopes)}]
        if not self._extensions:
            return made
        if route.authorization_type == "AWS_IAM":
            made[AUTH] = {"type": "AWS_IAM"}
        id = route.target.partition("/")[2]
        if id in self._shared:
            made[INTEGRATION] = {"$ref": f"#/components/{SHARED}/{self._name(id)}"}
        elif id in self._integrations:
            made[INTEGRATION] = _integration(self._integrations[id])
        return made

    def _name(self, id: str) -> str:
        """By its place, so that a document does not change with the ids."""
        return f"integration{self._shared_in_order().index(id) + 1}"

    def _shared_in_order(self) -> list[str]:
        """As the routes, sorted, come to them."""
        routes = sorted(self._api.routes, key=lambda each: each.route_key)
        ids = [each.target.partition("/")[2] for each in routes]
        return list(dict.fromkeys(id for id in ids if id in self._shared))

    def components(self) -> Json:
        """Security schemes, and integrations that several routes have."""
        made: Json = {}
        if self._api.authorizers:
            named = sorted(self._api.authorizers, key=lambda each: each.name)
            made["securitySchemes"] = {each.name: self._scheme(each) for each in named}
        if self._shared and self._extensions:
            made[SHARED] = {
                self._name(id): _integration(self._integrations[id])
                for id in self._shared_in_order()
            }
        return made

    def _scheme(self, authorizer: Authorizer) -> Json:
        if authorizer.authorizer_type == "JWT":
            scheme: Json = {"type": "oauth2", "flows": {}}
        else:
            _, _, rest = next(iter(authorizer.identity_source), "").partition("$request.")
            place, _, name = rest.partition(".")
            where = "query" if place == "querystring" else "header"
            scheme = {"type": "apiKey", "name": name or "Unused", "in": where}
        if self._extensions:
            fields = given(authorizer, without=("name", "authorizer_id", "identity_source"))
            fields["type"] = fields.pop("authorizerType").lower()
            if "authorizerCredentialsArn" in fields:
                fields["authorizerCredentials"] = fields.pop("authorizerCredentialsArn")
            if fields["type"] == "request":
                version = authorizer.authorizer_payload_format_version
                fields["authorizerPayloadFormatVersion"] = version
            if authorizer.identity_source:
                fields["identitySource"] = ",".join(authorizer.identity_source)
            scheme[AUTHORIZER] = fields
        return scheme


def _place(route: Route) -> tuple[str, str]:
    """Path and verb."""
    if route.route_key == DEFAULT:
        return f"/{DEFAULT}", "ANY"
    verb, _, path = route.route_key.partition(" ")
    return path, verb


def _parameter(name: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "description": f"Generated path parameter for {name}",
        "required": True,
        "schema": {"type": "string"},
    }


def _integration(integration: Integration) -> Json:
    fields = given(integration, without=("integration_id",))
    made = {_NAMES.get(name, name): value for name, value in fields.items()}
    made["type"] = integration.integration_type.lower()
    made["payloadFormatVersion"] = integration.payload_format_version
    made["connectionType"] = integration.connection_type
    made["timeoutInMillis"] = integration.timeout_in_millis
    return made
