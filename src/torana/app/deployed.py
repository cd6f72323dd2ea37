"""Deployments of `apigatewayv2` as they are served, by protocol."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

import msgspec

from torana.gateway.contract import Ports
from torana.gateway.errors import InvalidApi
from torana.gateway.http_api.plan import compiling
from torana.gateway.locate import Live
from torana.gateway.websocket import plan as websocket
from torana.gateway.websocket.plan import SocketPlan
from torana.model import websocket_api
from torana.services.apigatewayv2.snapshot import http_api, stage_of

Json = dict[str, Any]
Served = Live | SocketPlan
Bring = Callable[[Json, Json, Ports], Generator[None, None, Served]]


def _http(api: Json, stage: Json, ports: Ports) -> Generator[None, None, Live]:
    try:
        found, served = http_api(api), stage_of(stage)
    except msgspec.ValidationError as error:
        raise InvalidApi(f"{api['Name']}: {error}") from error
    return Live((yield from compiling(found, served, ports)))


def _websocket(api: Json, stage: Json, ports: Ports) -> Generator[None, None, SocketPlan]:
    try:
        found = msgspec.convert(api, websocket_api.WebSocketApi)
        served = msgspec.convert(stage, websocket_api.Stage)
    except msgspec.ValidationError as error:
        raise InvalidApi(f"{api['Name']}: {error}") from error
    yield
    return websocket.compile(found, served, ports)


PROTOCOLS: Mapping[str, Bring] = {"HTTP": _http, "WEBSOCKET": _websocket}


def bringing_deployed(api: Json, stage: Json, ports: Ports) -> Generator[None, None, Served]:
    """A snapshot of an API under a stage, with pauses. Raises `InvalidApi`."""
    return (yield from PROTOCOLS[api["ProtocolType"]](api, stage, ports))
