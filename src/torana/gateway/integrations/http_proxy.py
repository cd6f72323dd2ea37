"""HTTP_PROXY: any HTTP backend, the request and the reply passed through."""

from torana.gateway.address import (
    compile_address,
    forwarded,
    with_query,
    with_raw_query,
    with_stage_variables,
)
from torana.gateway.contract import Compiled, Context, Integration, Query
from torana.gateway.errors import InvalidApi
from torana.gateway.headers import NOT_MAPPABLE, passed_back, passed_on
from torana.gateway.mapping import Source, Target, request_source
from torana.gateway.upstream import buffer, leads_to, send, timeouts, tls_of
from torana.message import Headers, Reply, Request


def build(to: Compiled) -> Integration:
    """Resolves the address once. Mapped parameters are added to what the client sent."""
    integration = to.method.integration
    uri = with_stage_variables(integration.uri, to.stage.variables)
    locate = compile_address(uri, to.ports.client, tls_of(to), leads_to(to))
    limit = timeouts(integration)
    own_verb = integration.http_method.upper()
    verb = None if own_verb in ("", "ANY") else own_verb
    streamed = integration.response_transfer_mode == "STREAM"
    api_id = ("x-amzn-apigateway-api-id", to.api.id)
    mapped = _mapped(integration.request_parameters)

    async def http_proxy(ctx: Context) -> Reply:
        fields = passed_on(ctx.request.headers)
        if ctx.span is not None:
            fields.remove("traceparent")
        path: dict[str, str] = {}
        query: Query = {}
        if mapped:
            _apply(mapped, ctx, fields, query, path)
        address = locate(path, ctx.raw_path_parameters)
        items = fields.items
        items.append(("Host", address.host))
        items += forwarded(ctx)
        items.append(api_id)
        target = address.target
        if ctx.raw_query or query:
            target = with_query(with_raw_query(target, ctx.raw_query), query)
        body = ctx.body
        if not isinstance(body, bytes):
            length = ctx.request.headers.get("content-length")
            if length is not None:
                items.append(("Content-Length", length))
        request = Request(verb or ctx.request.method, target, fields, body)
        reply = await send(ctx, address, request, limit)
        if not streamed and not isinstance(reply.body, bytes):
            reply = await buffer(reply)
        return Reply(reply.status, passed_back(reply.headers), reply.body)

    return http_proxy


Mapped = list[tuple[Target, Source]]


def _mapped(parameters: dict[str, str]) -> Mapped:
    """All but the mappings that only hand a path parameter on under its own name: those are
    filled in as they came."""
    found: Mapped = []
    for expression, source in parameters.items():
        target = Target(expression, "integration.request.")
        if target.location == "path" and source == f"method.request.path.{target.name}":
            continue
        if target.location == "header" and target.name.lower() in NOT_MAPPABLE:
            raise InvalidApi(f"{expression!r}: the gateway sets this header itself")
        found.append((target, request_source(source)))
    return found


def _apply(
    mapped: Mapped, ctx: Context, fields: Headers, query: Query, path: dict[str, str]
) -> None:
    for target, source in mapped:
        value = source(ctx)
        if value is None:
            continue
        text = value if isinstance(value, str) else ",".join(value)
        if target.location == "header":
            fields.set(target.name, text)
        elif target.location == "path":
            path[target.name] = text
        else:
            query[target.name] = [value] if isinstance(value, str) else list(value)
