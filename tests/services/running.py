"""A management listener over the real engines, in a thread of its own, for blocking clients."""

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services import serving
from torana.app.services import build
from torana.net.client import HttpClient
from torana.settings import Settings
from torana.state.memory import MemoryStore

Clients = Callable[[str], Any]
"""A boto3 client by its service's name."""


@contextmanager
def services(
    folder: Path, settings: Settings | None = None, store: MemoryStore | None = None
) -> Generator[Clients]:
    """Every embedded service with its engines, over a real socket."""
    started: list[tuple[int, str, str]] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    done = asyncio.Event()

    async def serve() -> None:
        http = HttpClient()
        found = await build(
            settings or Settings(data=str(folder)),
            {"HOME": str(folder)},
            folder / "run",
            http,
            store or MemoryStore(100),
            owner=True,
        )
        try:
            async with serving.serving(found.handle) as listener:
                root = found.root
                started.append((listener.port, root.access_key_id, root.secret_access_key))
                ready.set()
                await done.wait()
        finally:
            await found.aclose()
            await http.aclose()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve())
        finally:
            ready.set()

    (folder / "run").mkdir(exist_ok=True)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        ready.wait()
        port, key, secret = started[0]
        yield lambda service: serving.client(service, port, key=key, secret=secret)
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)
        thread.join()
