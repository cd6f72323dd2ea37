"""Parameter mapping expressions, compiled: `integration.request.header.X: 'constant'`.

Source: Developer Guide, "Request and response data mapping reference for REST APIs".
"""

from collections.abc import Callable
from typing import Any

from torana.gateway.contract import Context
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.variables import getter, text
from torana.message import Headers, Reply
from torana.vtl import BodyNotJson, TemplateFailure, json_path

Source = Callable[[Context], "str | list[str] | None"]
ReplySource = Callable[[Context, Reply], "str | None"]


class Target:
    """Where a mapped value goes: `header`, `querystring` or `path`, and the name there."""

    __slots__ = ("location", "name")

    def __init__(self, expression: str, prefix: str) -> None:
        if not expression.startswith(prefix):
            raise InvalidApi(f"mapping target {expression!r} must begin with {prefix!r}")
        self.location, _, self.name = expression[len(prefix) :].partition(".")
        if self.location not in ("header", "querystring", "path") or not self.name:
            raise InvalidApi(f"mapping target {expression!r} names no header, querystring or path")


def request_source(expression: str) -> Source:
    """What a request mapping reads. Raises `InvalidApi`."""
    if expression.startswith("method.request."):
        return _method_request(expression, expression[len("method.request.") :])
    return _anywhere(expression)


def response_source(expression: str) -> ReplySource:
    """What a response mapping reads. Raises `InvalidApi`."""
    if not expression.startswith("integration.response."):
        source = _anywhere(expression)
        return lambda ctx, reply: text(source(ctx)) or None
    rest = expression[len("integration.response.") :]
    kind, _, name = rest.partition(".")
    if kind == "header" and name:
        lower = name.lower()
        return lambda ctx, reply: _last(reply.headers, lower)
    if kind == "multivalueheader" and name:
        lower = name.lower()
        return lambda ctx, reply: ",".join(reply.headers.all(lower)) or None
    if kind == "body":
        return _reply_body(name)
    raise InvalidApi(f"mapping source {expression!r} is none that the service knows")


def _last(headers: Headers, lower: str) -> str | None:
    found = headers.all(lower)
    return found[-1] if found else None


def _anywhere(expression: str) -> Source:
    """Constants, `context.` and `stageVariables.`, allowed on both sides."""
    if len(expression) >= 2 and expression[0] == expression[-1] == "'":
        constant = expression[1:-1]
        return lambda ctx: constant
    if expression.startswith("context."):
        get = getter(expression[len("context.") :])
        return lambda ctx: text(get(ctx)) or None
    if expression.startswith("stageVariables."):
        name = expression[len("stageVariables.") :]
        return lambda ctx: ctx.to.stage.variables.get(name)
    raise InvalidApi(f"mapping source {expression!r} is none that the service knows")


def _method_request(expression: str, rest: str) -> Source:
    kind, _, name = rest.partition(".")
    if kind == "body":
        return _request_body(name)
    table: dict[str, Source] = {
        "path": lambda ctx: ctx.path_parameters.get(name),
        "querystring": lambda ctx: (ctx.query().get(name) or [None])[-1],
        "multivaluequerystring": lambda ctx: ctx.query().get(name),
        "header": lambda ctx: _last(ctx.request.headers, name.lower()),
        "multivalueheader": lambda ctx: ",".join(ctx.request.headers.all(name.lower())) or None,
    }
    if not name or kind not in table:
        raise InvalidApi(f"mapping source {expression!r} is none that the service knows")
    return table[kind]


def _request_body(path: str) -> Source:
    if not path:
        return lambda ctx: ctx.whole_body().decode("utf-8", "replace")
    read = _json_source(path)

    def body(ctx: Context) -> str | None:
        try:
            return _json_text(read(ctx.whole_body() or b"{}"))
        except BodyNotJson:
            raise GatewayError("BAD_REQUEST_PARAMETERS", "Invalid JSON in request body") from None

    return body


def _reply_body(path: str) -> ReplySource:
    if not path:
        return lambda ctx, reply: bytes(reply.body).decode("utf-8", "replace")  # pyright: ignore[reportArgumentType]
    read = _json_source(path)

    def body(ctx: Context, reply: Reply) -> str | None:
        whole = reply.body
        try:
            return _json_text(read(whole if isinstance(whole, bytes) else b""))
        except BodyNotJson:
            return None

    return body


def _json_source(path: str) -> Callable[[bytes], Any]:
    """A JSONPath over a body. Raises `InvalidApi`."""
    try:
        return json_path(path)
    except TemplateFailure as error:
        raise InvalidApi(f"mapping source: {error}") from error


def _json_text(value: Any) -> str | None:
    return None if value is None else text(value)
