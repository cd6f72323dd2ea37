"""Several processes on one port: this one keeps the socket, the engines, the limits and the
management listener; the workers serve the front door.

The socket is shared, not opened anew by each (SO_REUSEPORT), so that a worker that ends takes no
waiting connection with it.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop

from torana.app.insight import Insight, PortalSite
from torana.app.node import Node
from torana.app.running import until_told, write_run_file
from torana.net.tasks import spawn
from torana.settings import Settings
from torana.state.hub import Hub

Portal = Callable[[Insight], PortalSite]

_log = logging.getLogger("torana.workers")
_STARTING = 30.0
"""Seconds that the first worker may take until it serves."""
_LOOK = 0.02
_PAUSE = 1.0
"""Seconds before a worker that died is started again."""


async def supervise(node: Node, ready: Callable[[Node], None], entry: str) -> None:
    """Serve with `settings.workers` processes until SIGTERM or SIGINT. `entry` is the module that
    a worker runs, which calls `main`."""
    settings = node.settings
    sock = _bind(settings)
    node.front_port = sock.getsockname()[1]
    await node.start("hub", None)
    hub = Hub(lambda topic, body: spawn(node.counters.publish(topic, body), "hear the workers"))
    await hub.serve(str(settings.folder() / "run" / "counters.sock"))
    workers = [_Worker(node, sock, entry) for _ in range(settings.workers)]
    await asyncio.gather(*(worker.start() for worker in workers))
    await _until_one_serves(workers, settings.folder() / "run")
    write_run_file(settings, node.front_port, node.management.port)
    ready(node)

    def reload() -> None:
        if node.reload():
            for worker in workers:
                worker.signal(signal.SIGHUP)

    await until_told(settings, reload)
    (settings.folder() / "run.json").unlink(missing_ok=True)
    sock.close()
    await asyncio.gather(*(worker.stop() for worker in workers))
    await hub.close()
    await node.stop()


async def _until_one_serves(workers: list["_Worker"], run: Path) -> None:
    """A worker's own socket is the last that it opens. One that takes too long is not waited for:
    clients wait in the socket's queue then."""
    end = asyncio.get_running_loop().time() + _STARTING
    while not any((run / f"worker-{worker.pid}.sock").exists() for worker in workers):
        if asyncio.get_running_loop().time() > end:
            _log.warning("no worker serves after %s s", _STARTING)
            return
        await asyncio.sleep(_LOOK)


def _bind(settings: Settings) -> socket.socket:
    sock = socket.create_server((settings.host, settings.port), backlog=4096)
    sock.set_inheritable(True)
    return sock


class _Worker:
    def __init__(self, node: Node, sock: socket.socket, entry: str) -> None:
        self._node, self._sock, self._entry = node, sock, entry
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int:
        """0 while there is none."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        settings = msgspec.json.encode(self._node.settings).decode()
        environment = {
            **os.environ,
            "TORANA_WORKER": settings,
            "TORANA_WORKER_SOCKET": str(self._sock.fileno()),
            "TORANA_DEMO_KEY": self._node.demo_key,
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._entry,
            env=environment,
            pass_fds=(self._sock.fileno(),),
            stdout=None,
            stdin=asyncio.subprocess.PIPE,
        )
        spawn(self._watch(self._process), "worker")

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if not self._stopping:
            _log.error("a worker ended with %s and is started again", code)
            await asyncio.sleep(_PAUSE)
            if not self._stopping:
                await self.start()

    def signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self) -> None:
        self._stopping = True
        self.signal(signal.SIGTERM)
        if self._process is not None:
            await self._process.wait()


async def work(settings: Settings, sock: socket.socket, portal: Portal) -> None:
    """Serve as a worker. Standard input is the supervisor's hand: when it lets go, the worker
    ends too, so that none is left behind."""
    node = Node(settings, os.environ, portal=portal)
    await node.start("worker", sock)
    spawn(_until_alone(), "supervisor")
    await until_told(msgspec.structs.replace(settings, watch=False), node.reload)
    await node.stop()


async def _until_alone() -> None:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    await reader.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main(portal: Portal) -> None:
    """The worker's work."""
    settings = msgspec.json.decode(os.environ.pop("TORANA_WORKER"), type=Settings)
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
    sock = socket.socket(fileno=int(os.environ.pop("TORANA_WORKER_SOCKET")))
    uvloop.run(work(settings, sock, portal))
