"""A route of a WebSocket API as the steps, integrations and authorizers of the gateway know it.

What both kinds of API share by meaning (a throttled method, an HTTP backend, a function that lets
in) is compiled by the same code; only names differ, and they are translated here.
"""

from collections.abc import Mapping

import msgspec

from torana.gateway.contract import Compiled, Ports
from torana.gateway.errors import InvalidApi
from torana.model import rest
from torana.model.websocket_api import (
    CONNECT,
    Authorizer,
    Integration,
    Model,
    Route,
    RouteSettings,
    Stage,
    WebSocketApi,
)

_NOWHERE = rest.Integration("MOCK")
_KEY_SOURCES = {
    "$request.header.x-api-key": "HEADER",
    "$context.authorizer.usageIdentifierKey": "AUTHORIZER",
}


class Views:
    """The routes of one API and stage."""

    def __init__(self, api: WebSocketApi, stage: Stage, ports: Ports) -> None:
        """Raises `InvalidApi`."""
        source = _KEY_SOURCES.get(api.api_key_selection_expression)
        if source is None:
            known = ", ".join(_KEY_SOURCES)
            raise InvalidApi(
                f"apiKeySelectionExpression {api.api_key_selection_expression!r} must be {known}"
            )
        self._names = {each.authorizer_id: each.name for each in api.authorizers}
        self._api = rest.RestApi(
            api.api_id,
            api.name,
            models={each.name: _model(each) for each in api.models},
            authorizers={each.name: _authorizer(each) for each in api.authorizers},
            api_key_source="HEADER" if source == "HEADER" else "AUTHORIZER",
        )
        self._stage = _stage(stage)
        self._ports = ports
        self._integrations = {each.integration_id: each for each in api.integrations}

    def nobody(self) -> Compiled:
        """What is about no route."""
        return Compiled(self._api, self._stage, rest.Method("", "", _NOWHERE), self._ports)

    def integration(self, route: Route) -> Integration | None:
        """Where a route leads; None: nowhere. Raises `InvalidApi`."""
        if not route.target:
            return None
        found = self._integrations.get(route.target.removeprefix("integrations/"))
        if found is None:
            raise InvalidApi(f"there is no integration {route.target!r}")
        return found

    def route(self, route: Route) -> Compiled:
        """Raises `InvalidApi`."""
        if route.authorization_type != "NONE" and route.route_key != CONNECT:
            raise InvalidApi("authorization is for the $connect route only")
        integration = self.integration(route)
        method = rest.Method(
            "",
            route.route_key,
            _NOWHERE if integration is None else _integration(integration),
            authorization_type=route.authorization_type,
            authorizer=self._names.get(route.authorizer_id or "", route.authorizer_id),
            api_key_required=route.api_key_required,
            operation_name=route.operation_name,
            request_parameters={
                source_of(name): each.required for name, each in route.request_parameters.items()
            },
        )
        return Compiled(self._api, self._stage, method, self._ports, route_key=route.route_key)


def source_of(expression: str) -> str:
    """`route.request.…`, which other APIs call `method.request.…`."""
    route = "route.request."
    if expression.startswith(route):
        return f"method.request.{expression[len(route) :]}"
    return expression


def _integration(own: Integration) -> rest.Integration:
    tls = own.tls_config
    if tls is not None and tls.server_name_to_verify:
        raise InvalidApi("tlsConfig.serverNameToVerify is not supported: use the name in the uri")
    return rest.Integration(
        own.integration_type,
        own.integration_uri,
        own.integration_method or "POST",
        credentials=own.credentials_arn,
        connection_type=own.connection_type,
        connection_id=own.connection_id,
        timeout_in_millis=own.timeout_in_millis,
    )


def _authorizer(own: Authorizer) -> rest.Authorizer:
    return rest.Authorizer(
        own.name,
        "REQUEST",
        own.authorizer_uri,
        own.authorizer_credentials_arn,
        identity_source=",".join(source_of(each) for each in own.identity_source),
        authorizer_result_ttl_in_seconds=own.authorizer_result_ttl_in_seconds,
    )


def _model(own: Model) -> rest.Model:
    try:
        schema = msgspec.json.decode(own.schema, type=rest.Json)
    except msgspec.DecodeError as error:
        raise InvalidApi(f"model {own.name}: its schema is no JSON object: {error}") from error
    return rest.Model(own.name, schema, own.content_type)


def _stage(own: Stage) -> rest.Stage:
    log = own.access_log_settings
    return rest.Stage(
        own.stage_name,
        own.deployment_id,
        variables=own.stage_variables,
        method_settings=_settings(own.default_route_settings, own.route_settings),
        access_log_settings=log and rest.AccessLogSettings(log.destination_arn, log.format),
        client_certificate_id=own.client_certificate_id,
    )


def _settings(
    default: RouteSettings, own: Mapping[str, RouteSettings]
) -> dict[str, rest.MethodSettings]:
    """By the names that a method without a verb has."""
    return {"*/*": _setting(default)} | {
        f"{key.strip('/').replace('/', '~1')}/": _setting(each) for key, each in own.items()
    }


def _setting(own: RouteSettings) -> rest.MethodSettings:
    return rest.MethodSettings(
        metrics_enabled=own.detailed_metrics_enabled,
        logging_level=own.logging_level,
        data_trace_enabled=own.data_trace_enabled,
        throttling_rate_limit=own.throttling_rate_limit,
        throttling_burst_limit=own.throttling_burst_limit,
    )
