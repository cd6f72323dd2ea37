"""Who is connected to this process, and what can be done with a connection."""

import asyncio
import base64
import secrets
from collections.abc import Container
from typing import Literal

from msgspec import Struct

from torana.gateway.websocket.life import Connection, FindPlan, Place, readable
from torana.message import Request, WebSocket
from torana.net.tasks import spawn

_TAG = 4
"""Bytes of an id that name the process where the connection lives."""
_OWN = 7

Verb = Literal["post", "look", "end"]


class Errand(Struct, frozen=True, array_like=True):
    """What somebody wants of a connection."""

    verb: Verb
    id: str
    place: Place | None = None
    """Where the connection must be; None: anywhere."""
    data: bytes = b""


class Outcome(Struct, frozen=True, array_like=True):
    """What became of it: `busy` where the client does not read what it was sent before."""

    said: Literal["done", "gone", "busy"]
    connected: float = 0.0
    """Seconds since the epoch."""
    active: float = 0.0
    identity: dict[str, str] = {}


GONE = Outcome("gone")


def new_tag() -> bytes:
    """A name for a process."""
    return secrets.token_bytes(_TAG)


def tag_of(id: str) -> bytes | None:
    """Which process a connection lives in; None: it cannot be an id."""
    try:
        whole = base64.b64decode(id, b"-_", validate=True)
    except ValueError:
        return None
    return whole[:_TAG] if len(whole) == _TAG + _OWN else None


class Connections:
    """The open connections."""

    def __init__(self, tag: bytes) -> None:
        self.tag = tag
        self._open: dict[str, Connection] = {}
        self._endings: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._open)

    def make(
        self, place: Place, find: FindPlan, request: Request, path: str, query: str
    ) -> Connection:
        """A connection that is not open yet."""
        id = base64.b64encode(self.tag + secrets.token_bytes(_OWN), b"-_").decode()
        return Connection(id, place, find, request, path, query)

    async def serve(self, connection: Connection, socket: WebSocket) -> None:
        """Hold it open until it is over; what its end asks for goes on beside."""
        self._open[connection.id] = connection
        try:
            await connection.converse(socket)
        finally:
            del self._open[connection.id]
            ending = spawn(connection.left(), "the end of a WebSocket")
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    def run(self, errand: Errand) -> Outcome:
        """Do it at once."""
        connection = self._open.get(errand.id)
        if connection is None or errand.place not in (None, connection.place):
            return GONE
        socket = connection.socket
        if socket is None or socket.close_code is not None:
            return GONE
        if errand.verb == "post":
            if socket.crowded:
                return Outcome("busy")
            try:
                socket.put(readable(errand.data))
            except ConnectionError:
                return GONE
        elif errand.verb == "end":
            socket.say_goodbye(1000, "Connection Closed Normally")
        return Outcome("done", connection.connected, connection.active, connection.identity)

    def keep(self, places: Container[Place]) -> None:
        """Send away whose stage is no more."""
        for connection in list(self._open.values()):
            if connection.place not in places and connection.socket is not None:
                connection.socket.say_goodbye(1001, "Going away")

    async def settle(self, timeout: float) -> None:
        """Wait until `$disconnect` was told of everybody who left."""
        if self._endings:
            await asyncio.wait(self._endings, timeout=timeout)
