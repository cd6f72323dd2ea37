"""What is written of a request once its last byte is out: metrics and the access log.

Source of the format: Developer Guide, "Set up CloudWatch logging for REST APIs".
"""

import re
from collections.abc import Callable

import msgspec

from torana.gateway.contract import Compiled, Context, Observe
from torana.gateway.errors import InvalidApi
from torana.gateway.variables import CONTEXT, getter, text
from torana.model.rest import Stage
from torana.telemetry.lines import Lines
from torana.telemetry.metrics import Metrics

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


def access_line(format: str) -> Line:
    """A format, compiled. Values are escaped as in a JSON string, so that a request can neither
    forge a line nor break one. Raises `InvalidApi` for a variable that does not exist."""
    pieces = _VARIABLE.split(format.replace("\n", " "))
    literals, names = pieces[::2], pieces[1::2]
    for name in names:
        if name.partition(".")[0] not in CONTEXT:
            raise InvalidApi(f"access log format: no variable $context.{name}")
    gets = [getter(name) for name in names]
    pairs = tuple(zip(gets, literals[1:], strict=True))
    first = literals[0]

    def line(ctx: Context) -> str:
        out = [first]
        for get, literal in pairs:
            out.append(_escaped(text(get(ctx)) or "-"))
            out.append(literal)
        return "".join(out)

    return line


def _escaped(value: str) -> str:
    if value.isalnum():
        return value
    return msgspec.json.encode(value).decode()[1:-1]


def observer(
    metrics: Metrics, log_of: Callable[[Stage], Lines | None]
) -> Callable[[Compiled], Observe]:
    """Binds the handles of one method. `log_of` gives the destination of a stage's access log."""

    def bind(to: Compiled) -> Observe:
        series = metrics.series(
            to.api.id, to.stage.stage_name, to.method.http_method, to.method.path
        )
        log = log_of(to.stage)
        settings = to.stage.access_log_settings
        line = access_line((settings and settings.format) or JSON_FORMAT)

        def observe(ctx: Context) -> None:
            series.count(
                ctx.status,
                ctx.finished - ctx.request.received,
                ctx.integration_latency,
                ctx.response_length,
            )
            if log is not None:
                log.write(line(ctx))

        return observe

    return bind
