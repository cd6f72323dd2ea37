"""WebSocket APIs of a process: the door that they are served through, and its way to others."""

from torana.gateway.front_door import FrontDoor
from torana.gateway.locate import Domains
from torana.gateway.websocket.door import SocketDoor, SocketTable, Stages
from torana.gateway.websocket.life import Times
from torana.gateway.websocket.switchboard import Switchboard
from torana.settings import Settings
from torana.state.counters import Counters


class Sockets:
    """Nothing until it is opened: the process that only manages has no connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
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

    async def aclose(self) -> None:
        """Tell `$disconnect` of everybody who left, then be there no more."""
        if self._board is not None:
            await self._board.connections.settle(self._settings.drain_seconds)
            await self._board.aclose()
