"""Requests of traced stages: which are traced, and the segment that is left of each.

Source: X-Ray Developer Guide, "Segment documents" and "Amazon API Gateway active tracing support".
"""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from torana.gateway.aws_uri import parse
from torana.gateway.contract import Compiled, Context, Span, Step
from torana.gateway.errors import InvalidApi
from torana.telemetry.sampling import Asked
from torana.telemetry.trace_header import Carried, new_id, new_root, read
from torana.telemetry.tracebook import Kept

Json = dict[str, Any]

ORIGIN = "AWS::ApiGateway::Stage"
_LONGEST = 250


def build(to: Compiled) -> Callable[[Context], None] | None:
    """For stages that trace: takes up the client's trace, or begins one. What the client has
    decided stands; else the sampling rules decide."""
    if not to.stage.tracing_enabled:
        return None
    decide = to.ports.traces.decide
    name = _name(to)
    arn = (
        f"arn:aws:apigateway:{to.ports.region}::/restapis/{to.api.id}/stages/{to.stage.stage_name}"
    )

    def begin(ctx: Context) -> None:
        request = ctx.request
        headers = request.headers
        carried = read(headers.get("x-amzn-trace-id"), headers.get("traceparent"))
        if carried is None:
            carried = Carried(new_root(request.received))
        sampled = carried.sampled
        if sampled is None:
            sampled = decide(Asked(name, ORIGIN, ctx.domain, request.method, ctx.path, arn))
        carried = Carried(carried.root, carried.parent, sampled)
        if not sampled:
            ctx.trace_id = carried.header()
            return
        span = ctx.span = Span(carried, new_id(), new_id(), request.received)
        ctx.trace_id = carried.header(span.call)

    return begin


def ended(ctx: Context, name: str, started: float) -> None:
    """A step of a traced request is over."""
    if ctx.span is not None:
        ctx.span.steps.append(Step(name, started, time.time()))


def keeper(to: Compiled) -> Callable[[Context, Span], None] | None:
    """What writes the segments of a method; None where the stage does not trace."""
    if not to.stage.tracing_enabled:
        return None
    name, remote, keep = _name(to), _remote(to), to.ports.traces.keep
    place = {
        "account_id": to.ports.account,
        "rest_api_id": to.api.id,
        "stage": to.stage.stage_name,
    }
    annotations = {"aws:api_id": to.api.id, "aws:api_stage": to.stage.stage_name}
    kind = to.method.integration.type.lower()

    def write(ctx: Context, span: Span) -> None:
        root, parent = span.carried.root, span.carried.parent
        document: Json = {
            "name": name,
            "id": span.id,
            "trace_id": root,
            "start_time": span.started,
            "end_time": ctx.finished,
            "http": _http(ctx),
            "aws": {"api_gateway": {**place, "request_id": ctx.request_id}},
            "annotations": annotations,
            "metadata": {"default": {"resource_path": to.method.path}},
            "origin": ORIGIN,
            "resource_arn": to.arn(to.stage.stage_name),
            **_outcome(ctx.status),
        }
        if parent:
            document["parent_id"] = parent
        parts = [_part(ctx, span, step, step.name == kind, remote) for step in span.steps]
        if parts:
            document["subsegments"] = parts
        keep(Kept(root, span.id, span.started, msgspec.json.encode(document).decode()))

    return write


def _http(ctx: Context) -> Json:
    request = ctx.request
    forwarded = request.headers.get("x-forwarded-for")
    asked: Json = {
        "method": request.method,
        "url": f"{request.peer.scheme}://{request.headers.get('host') or ''}{ctx.full_path}",
        "client_ip": forwarded.partition(",")[0].strip() if forwarded else request.peer.address,
        "user_agent": request.headers.get("user-agent") or "",
    }
    if forwarded:
        asked["x_forwarded_for"] = True
    return {
        "request": {
            name: value[:_LONGEST] if isinstance(value, str) else value
            for name, value in asked.items()
        },
        "response": {"status": ctx.status, "content_length": ctx.response_length},
    }


def _outcome(status: int) -> Json:
    if status == 429:
        return {"error": True, "throttle": True}
    return {"fault": True} if status >= 500 else {"error": True} if status >= 400 else {}


def _part(ctx: Context, span: Span, step: Step, backend: bool, remote: Json) -> Json:
    part: Json = {"name": step.name, "start_time": step.started, "end_time": step.ended}
    if not backend:
        return {"id": new_id(), **part}
    status = ctx.integration_status
    if not remote:
        return {"id": span.call, **part}
    part |= remote | _outcome(status)
    if "http" in remote:
        request = {**remote["http"]["request"], "method": ctx.request.method}
        part["http"] = {"request": request, "response": {"status": status}}
    if not status:
        part["fault"] = True
    return {"id": span.call, **part}


def _name(to: Compiled) -> str:
    return f"{to.api.name}/{to.stage.stage_name}"


def _remote(to: Compiled) -> Json:
    """What a segment says of the backend: an AWS service, another host, or nothing (MOCK)."""
    integration = to.method.integration
    if integration.type == "MOCK":
        return {}
    if integration.type.startswith("HTTP"):
        return {
            "name": urlsplit(integration.uri).hostname or integration.uri[:_LONGEST],
            "namespace": "remote",
            "http": {"request": {"url": integration.uri[:_LONGEST]}},
        }
    try:
        uri = parse(integration.uri)
    except InvalidApi:
        return {"name": "AWS", "namespace": "aws"}
    about: Json = {"region": uri.region}
    if uri.action:
        about["operation"] = uri.action
    if uri.service == "lambda":
        arn = uri.target.partition("/functions/")[2].partition("/")[0]
        about |= {"operation": "Invoke", "function_name": arn.rpartition(":")[2]}
    return {"name": uri.service, "namespace": "aws", "aws": about}
