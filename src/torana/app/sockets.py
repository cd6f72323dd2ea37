"""WebSocket APIs of a process: the door that they are served through, and the way to a connection,
also for a process that has none."""

from pathlib import Path

import msgspec

from torana.gateway.front_door import FrontDoor
from torana.gateway.locate import Domains
from torana.gateway.websocket.connections import Errand, Outcome
from torana.gateway.websocket.door import SocketDoor, SocketTable, Stages
from torana.gateway.websocket.life import Times
from torana.gateway.websocket.switchboard import NoAnswer, Switchboard
from torana.message import Headers, Reply, Request, read
from torana.net.client import Client, Timeouts
from torana.net.server import Handler
from torana.services.apigatewaymanagementapi import Reached, Verb
from torana.settings import Settings
from torana.state.counters import Counters

_PATH = "/connections"
_LARGEST = 256 * 1024
_TIMEOUTS = Timeouts(1.0, 15.0, 15.0, 15.0)
_encode = msgspec.msgpack.Encoder().encode


_UNKNOWN = Reached("unknown")


class Sockets:
    """Without connections of its own until it is opened."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._settings, self._client = settings, client
        self._board: Switchboard | None = None
        self._door: SocketDoor | None = None

    async def open(self, door: FrontDoor, counters: Counters) -> None:
        """Serve through a front door."""
        own = self._settings.websockets
        self._board = Switchboard(counters)
        await self._board.open()
        door.sockets = self._door = SocketDoor(self._board, Times(own.idle, own.lifetime))

    def publish(self, stages: Stages, domains: Domains) -> None:
        """What is live from now on; the clients of stages that are not are sent away."""
        if self._door is not None:
            self._door.table = SocketTable(stages, domains, self._settings.domain_suffix)

    def __len__(self) -> int:
        return 0 if self._board is None else len(self._board.connections)

    async def reach(self, verb: Verb, id: str, data: bytes) -> Reached:
        """Implements `apigatewaymanagementapi.ToConnections`."""
        errand = Errand(verb, id, None, data)
        if self._board is not None:
            return await _run(self._board, errand)
        run = self._settings.folder() / "run"
        for path in sorted(run.glob("worker-*.sock")):
            try:
                return await self._ask(path, errand)
            except (ConnectionRefusedError, FileNotFoundError):
                continue
            except (TimeoutError, ConnectionError):
                return _UNKNOWN
        return _UNKNOWN

    async def _ask(self, path: Path, errand: Errand) -> Reached:
        """A worker, any one: it knows the way to the others."""
        request = Request("POST", _PATH, Headers([("Host", "worker")]), _encode(errand))
        reply = await self._client.origin("unix", str(path), 0).send(request, _TIMEOUTS)
        return msgspec.msgpack.decode(await read(reply.body, _LARGEST), type=Reached)

    def answering(self, others: Handler) -> Handler:
        """A worker's end of it, beside what else it is asked."""

        async def handle(request: Request) -> Reply:
            if request.target != _PATH or self._board is None:
                return await others(request)
            errand = msgspec.msgpack.decode(await read(request.body, _LARGEST), type=Errand)
            return Reply(200, Headers(), _encode(await _run(self._board, errand)))

        return handle

    async def aclose(self) -> None:
        """Tell `$disconnect` of everybody who left, then be there no more."""
        if self._board is not None:
            await self._board.connections.settle(self._settings.drain_seconds)
            await self._board.aclose()


async def _run(board: Switchboard, errand: Errand) -> Reached:
    try:
        outcome: Outcome = await board.run(errand)
    except NoAnswer:
        return _UNKNOWN
    return Reached(outcome.said, outcome.connected, outcome.active, outcome.identity)
