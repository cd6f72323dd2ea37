"""What is written of a request once its last byte is out: metrics and the access log."""

import asyncio
import logging
from collections.abc import Callable

from torana.gateway import execution_log, lifecycle, privacy, tracing
from torana.gateway.access_line import JSON_FORMAT, access_line
from torana.gateway.contract import Compiled, Context, Observe
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.settings import method_settings
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

_log = logging.getLogger("torana.gateway")


def together(bind: Callable[[Compiled], Observe]) -> Callable[[Compiled], Observe]:
    """The same, once per turn of the event loop for all requests that ended in it: what runs many
    times in a row finds the processor's caches warm, and no client waits for it."""
    waiting: list[tuple[Observe, Context]] = []

    def run() -> None:
        batch = waiting.copy()
        waiting.clear()
        for observe, ctx in batch:
            try:
                observe(ctx)
            except Exception:  # noqa: BLE001 - the boundary: a fault in one request stays there
                _log.exception("%s %s was not observed", ctx.to.api.id, ctx.to.place())

    def bound(to: Compiled) -> Observe:
        observe = bind(to)

        def put(ctx: Context) -> None:
            if not waiting:
                asyncio.get_running_loop().call_soon(run)
            waiting.append((observe, ctx))

        return put

    return bound


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
        count, note = series.count, _meter(recorder, to).note
        destination = log_of(to.stage)
        log = None if destination is None else destination.write
        settings = to.stage.access_log_settings
        line = access_line((settings and settings.format) or JSON_FORMAT, to)

        found = privacy.policy(to)
        hide = hider(found.logs) if found else None
        write = execution_log.writer(to, keep, hide)
        traced = tracing.keeper(to)
        called = lifecycle.counter(to, recorder)

        def observe(ctx: Context) -> None:
            ended, status, size = ctx.finished, ctx.status, ctx.response_length
            seconds, backend = ended - ctx.request.received, ctx.integration_latency
            count(status, seconds, backend, size)
            way = PLAIN
            if ctx.ticket is not None:
                way = FOUND if ctx.ticket.hit else MISSED
                series.cached(ctx.ticket.hit)
            elif ctx.socket is not None:
                way = _WAYS[ctx.socket.type]
            note((ended, status, seconds, backend, way, size))
            if log is not None:
                log(line(ctx) if hide is None else hide(line(ctx)))
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
