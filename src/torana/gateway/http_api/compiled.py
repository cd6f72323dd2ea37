"""A route as its builders see it: its own, and what it has in common with a REST API's method."""

from torana.gateway.contract import Compiled, Ports
from torana.model import rest
from torana.model.http_api import DEFAULT, Authorizer, HttpApi, Integration, Route, Stage


class HttpCompiled(Compiled, frozen=True, kw_only=True):
    """Everything a builder of HTTP APIs may look at. `api`, `stage` and `method` are for the parts
    that serve REST APIs too."""

    http: HttpApi
    http_stage: Stage
    route: Route
    integration: Integration
    authorizer: Authorizer | None = None

    def place(self) -> str:
        """The route, as messages name it."""
        return self.route.route_key


NOWHERE = Integration("HTTP_PROXY")
"""Of what has no integration."""
NO_ROUTE = Route("")


def split(key: str) -> tuple[str, str]:
    """Verb and path of a route key; `$default` takes any verb."""
    verb, _, path = key.partition(" ")
    return ("ANY", DEFAULT) if key == DEFAULT else (verb, path)


def compiled(
    http: HttpApi,
    stage: Stage,
    ports: Ports,
    route: Route,
    integration: Integration,
    authorizer: Authorizer | None,
    shared: dict[str, object],
) -> HttpCompiled:
    """A route with what it shares."""
    verb, path = split(route.route_key) if route.route_key else ("", "")
    log = stage.access_log_settings
    return HttpCompiled(
        api=rest.RestApi(
            http.api_id,
            http.name,
            version=http.version,
            tags=http.tags,
            disable_execute_api_endpoint=http.disable_execute_api_endpoint,
            lifecycle=http.lifecycle,
            privacy=http.privacy,
        ),
        stage=rest.Stage(
            stage.stage_name,
            stage.deployment_id,
            variables=stage.stage_variables,
            access_log_settings=log and rest.AccessLogSettings(log.destination_arn, log.format),
        ),
        method=rest.Method(
            verb,
            path,
            rest.Integration(
                integration.integration_type,
                integration.integration_uri,
                integration.integration_method,
                integration.credentials_arn,
                integration.connection_type,
                integration.connection_id,
                timeout_in_millis=integration.timeout_in_millis,
            ),
            "CUSTOM" if route.authorization_type == "JWT" else route.authorization_type,
            operation_name=route.operation_name,
        ),
        ports=ports,
        shared=shared,
        route_key=route.route_key,
        http=http,
        http_stage=stage,
        route=route,
        integration=integration,
        authorizer=authorizer,
    )
