"""Connections of WebSocket APIs, for clients that do not name a stage: functions of this gateway
reach any connection without knowing where the front door is.

Source: the `apigatewaymanagementapi` service model.
"""

from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from torana.services.ports import Call
from torana.wire.faults import ServiceError

LONGEST = 128 * 1024
"""Bytes of a message."""

Verb = Literal["post", "look", "end"]


class Reached(Struct, frozen=True):
    """What became of it. Times in seconds since the epoch."""

    said: Literal["done", "gone", "busy", "unknown"]
    """`busy`: the client does not read. `unknown`: its process does not answer."""
    connected: float = 0.0
    active: float = 0.0
    identity: dict[str, str] = {}


class ToConnections(Protocol):
    """Does something with a connection, wherever it lives."""

    async def __call__(self, verb: Verb, id: str, data: bytes, /) -> Reached: ...


async def nowhere(verb: Verb, id: str, data: bytes) -> Reached:
    """Of a process where no connection can be."""
    return Reached("gone")


_REFUSED = {
    "gone": ServiceError("GoneException", "Gone", status=410),
    "busy": ServiceError(
        "LimitExceededException", "The client does not read what it was sent before", status=429
    ),
    "unknown": ServiceError("InternalServerErrorException", "Internal server error", status=500),
}


class ApiGatewayManagementApi:
    """The service's operations."""

    def __init__(self, reach: ToConnections) -> None:
        self._reach = reach

    async def PostToConnection(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """Send a message."""
        data: bytes = params["Data"]
        if len(data) > LONGEST:
            longest = f"A message has at most {LONGEST} bytes"
            raise ServiceError("PayloadTooLargeException", longest, status=413)
        await self._run("post", params, data)
        return {}

    async def GetConnection(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """Since when, and with whom."""
        reached = await self._run("look", params)
        identity = {name[0].upper() + name[1:]: text for name, text in reached.identity.items()}
        return {
            "ConnectedAt": datetime.fromtimestamp(reached.connected, UTC),
            "LastActiveAt": datetime.fromtimestamp(reached.active, UTC),
            "Identity": {"UserAgent": "", **identity},
        }

    async def DeleteConnection(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """End it."""
        await self._run("end", params)
        return {}

    async def _run(self, verb: Verb, params: dict[str, Any], data: bytes = b"") -> Reached:
        reached = await self._reach(verb, params["ConnectionId"], data)
        if reached.said != "done":
            raise _REFUSED[reached.said]
        return reached
