"""What is written of a request once its last byte is out: metrics and the access log.

Source of the format: Developer Guide, "Set up CloudWatch logging for REST APIs".
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from torana.gateway import execution_log, lifecycle, privacy, tracing
from torana.gateway.contract import Compiled, Context, Observe
from torana.gateway.errors import InvalidApi
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.settings import method_settings
from torana.gateway.variables import CONTEXT, FIXED, Get, getter, text
from torana.model.rest import Stage
from torana.personal.find import hider
from torana.telemetry.api_meter import (
    CONNECT,
    DISCONNECT,
    FOUND,
    MESSAGE,
    MISSED,
    PLAIN,
    ApiMeter,
    Place,
)
from torana.telemetry.groups import Keeper
from torana.telemetry.lines import Writes
from torana.telemetry.metrics import Metrics
from torana.telemetry.recorder import Recorder

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

_PLAIN = re.compile(r"[0-9A-Za-z ./:;=+_-]+").fullmatch
"""What a JSON string holds as it is."""

_OURS = frozenset(
    {
        "extendedRequestId",
        "integration.latency",
        "integrationLatency",
        "requestId",
        "requestTime",
        "requestTimeEpoch",
        "responseLatency",
        "responseLength",
    }
)
"""Variables that are always there and hold nothing a client wrote: they need no escaping."""

Line = Callable[[Context], str]


def access_line(format: str, to: Compiled) -> Line:
    """A format, compiled for one method. Values are escaped as in a JSON string, so that a request
    can neither forge a line nor break one. Raises `InvalidApi` for a variable that does not exist.
    """
    pieces = _VARIABLE.split(format.replace("\n", " "))
    literals, gets = [pieces[0]], list[Get]()
    for name, literal in zip(pieces[1::2], pieces[2::2], strict=True):
        if name.partition(".")[0] not in CONTEXT:
            raise InvalidApi(f"access log format: no variable $context.{name}")
        if name in FIXED:
            literals[-1] += _printed(FIXED[name](to)) + literal
        else:
            gets.append(getter(name) if name in _OURS else _escaped(getter(name)))
            literals.append(literal)
    form = "%s".join(literal.replace("%", "%%") for literal in literals)
    return lambda ctx: form % tuple([get(ctx) for get in gets])


def _escaped(get: Get) -> Get:
    return lambda ctx: _printed(get(ctx))


def _printed(value: Any) -> str:
    if isinstance(value, str):
        if _PLAIN(value):
            return value
        return msgspec.json.encode(value).decode()[1:-1] or "-"
    return text(value) or "-"


def observer(
    metrics: Metrics,
    log_of: Callable[[Stage], Writes | None],
    keep: Keeper,
    recorder: Recorder,
) -> Callable[[Compiled], Observe]:
    """Binds the handles of one method. `log_of` gives the destination of a stage's access log,
    `keep` takes execution logs, `recorder` CloudWatch's metrics."""

    def bind(to: Compiled) -> Observe:
        series = metrics.series(
            to.api.id, to.stage.stage_name, to.method.http_method, to.method.path
        )
        note = _meter(recorder, to).note
        log = log_of(to.stage)
        settings = to.stage.access_log_settings
        line = access_line((settings and settings.format) or JSON_FORMAT, to)

        found = privacy.policy(to)
        hide = hider(found.logs) if found else None
        write = execution_log.writer(to, keep, hide)
        traced = tracing.keeper(to)
        called = lifecycle.counter(to, recorder)

        def observe(ctx: Context) -> None:
            seconds = ctx.finished - ctx.request.received
            series.count(ctx.status, seconds, ctx.integration_latency, ctx.response_length)
            way = PLAIN
            if ctx.ticket is not None:
                way = FOUND if ctx.ticket.hit else MISSED
                series.cached(ctx.ticket.hit)
            elif ctx.socket is not None:
                way = _WAYS[ctx.socket.type]
            note(
                (
                    ctx.finished,
                    ctx.status,
                    seconds,
                    ctx.integration_latency,
                    way,
                    ctx.response_length,
                )
            )
            if log is not None:
                log.write(line(ctx) if hide is None else hide(line(ctx)))
            if called is not None:
                called(ctx)
            if ctx.trace is not None:
                write(ctx)
            if traced is not None and ctx.span is not None:
                traced(ctx, ctx.span)

        return observe

    return bind


_WAYS = {"CONNECT": CONNECT, "MESSAGE": MESSAGE, "DISCONNECT": DISCONNECT}


def _detailed(to: HttpCompiled) -> bool:
    stage = to.http_stage
    own = stage.route_settings.get(to.route.route_key, stage.default_route_settings)
    return own.detailed_metrics_enabled


def _meter(recorder: Recorder, to: Compiled) -> ApiMeter:
    """A method's, the same one whenever the API is compiled again."""
    http = isinstance(to, HttpCompiled)
    place = Place(
        to.api.id,
        to.api.name,
        to.stage.stage_name,
        to.method.http_method,
        to.method.path,
        _detailed(to) if http else method_settings(to.stage, to.method).metrics_enabled,
        http,
    )
    meter = recorder.meter(
        (place.id, place.stage, place.method, place.resource), lambda: ApiMeter(place)
    )
    assert isinstance(meter, ApiMeter)
    meter.place = place
    return meter
