"""TLS for several names on one port: a client's first bytes say which, before its handshake begins,
so that everything of a name's TLS holds: certificate, versions, whether clients must show one.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

from torana.net.client_hello import LONGEST, Malformed, Short, server_name
from torana.net.tasks import spawn

Choose = Callable[[str], ssl.SSLContext | None]
"""By server name, empty for none; None: nothing is served under it."""

_PATIENCE = 10.0
"""Seconds for the first bytes, and for the handshake."""
_LOOK_AGAIN = 0.02
_PAUSE = 1.0
_AT_ONCE = 1000
"""Clients whose handshake is not done; more are let go."""


class TlsServer:
    """Accepts on sockets. As much of `asyncio.Server` as a listener needs."""

    def __init__(
        self,
        sockets: list[socket.socket],
        choose: Choose,
        protocol: Callable[[], asyncio.BaseProtocol],
    ) -> None:
        self.sockets = tuple(sockets)
        self._choose, self._protocol = choose, protocol
        self._loop = asyncio.get_running_loop()
        self._shaking = 0
        self._open = True
        for each in sockets:
            each.setblocking(False)
            self._loop.add_reader(each, self._accept, each)

    def close(self) -> None:
        """Accept no more."""
        if not self._open:
            return
        self._open = False
        for each in self.sockets:
            self._loop.remove_reader(each)
            each.close()

    def _accept(self, listening: socket.socket) -> None:
        """Everybody who waits, as far as the queue goes in one turn."""
        for _ in range(64):
            try:
                client, _ = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # There are no more files for now: those that are open will end.
                self._loop.remove_reader(listening)
                self._loop.call_later(_PAUSE, self._again, listening)
                return
            client.setblocking(False)
            if self._shaking >= _AT_ONCE:
                client.close()
                continue
            self._shaking += 1
            spawn(self._welcome(client), "a TLS handshake")

    def _again(self, listening: socket.socket) -> None:
        if self._open:
            self._loop.add_reader(listening, self._accept, listening)

    async def _welcome(self, client: socket.socket) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                name = await self._name(client)
            context = None if name is None else self._choose(name)
            if context is None:
                client.close()
                return
            await self._loop.connect_accepted_socket(
                self._protocol, client, ssl=context, ssl_handshake_timeout=_PATIENCE
            )
        except (OSError, TimeoutError, asyncio.CancelledError):
            # A handshake that fails is the client's affair, and OpenSSL has told it why.
            client.close()
        finally:
            self._shaking -= 1

    async def _name(self, client: socket.socket) -> str | None:
        """What it asks for; None: it speaks no TLS, or left."""
        while True:
            await self._readable(client)
            data = client.recv(LONGEST, socket.MSG_PEEK)
            if not data:
                return None
            try:
                return server_name(data)
            except Malformed:
                return None
            except Short:
                await asyncio.sleep(_LOOK_AGAIN)

    async def _readable(self, client: socket.socket) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(client, lambda: ready.done() or ready.set_result(None))
        try:
            await ready
        finally:
            self._loop.remove_reader(client)
