"""WebSocket APIs behind a real listener, and a real client for them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct
from websockets.asyncio.client import connect

from tests.builders import ports
from torana.gateway.contract import Ports
from torana.gateway.front_door import FrontDoor
from torana.gateway.locate import Table
from torana.gateway.websocket.door import SocketDoor, SocketTable
from torana.gateway.websocket.life import Times
from torana.gateway.websocket.plan import compile
from torana.gateway.websocket.switchboard import Switchboard
from torana.model.websocket_api import (
    Integration,
    IntegrationResponse,
    Route,
    RouteResponse,
    Stage,
    WebSocketApi,
)
from torana.net.client import HttpClient
from torana.net.limits import Limits
from torana.net.server import listen
from torana.state.counters import Counters
from torana.state.local import LocalCounters
from torana.state.memory import MemoryStore

Part = tuple[Route, Integration]


def leading(key: str, integration: Integration, *, answers: bool = True, **fields: Any) -> Part:
    """A route to an integration, whose answer goes to the client."""
    responses = (RouteResponse(),) if answers else ()
    return Route(
        key,
        target=f"integrations/{integration.integration_id}",
        route_responses=responses,
        **fields,
    ), integration


def mock(key: str, answer: str = "", **fields: Any) -> Part:
    """A route that answers by itself, from a template."""
    made = IntegrationResponse("$default", response_templates={"$default": answer})
    integration = Integration(
        "MOCK",
        f"i{key}",
        request_templates={"$default": '{"statusCode": 200}'},
        integration_responses=(made,),
    )
    return leading(key, integration, **fields)


def api(*parts: Part, **fields: Any) -> WebSocketApi:
    """An API with the id `chat`."""
    return WebSocketApi(
        "chat",
        "chat",
        routes=tuple(route for route, _ in parts),
        integrations=tuple(integration for _, integration in parts),
        **fields,
    )


class Served(Struct):
    """A stage that is served."""

    port: int
    door: SocketDoor

    def connect(self, query: str = "", **options: Any) -> connect:
        """A client of the stage."""
        url = f"ws://127.0.0.1:{self.port}/apis/chat/prod{query}"
        return connect(url, ping_interval=None, **options)


@asynccontextmanager
async def serving(
    of: WebSocketApi,
    stage: Stage | None = None,
    of_ports: Ports | None = None,
    *,
    times: Times | None = None,
    limits: Limits | None = None,
    counters: Counters | None = None,
    life: float = 10.0,
) -> AsyncGenerator[Served]:
    """The API's stage on a free port."""
    stage = stage or Stage("prod")
    switchboard = Switchboard(counters or LocalCounters(MemoryStore(100)), life)
    await switchboard.open()
    client = HttpClient()
    door = FrontDoor(Table({}))
    door.sockets = sockets = SocketDoor(switchboard, times or Times())
    plan = compile(of, stage, of_ports or ports(client))
    sockets.table = SocketTable({(of.api_id, stage.stage_name): plan})
    listener = await listen(door, limits=limits)
    try:
        yield Served(listener.port, sockets)
    finally:
        await listener.drain(5)
        await listener.close()
        await switchboard.connections.settle(5)
        await switchboard.aclose()
        await client.aclose()
