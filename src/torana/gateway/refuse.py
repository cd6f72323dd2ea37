"""Gateway responses: what the API says when the gateway itself answers, compiled once per API.

Source: Developer Guide, "Gateway responses in API Gateway".
"""

from collections.abc import Callable, Mapping

import msgspec

from torana.gateway.content import response_template
from torana.gateway.contract import Context
from torana.gateway.errors import RESPONSE_TYPES, GatewayError, InvalidApi, Refusal, ResponseType
from torana.gateway.variables import getter, text, variables
from torana.message import Headers, Reply
from torana.model.rest import GatewayResponse, RestApi, Stage
from torana.vtl import TemplateError, TemplateFailure, Util, compile

Writer = Callable[[Context, GatewayError], Reply]


def writers(api: RestApi, stage: Stage) -> Mapping[str, Writer]:
    """One writer per gateway response type. Raises `InvalidApi`."""
    unknown = api.gateway_responses.keys() - RESPONSE_TYPES.keys()
    if unknown:
        raise InvalidApi(f"no gateway response type {sorted(unknown)[0]!r}")
    return {name: _writer(api, stage, name, said) for name, said in RESPONSE_TYPES.items()}


def _writer(api: RestApi, stage: Stage, name: Refusal, said: ResponseType) -> Writer:
    family: Refusal = "DEFAULT_5XX" if said.status >= 500 else "DEFAULT_4XX"
    custom = api.gateway_responses.get(name) or api.gateway_responses.get(family)
    if custom is None:
        return _default(said)
    return _customised(custom, said, stage)


def _default(said: ResponseType) -> Writer:
    usual = (said.body % msgspec.json.encode(said.message).decode()).encode()

    def write(ctx: Context, error: GatewayError) -> Reply:
        message = str(error)
        body = usual
        if message != said.message:
            body = (said.body % msgspec.json.encode(message).decode()).encode()
        reply = Reply(error.status or said.status, _headers(said, "application/json"), body)
        if error.retry_after:
            reply.headers.add("Retry-After", str(error.retry_after))
        return reply

    return write


def _headers(said: ResponseType, content_type: str) -> Headers:
    return Headers([("Content-Type", content_type), ("x-amzn-ErrorType", said.error_type)])


def _customised(custom: GatewayResponse, said: ResponseType, stage: Stage) -> Writer:
    status = int(custom.status_code) if custom.status_code else None
    try:
        templates = {
            kind: compile(source, f"gateway response {custom.response_type}")
            for kind, source in custom.response_templates.items()
        }
    except TemplateError as error:
        raise InvalidApi(f"gateway response {custom.response_type}: {error}") from error
    choose = response_template(templates)
    fields = [_field(target, source) for target, source in custom.response_parameters.items()]
    plain = _default(said)

    def write(ctx: Context, error: GatewayError) -> Reply:
        reply = plain(ctx, error)
        found = choose(ctx.request.headers)
        if found is not None:
            kind, template = found
            try:
                body = template.render(
                    {
                        "context": variables(ctx),
                        "stageVariables": stage.variables,
                        "util": Util(),
                    }
                )
            except TemplateFailure:
                body = '{"message": "Internal server error"}'
            reply.headers.set("Content-Type", kind)
            reply.body = body.encode()
        if status is not None:
            reply.status = status
        for name, get in fields:
            value = get(ctx)
            if value:
                reply.headers.set(name, value)
        return reply

    return write


def _field(target: str, source: str) -> tuple[str, Callable[[Context], str]]:
    prefix = "gatewayresponse.header."
    if not target.startswith(prefix):
        raise InvalidApi(f"gateway response parameter {target!r} must begin with {prefix!r}")
    return target[len(prefix) :], _value(source)


def _value(source: str) -> Callable[[Context], str]:
    if len(source) >= 2 and source[0] == source[-1] == "'":
        constant = source[1:-1]
        return lambda ctx: constant
    if source.startswith("context."):
        get = getter(source[len("context.") :])
        return lambda ctx: text(get(ctx))
    if source.startswith("stageVariables."):
        name = source[len("stageVariables.") :]
        return lambda ctx: ctx.to.stage.variables.get(name, "")
    if source.startswith("method.request.header."):
        lower = source[len("method.request.header.") :].lower()
        return lambda ctx: ctx.request.headers.get(lower) or ""
    if source.startswith("method.request.querystring."):
        query = source[len("method.request.querystring.") :]
        return lambda ctx: (ctx.query().get(query) or [""])[-1]
    if source.startswith("method.request.path."):
        path = source[len("method.request.path.") :]
        return lambda ctx: ctx.path_parameters.get(path, "")
    raise InvalidApi(f"gateway response parameter value {source!r} is none that the service knows")
