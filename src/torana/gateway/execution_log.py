"""Execution logs: what became of a request, step by step, in the service's own lines.

Source: Developer Guide, "Set up CloudWatch logging for REST APIs in API Gateway". Lines are made
once the reply is sent, from what the steps have left in the request's trace.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from msgspec import Struct

from torana.gateway.contract import Compiled, Context, SocketEvent, Trace
from torana.gateway.errors import GatewayError
from torana.gateway.settings import method_settings
from torana.gateway.variables import extended_request_id
from torana.message import Body
from torana.telemetry.groups import Keeper

_LONGEST = 1024
"""Characters of a value. Source: the service truncates beyond."""
_SECRET = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-amz-signature",
        "x-api-key",
    }
)
_SHOWN = 6
"""Characters that are shown of a long secret's end."""
_STREAMS = tuple(uuid5(NAMESPACE_OID, f"{number:x}").hex for number in range(16))
"""A request's stream, by the first character of its id."""
_PRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1f]")
_SIGNED = re.compile(r"(?i)(X-Amz-(?:Security-Token|Signature)=)[^&]+")


_GROUPS = {True: "API-Gateway-Execution-Logs_", False: "/aws/apigateway/"}
"""Of REST APIs, whose methods have a verb, and of WebSocket APIs."""


class Logged(Struct, frozen=True):
    """How a method's requests are logged."""

    group: str
    errors_only: bool
    data: bool


def logged(to: Compiled) -> Logged | None:
    """None: not at all."""
    settings = method_settings(to.stage, to.method)
    if settings.logging_level == "OFF" or not to.method.path:
        return None
    group = f"{_GROUPS[bool(to.method.http_method)]}{to.api.id}/{to.stage.stage_name}"
    return Logged(group, settings.logging_level == "ERROR", settings.data_trace_enabled)


def writer(
    to: Compiled, keep: Keeper, hide: Callable[[str], str] | None = None
) -> Callable[[Context], None]:
    """What is to be told once a request is answered; nothing where nothing is logged. `hide` takes
    out of a text what may not be kept."""
    found = logged(to)
    if found is None:
        return lambda ctx: None

    def write(ctx: Context) -> None:
        if ctx.trace is None or (found.errors_only and ctx.error is None):
            return
        if ctx.socket is not None:
            texts = happened(ctx, ctx.socket, errors_only=found.errors_only, data=found.data)
        else:
            texts = failure(ctx) if found.errors_only else whole(ctx, data=found.data)
        if hide is not None:
            texts = [hide(text) for text in texts]
        id = ctx.request_id
        keep(
            found.group,
            _STREAMS[ord(id[0]) % len(_STREAMS)],
            [(ctx.finished, f"({id}) {text}") for text in texts],
        )

    return write


def whole(ctx: Context, *, data: bool) -> list[str]:
    """Every line of a request of a deployed stage."""
    to = ctx.to
    stage, place = f"{to.api.id}/{to.stage.stage_name}", to.place()
    key = _masked(ctx.api_key) if ctx.api_key else ""
    lines = [
        f"Extended Request Id: {extended_request_id(ctx.request_id)}",
        f"Verifying Usage Plan for request: {ctx.request_id}. API Key: {key} API Stage: {stage}",
    ]
    if not to.method.api_key_required:
        lines.append(
            f"API Key  authorized because method '{place}' does not require API Key. "
            "Request will not contribute to throttle or quota limits"
        )
    if not isinstance(ctx.error, GatewayError) or ctx.error.type != "INVALID_API_KEY":
        lines.append(f"Usage Plan check succeeded for API Key {key} and API Stage {stage}")
    lines += steps(ctx, to.method.path, data=data)
    if ctx.trace is not None and ctx.trace.sent is not None:
        lines.append(f"X-ray Tracing ID : {ctx.trace_id}")
    return lines


def happened(ctx: Context, event: SocketEvent, *, errors_only: bool, data: bool) -> list[str]:
    """The lines of what happens on a WebSocket, with its connection."""
    request, about = ctx.request, f"[Client] [Connection Id: {event.connection_id}]"
    if ctx.error is not None:
        lines = failure(ctx)
    else:
        lines = ["Successfully completed execution", f"Route completed with status: {ctx.status}"]
    if errors_only:
        return [f"{about} Route key: {event.route_key}", *lines]
    agent = _short(request.headers.get("user-agent") or "")
    told = {
        "CONNECT": f"Client [UserAgent: {agent}, SourceIp: {request.peer.address}] is connecting "
        f"to WebSocket API [{ctx.to.api.id}].",
        "MESSAGE": f"Message {event.message_id} came.",
        "DISCONNECT": f"Client left: {event.close_code} {_short(event.close_reason)}",
    }
    begun = [
        f"Extended Request Id: {ctx.request_id}",
        f"{about} {told[event.type]}",
        f"{about} Route key: {event.route_key}",
    ]
    if data and event.type == "CONNECT":
        begun.append(f"{about} Request headers: {_fields(request.headers.items)}")
    elif data and event.type == "MESSAGE":
        begun.append(f"{about} Message: {_body(ctx.body)}")
    return [*begun, *(_endpoint(ctx) if data else ()), *lines]


def steps(ctx: Context, resource: str, *, data: bool) -> list[str]:
    """The lines that a tried method has, too."""
    request = ctx.request
    lines = [
        f"Starting execution for request: {ctx.request_id}",
        f"HTTP Method: {request.method}, Resource Path: {resource}",
    ]
    if data:
        query = {name: ",".join(values) for name, values in ctx.query().items()}
        lines += [
            f"Method request path: {_fields(ctx.path_parameters.items())}",
            f"Method request query string: {_fields(query.items())}",
            f"Method request headers: {_fields(request.headers.items)}",
            f"Method request body before transformations: {_body(ctx.body)}",
        ]
        lines += _endpoint(ctx)
    if ctx.error is not None:
        return [*lines, *failure(ctx)]
    if data and ctx.trace is not None:
        lines += [
            f"Method response body after transformations: {_body(ctx.trace.body)}",
            f"Method response headers: {_fields(ctx.trace.fields)}",
        ]
    status = f"Method completed with status: {ctx.status}"
    return [*lines, "Successfully completed execution", status]


def _endpoint(ctx: Context) -> Iterator[str]:
    trace = ctx.trace
    if trace is None or trace.sent is None:
        return
    address = _SIGNED.sub(r"\1****", trace.address)
    yield f"Endpoint request URI: {address}"
    yield f"Endpoint request headers: {_fields(trace.sent.headers.items)}"
    yield f"Endpoint request body after transformations: {_body(trace.sent.body)}"
    yield f"Sending request to {address}"
    if trace.got is None:
        return
    latency = round(ctx.integration_latency * 1000)
    yield f"Received response. Status: {trace.got.status}, Integration latency: {latency} ms"
    yield f"Endpoint response headers: {_fields(trace.got.headers.items)}"
    yield f"Endpoint response body before transformations: {_body(trace.got.body)}"


def asked(ctx: Context, answer: bytes) -> list[str]:
    """The lines of an authorizer that is tried. `answer`: what its function said."""
    lines = [f"Starting authorizer: {ctx.to.method.authorizer} for request: {ctx.request_id}"]
    trace, error = ctx.trace, ctx.error
    if trace is not None and trace.sent is not None:
        lines += [
            f"Endpoint request URI: {trace.address}",
            f"Endpoint request headers: {_fields(trace.sent.headers.items)}",
            f"Sending request to {trace.address}",
            f"Authorizer result body before parsing: {_body(answer)}",
        ]
    if isinstance(error, GatewayError) and error.type == "UNAUTHORIZED":
        return [*lines, f"Unauthorized request: {ctx.request_id}"]
    if isinstance(error, GatewayError) and error.type.startswith("AUTHORIZER_"):
        why = error.detail or str(error)
        return [*lines, _short(f"Execution failed due to configuration error: {why}")]
    return [*lines, "Successfully completed authorizer execution"]


_FAILED: Mapping[str, Callable[[GatewayError], str]] = {
    "API_CONFIGURATION_ERROR": lambda e: f"Execution failed due to configuration error: {e.detail}",
    "DEFAULT_5XX": lambda e: f"Execution failed due to configuration error: {e.detail}",
    "AUTHORIZER_CONFIGURATION_ERROR": lambda e: (
        f"Execution failed due to configuration error: {e.detail}"
    ),
    "AUTHORIZER_FAILURE": lambda e: f"Execution failed due to configuration error: {e.detail}",
    "BAD_REQUEST_BODY": lambda e: f"Request body does not match model schema: {e.detail or e}",
    "BAD_REQUEST_PARAMETERS": lambda e: f"Execution failed: {e}",
    "INTEGRATION_FAILURE": lambda e: (
        "Execution failed due to a network error communicating with endpoint"
    ),
    "INTEGRATION_TIMEOUT": lambda e: "Execution failed due to a timeout error",
}


def failure(ctx: Context) -> list[str]:
    """The lines of a request that the gateway itself answered."""
    error = ctx.error
    lines: list[str] = []
    if isinstance(error, GatewayError):
        say = _FAILED.get(error.type)
        if say is not None:
            lines.append(_short(say(error)))
        else:
            lines.append(f"Gateway response type: {error.type} with status code: {ctx.status}")
    return [*lines, f"Method completed with status: {ctx.status}"]


def _fields(items: Iterable[tuple[str, Any]]) -> str:
    shown = [
        f"{name}={_masked(str(value)) if name.lower() in _SECRET else value}"
        for name, value in items
    ]
    return _short("{" + ", ".join(shown) + "}")


def _masked(secret: str) -> str:
    """Only the end of a secret that is long enough to keep it."""
    shown = secret[-_SHOWN:] if len(secret) >= 3 * _SHOWN else ""
    return "*" * min(len(secret) - len(shown), 32) + shown


def _body(body: Body) -> str:
    if not isinstance(body, bytes):
        return "[Streamed Data]"
    try:
        text = body[: 4 * _LONGEST].decode("utf-8", "strict" if len(body) < _LONGEST else "ignore")
    except UnicodeDecodeError:
        return "[Binary Data]"
    return "[Binary Data]" if _PRINTABLE.search(text) else _short(text)


def _short(text: str) -> str:
    """One line, not too long: a request can forge no line of its own."""
    flat = text.replace("\r", "\\r").replace("\n", "\\n")
    return flat if len(flat) <= _LONGEST else flat[:_LONGEST] + " [TRUNCATED]"


def begun(ctx: Context) -> None:
    """Have the steps leave a trace."""
    ctx.trace = Trace()
