"""Compile an HTTP API and a stage into a plan: what each route needs, and only that."""

from collections.abc import Callable, Generator
from typing import Any

from torana.gateway import lifecycle
from torana.gateway.chain import Chain
from torana.gateway.contract import Context, Integration, Ports
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.http_api import (
    authorize,
    cors,
    http_proxy,
    lambda_proxy,
    map_response,
    request_id,
    throttle,
)
from torana.gateway.http_api.compiled import NO_ROUTE, NOWHERE, HttpCompiled, compiled, split
from torana.gateway.http_api.refuse import WRITERS
from torana.gateway.http_api.routing import Routing
from torana.gateway.http_api.sources import reads_body
from torana.gateway.plan import always, retired, route
from torana.gateway.serve import Found, Plan
from torana.gateway.serve import Route as Served
from torana.gateway.steps import admit, privacy, privacy_reply
from torana.message import Reply
from torana.model.http_api import DEFAULT, HttpApi, Stage
from torana.net.pauses import at_once

HTTP = Chain[HttpCompiled](
    before=(
        admit.build,
        lifecycle.build,
        authorize.build,
        throttle.build,
        cors.preflight,
        privacy.build,
    ),
    after=(map_response.build, privacy_reply.build),
    always=(lifecycle.dress, cors.dress, request_id.build),
)
_PREFLIGHT = Chain[HttpCompiled](before=(cors.preflight,), after=(), always=HTTP.always)
"""For OPTIONS requests that no route takes."""


def _aws_service(to: HttpCompiled) -> Integration:
    """botocore is large: who has no such integration need not wait for it."""
    from torana.gateway.http_api import aws_service

    return aws_service.build(to)


INTEGRATIONS: dict[str, Callable[[HttpCompiled], Integration]] = {
    "AWS_PROXY": lambda_proxy.build,
    "HTTP_PROXY": http_proxy.build,
    "subtype": _aws_service,
}


def compile(api: HttpApi, stage: Stage, ports: Ports) -> Plan:
    """At once. Raises `InvalidApi`; the plan that runs stays."""
    return at_once(compiling(api, stage, ports))


def compiling(api: HttpApi, stage: Stage, ports: Ports) -> Generator[None, None, Plan]:
    """`compile`, with a pause after every route."""
    integrations = {each.integration_id: each for each in api.integrations}
    authorizers = {each.authorizer_id: each for each in api.authorizers}
    shared: dict[str, Any] = {}
    nobody = compiled(api, stage, ports, NO_ROUTE, NOWHERE, None, shared)
    found = nobody.lifecycle()
    if found is not None and found.state == "retired":
        return retired(nobody, HTTP, WRITERS, new_id=request_id.new_id, http=True)
    routing: Routing[Served] = Routing()
    made: list[Served] = []
    default: Served | None = None
    for each in api.routes:
        if not each.target:
            continue
        integration = integrations.get(each.target.partition("/")[2])
        if integration is None:
            raise InvalidApi(f"{api.name}: {each.route_key}: there is no target {each.target!r}")
        authorizer = authorizers.get(each.authorizer_id or "")
        to = compiled(api, stage, ports, each, integration, authorizer, shared)
        try:
            served = _route(to)
        except InvalidApi as error:
            raise InvalidApi(f"{api.name}: {each.route_key}: {error}") from error
        made.append(served)
        if each.route_key == DEFAULT:
            default = served
        else:
            routing.add(*split(each.route_key), served)
        yield
    return Plan(
        nobody,
        _finder(routing, default, _preflight(nobody)),
        WRITERS,
        always(nobody, HTTP),
        ports.observe(nobody),
        unrouted="RESOURCE_NOT_FOUND",
        new_id=request_id.new_id,
        routes=tuple(made),
        http=True,
        lifecycle=found,
    )


def _route(to: HttpCompiled) -> Served:
    kind = "subtype" if to.integration.integration_subtype else to.integration.integration_type
    if kind not in INTEGRATIONS:
        raise InvalidApi(f"no integration type {kind!r}; known: HTTP_PROXY, AWS_PROXY")
    return route(to, HTTP, INTEGRATIONS[kind](to), WRITERS, _needs_body)


def _needs_body(to: HttpCompiled, before: tuple[str, ...]) -> bool:
    """Only a pass-through that nobody looks into may keep the body a stream."""
    if to.integration.integration_type != "HTTP_PROXY" or {"lifecycle", "privacy"} & {*before}:
        return True
    signed = to.route.authorization_type == "AWS_IAM"
    parameters = to.integration.response_parameters.values()
    mapped = reads_body(to.integration.request_parameters) or any(map(reads_body, parameters))
    return signed or mapped


def _preflight(to: HttpCompiled) -> Served | None:
    """What answers preflights of paths without a route, where the API has CORS."""
    if to.http.cors_configuration is None:
        return None

    async def nowhere(ctx: Context) -> Reply:
        raise GatewayError("RESOURCE_NOT_FOUND")

    return route(to, _PREFLIGHT, nowhere, WRITERS, lambda to, before: False)


def _finder(
    routing: Routing[Served], default: Served | None, preflight: Served | None
) -> Callable[[str, str], Found | None]:
    def find(path: str, verb: str) -> Found | None:
        found = routing.find(path, verb)
        if found is not None:
            return found
        if default is not None:
            return default, {}, {}
        return (preflight, {}, {}) if preflight is not None and verb == "OPTIONS" else None

    return find
