"""The access log's lines: a format, written as one Python function for each method.

Source of the format: Developer Guide, "Set up CloudWatch logging for REST APIs". The function is
made of literals and of the expressions of `_WRITTEN`; nothing of a format but its literals, as
`repr` writes them, becomes part of it.
"""

import re
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any

from torana.gateway.contract import Compiled, Context
from torana.gateway.errors import InvalidApi
from torana.gateway.variables import CONTEXT, FIXED, Get, clf, getter, text

_VARIABLE = re.compile(r"\$context\.([A-Za-z][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*)")

JSON_FORMAT = (
    '{"requestId":"$context.requestId","ip":"$context.identity.sourceIp",'
    '"requestTime":"$context.requestTime","httpMethod":"$context.httpMethod",'
    '"resourcePath":"$context.resourcePath","path":"$context.path","status":"$context.status",'
    '"responseLength":"$context.responseLength","latency":"$context.responseLatency",'
    '"integrationLatency":"$context.integrationLatency","apiId":"$context.apiId",'
    '"stage":"$context.stage"}'
)
"""For stages that are logged but name no format."""

Line = Callable[[Context], str]


def access_line(format: str, to: Compiled) -> Line:
    """A format, compiled for one method. Values are escaped as in a JSON string, so that a request
    can neither forge a line nor break one. Raises `InvalidApi` for a variable that does not exist.
    """
    literal, *rest = _VARIABLE.split(format.replace("\n", " "))
    pieces = list[str]()
    scope: dict[str, Any] = {"quoted": encode_basestring, "clf": clf}
    for name, follows in zip(rest[::2], rest[1::2], strict=True):
        if name.partition(".")[0] not in CONTEXT:
            raise InvalidApi(f"access log format: no variable $context.{name}")
        if name in FIXED:
            literal += printed(FIXED[name](to)) + follows
            continue
        written = _WRITTEN.get(name)
        if written is None:
            own = f"get{len(pieces)}"
            scope[own], written = _printer(getter(name)), f"{own}(ctx)"
        pieces += [repr(literal), f'f"{{{written}}}"']
        literal = follows
    # Adjoining literals are one string to Python, which is put together in one go.
    whole = " ".join([*pieces, repr(literal)])
    exec(f"def line(ctx):\n request = ctx.request\n return {whole}", scope)  # noqa: S102  see above
    return scope["line"]


def printed(value: Any) -> str:
    """Any variable's value as a line has it."""
    if isinstance(value, str):
        return encode_basestring(value)[1:-1] or "-"
    return text(value) or "-"


def _printer(get: Get) -> Line:
    return lambda ctx: printed(get(ctx))


def _text(value: str) -> str:
    """Of what may hold anything, be empty, or None."""
    return f"quoted({value} or '-')[1:-1]"


def _milliseconds(seconds: str) -> str:
    return f"'-' if (spent := {seconds}) < 0 else round(spent * 1000)"


_WRITTEN = {
    "domainName": _text("ctx.domain"),
    "error.message": f"'-' if ctx.error is None else {_text('str(ctx.error)')}",
    "httpMethod": _text("request.method"),
    "identity.apiKey": _text("ctx.api_key"),
    "identity.apiKeyId": _text("ctx.api_key_id"),
    "identity.sourceIp": _text("request.peer.address"),
    "identity.userAgent": _text("request.headers.get('user-agent')"),
    "integration.integrationStatus": "ctx.integration_status or '-'",
    "integration.latency": _milliseconds("ctx.integration_latency"),
    "integration.status": "ctx.integration_status or '-'",
    "integrationLatency": _milliseconds("ctx.integration_latency"),
    "integrationStatus": "ctx.integration_status or '-'",
    "path": _text("ctx.full_path"),
    "protocol": _text("request.version"),
    "requestId": "ctx.request_id",
    "requestTime": "clf(int(request.received))",
    "requestTimeEpoch": "int(request.received * 1000)",
    "responseLatency": _milliseconds("ctx.finished - request.received"),
    "responseLength": "ctx.response_length",
    "routeKey": _text("(ctx.socket or ctx.to).route_key"),
    "status": "ctx.status or '-'",
    "xrayTraceId": _text("ctx.trace_id"),
}
"""Variables that are asked for often, as Python: what `printed` makes of what `variables.CONTEXT`
has of each. Every other one is asked for by its function."""
