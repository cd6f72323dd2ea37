"""Serving until told to stop, and saying where."""

import asyncio
import os
import signal
from collections.abc import Callable

import msgspec

from torana.app.node import Node
from torana.app.watch import changes
from torana.net.tasks import spawn
from torana.settings import Settings


async def run(node: Node, ready: Callable[[Node], None]) -> None:
    """Serve in one process until SIGTERM or SIGINT; SIGHUP reads the files again."""
    await node.start("all", None)
    write_run_file(node.settings, node.front_port, node.management.port)
    ready(node)
    await until_told(node.settings, node.reload)
    (node.settings.folder() / "run.json").unlink(missing_ok=True)
    await node.stop()


def write_run_file(settings: Settings, port: int, management_port: int) -> None:
    """`run.json`: who serves, and where. Written last, so that its presence means ready."""
    path = settings.folder() / "run.json"
    fresh = path.with_suffix(".new")
    said = {"pid": os.getpid(), "port": port, "management_port": management_port}
    fresh.write_bytes(msgspec.json.encode(said))
    fresh.replace(path)


async def until_told(settings: Settings, reload: Callable[[], object]) -> None:
    """Wait for the signal to stop, reloading meanwhile as asked."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    watcher = spawn(changes(settings.apis, reload), "watch") if settings.watch else None
    await told.wait()
    if watcher is not None:
        watcher.cancel()
