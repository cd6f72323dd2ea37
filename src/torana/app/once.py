"""Serving one request from an API that is deployed nowhere, with its execution log."""

import msgspec

from torana.app.definitions import live
from torana.gateway.contract import Compiled, Context, Observe, Ports
from torana.gateway.errors import InvalidApi
from torana.gateway.execution_log import steps
from torana.gateway.locate import normalise
from torana.gateway.serve import serve
from torana.message import Reply, Request, Sent
from torana.model.rest import MethodSettings, RestApi, Stage

_LOGGED = {"*/*": MethodSettings(logging_level="INFO", data_trace_enabled=True)}


async def once(
    api: RestApi, stage: Stage, request: Request, ports: Ports
) -> tuple[Reply, list[str]]:
    """The reply, and what was done. Raises `ValueError`: the API cannot be served."""
    seen: list[Context] = []

    def observe(to: Compiled) -> Observe:
        return seen.append

    alone = msgspec.structs.replace(ports, observe=observe)
    traced = msgspec.structs.replace(stage, method_settings=_LOGGED)
    try:
        found = live(api, traced, alone)
    except InvalidApi as error:
        raise ValueError(str(error)) from error
    path, _, query = request.target.partition("?")
    reply = await serve(found.plan, request, normalise(path), query, path)
    if reply.sent is not None:
        reply.sent(Sent(0, whole=True))
    return reply, [line for ctx in seen for line in steps(ctx, path, data=True)]
