"""Compile a WebSocket API and a stage into a plan: what each route needs, and only that."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from torana.gateway.authorizers import aws_iam, custom
from torana.gateway.contract import (
    Authorizer,
    Compiled,
    Context,
    Finish,
    Gate,
    Integration,
    Observe,
    Ports,
)
from torana.gateway.errors import InvalidApi
from torana.gateway.integrations import INTEGRATIONS
from torana.gateway.integrations.aws_proxy import calling
from torana.gateway.schemas import BodyCheck, body_validator
from torana.gateway.steps import api_key, quota, throttle, trace
from torana.gateway.steps.validate import demand, judge, required_of
from torana.gateway.websocket.event import authorizer_event, proxy_event
from torana.gateway.websocket.expressions import Select, request_expression
from torana.gateway.websocket.mapping import map_reply, map_request, template_key
from torana.gateway.websocket.view import Views
from torana.message import Headers, Reply
from torana.model import websocket_api as model
from torana.model.websocket_api import CONNECT, DEFAULT, Route, Stage, WebSocketApi


class SocketRoute(Struct, frozen=True):
    """One route, ready to serve."""

    to: Compiled
    before: tuple[Gate, ...]
    integration: Integration
    after: tuple[Finish, ...]
    answers: bool
    """Whether the client gets what the integration says."""
    observe: Observe


class SocketPlan(Struct, frozen=True):
    """A stage, ready to serve. Never changed: a deployment swaps the whole."""

    to: Compiled
    """With a route that no message has: what is about none."""
    routes: Mapping[str, SocketRoute]
    select: Select
    observe: Observe
    own_address: bool
    """Whether it answers under `execute-api`, too, and not only under custom domain names."""

    def route(self, ctx: Context) -> SocketRoute | None:
        """What takes a message."""
        found = self.routes.get(self.select(ctx))
        return found if found is not None else self.routes.get(DEFAULT)


def compile(api: WebSocketApi, stage: Stage, ports: Ports) -> SocketPlan:
    """Raises `InvalidApi`; the plan that runs stays."""
    views = Views(api, stage, ports)
    routes: dict[str, SocketRoute] = {}
    for route in api.routes:
        try:
            routes[route.route_key] = _route(views, route, api)
        except InvalidApi as error:
            raise InvalidApi(f"{api.name}: route {route.route_key}: {error}") from error
    nobody = views.nobody()
    return SocketPlan(
        nobody,
        routes,
        request_expression(api.route_selection_expression),
        ports.observe(nobody),
        not api.disable_execute_api_endpoint,
    )


def _route(views: Views, route: Route, api: WebSocketApi) -> SocketRoute:
    to, own = views.route(route), views.integration(route)
    before: list[Gate | None] = [
        trace.build(to),
        _authorize(to),
        api_key.build(to),
        quota.build(to),
        throttle.build(to),
        _parameters(to),
        None if api.disable_schema_validation else _body(route, to),
    ]
    after: list[Finish] = []
    if own is not None and own.integration_type != "AWS_PROXY":
        before.append(map_request(to, own))
        after.append(map_reply(own))
    return SocketRoute(
        to,
        tuple(gate for gate in before if gate is not None),
        _nothing if own is None else _integration(to, own),
        tuple(after),
        bool(route.route_responses),
        to.ports.observe(to),
    )


async def _nothing(ctx: Context) -> Reply:
    """A route that leads nowhere takes what comes."""
    return Reply(200, Headers())


def _integration(to: Compiled, own: model.Integration) -> Integration:
    if own.integration_type == "AWS_PROXY":
        event = proxy_event(to, own.content_handling_strategy)
        return calling(to, event, lambda accept: True)
    # What a proxy passes on is put together by `map_request`, as the handshake is no request to
    # pass on as it is.
    kind = "HTTP" if own.integration_type == "HTTP_PROXY" else own.integration_type
    return INTEGRATIONS[kind](to)


_AUTHORIZERS: Mapping[str, Callable[[Compiled], Authorizer]] = {
    "AWS_IAM": aws_iam.build,
    "CUSTOM": lambda to: custom.asking(to, authorizer_event(to)),
}


def _authorize(to: Compiled) -> Gate | None:
    kind = to.method.authorization_type
    if kind == "NONE":
        return None
    check = _AUTHORIZERS[kind](to)

    async def authorize(ctx: Context) -> None:
        ctx.principal = await check(ctx)

    return authorize


def _parameters(to: Compiled) -> Gate | None:
    """What of the handshake must be there. Raises `InvalidApi`."""
    required = required_of(to)
    if not required:
        return None
    if to.method.path != CONNECT:
        raise InvalidApi("requestParameters are for the $connect route only")
    return lambda ctx: demand(ctx, required)


def _body(route: Route, to: Compiled) -> Gate | None:
    """A message against the model that is chosen for it. Raises `InvalidApi`."""
    if not route.request_models:
        return None
    missing = route.request_models.values() - to.api.models.keys()
    if missing:
        raise InvalidApi(f"model {min(missing)!r} is not defined")
    checks: dict[str, BodyCheck] = {
        key: body_validator(to.api.models[name], to.api.models)
        for key, name in route.request_models.items()
    }
    select = template_key(route.model_selection_expression)

    def body(ctx: Context) -> None:
        check = checks.get(select(ctx)) or checks.get(DEFAULT)
        if check is not None:
            judge(ctx, check)

    return body
