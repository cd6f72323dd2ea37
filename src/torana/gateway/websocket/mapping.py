"""From a message to the integration request, and from the integration response to a message.

Source: Developer Guide, "Data transformations for WebSocket APIs in API Gateway" and "Binary media
types for WebSocket APIs".
"""

import base64
import re
from collections.abc import Callable, Mapping

from torana.gateway.contract import Compiled, Context, Finish, Gate, Outgoing
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.headers import passed_on
from torana.gateway.mapping import Source, request_source, response_source
from torana.gateway.steps.map_request import apply, override, rendered, target_of
from torana.gateway.steps.map_response import chosen
from torana.gateway.template import compile_templates
from torana.gateway.websocket.event import decoded
from torana.gateway.websocket.expressions import Select, reply_expression, request_expression
from torana.gateway.websocket.view import source_of
from torana.message import Headers, Reply
from torana.model.websocket_api import (
    CONNECT,
    DEFAULT,
    ContentHandling,
    Integration,
    IntegrationResponse,
)
from torana.vtl import Template

_HANDSHAKE = ("sec-websocket-", "upgrade", "connection")
_DEFAULT_REPLY = "$integration.response.statuscode"

Choose = Callable[[Context], Template | None]


def map_request(to: Compiled, own: Integration) -> Gate:
    """A gate that makes the integration request. Raises `InvalidApi`."""
    parameters = [
        (target_of(target, own.integration_type), _source(source))
        for target, source in own.request_parameters.items()
    ]
    proxy = own.integration_type == "HTTP_PROXY"
    if proxy and own.request_templates:
        raise InvalidApi("requestTemplates need an integration that is no proxy")
    choose = _request_template(own)
    convert = _converter(own.content_handling_strategy)
    with_head = proxy and to.method.path == CONNECT

    def map_request(ctx: Context) -> None:
        template = choose(ctx)
        body = convert(ctx.whole_body())
        if template is not None:
            body = rendered(template, ctx, body)
        headers = _client_headers(ctx) if with_head else Headers()
        outgoing = Outgoing(headers, dict(ctx.query()) if with_head else {}, {}, body)
        apply(parameters, ctx, outgoing)
        if ctx.request_override is not None:
            override(ctx.request_override, outgoing)
        if body and "content-type" not in outgoing.headers:
            outgoing.headers.add("Content-Type", "application/json")
        ctx.outgoing = outgoing

    return map_request


def map_reply(own: Integration) -> Finish:
    """A step that makes the message for the client. Raises `InvalidApi`."""
    if own.integration_type.endswith("_PROXY") or not own.integration_responses:
        return lambda ctx, reply: reply
    expression = own.integration_response_selection_expression or _DEFAULT_REPLY
    select = reply_expression(expression)
    made = [
        (_key(each.integration_response_key), _maker(each)) for each in own.integration_responses
    ]
    patterns = [(key, make) for key, make in made if key is not None]
    default = next((make for key, make in made if key is None), None)

    def map_reply(ctx: Context, reply: Reply) -> Reply:
        return chosen(patterns, default, select(ctx, reply))(ctx, reply)

    return map_reply


def _source(expression: str) -> Source:
    return request_source(source_of(expression))


def _client_headers(ctx: Context) -> Headers:
    found = passed_on(ctx.request.headers).items
    return Headers([item for item in found if not item[0].lower().startswith(_HANDSHAKE)])


def template_key(expression: str) -> Select:
    """What a template, or a model, is chosen by; the default where nothing is said."""
    return request_expression(expression or DEFAULT)


def _request_template(own: Integration) -> Choose:
    templates = compile_templates(own.request_templates, "request")
    if not templates and own.passthrough_behavior != "NEVER":
        return lambda ctx: None
    select, default = template_key(own.template_selection_expression), templates.get(DEFAULT)

    def choose(ctx: Context) -> Template | None:
        found = templates.get(select(ctx), default)
        if found is None and own.passthrough_behavior != "WHEN_NO_MATCH":
            raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
        return found

    return choose


def _converter(handling: ContentHandling | None) -> Callable[[bytes], bytes]:
    """Messages are texts: only what is binary by agreement is in base64."""
    return decoded if handling == "CONVERT_TO_BINARY" else lambda body: body


def _key(text: str) -> re.Pattern[str] | None:
    """None: the default. Raises `InvalidApi`."""
    if text == DEFAULT:
        return None
    between = len(text) > 1 and text.startswith("/") and text.endswith("/")
    try:
        return re.compile(text[1:-1] if between else re.escape(text), re.DOTALL)
    except re.error as error:
        raise InvalidApi(f"integrationResponseKey {text!r}: {error}") from error


def _maker(own: IntegrationResponse) -> Callable[[Context, Reply], Reply]:
    """Everything of one integration response, resolved."""
    templates: Mapping[str, Template] = compile_templates(own.response_templates, "response")
    select = reply_expression(own.template_selection_expression or DEFAULT)
    default, handling = templates.get(DEFAULT), own.content_handling_strategy
    fields = [
        (_header(target), response_source(source))
        for target, source in own.response_parameters.items()
    ]

    def make(ctx: Context, reply: Reply) -> Reply:
        body = reply.body if isinstance(reply.body, bytes) else b""
        if handling is not None:
            body = _decoded(body) if handling == "CONVERT_TO_BINARY" else base64.b64encode(body)
        template = templates.get(select(ctx, reply), default)
        if template is not None:
            body = rendered(template, ctx, body)
        status = reply.status
        wanted = (ctx.response_override or {}).get("status")
        if isinstance(wanted, int | str) and str(wanted).isdigit():
            status = int(wanted)
        mapped = Reply(status, Headers(), body)
        for name, source in fields:
            value = source(ctx, reply)
            if value is not None:
                mapped.headers.set(name, value)
        return mapped

    return make


def _decoded(body: bytes) -> bytes:
    try:
        return decoded(body)
    except GatewayError as error:
        detail = "the backend's body is not base64"
        raise GatewayError("API_CONFIGURATION_ERROR", detail=detail) from error


def _header(target: str) -> str:
    prefix = "route.response.header."
    if not target.startswith(prefix):
        raise InvalidApi(f"response mapping {target!r} must begin with {prefix!r}")
    return target[len(prefix) :]
