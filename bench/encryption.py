"""What encryption at rest costs: CPU of writing and reading, with it over without it.

Run: `python bench/encryption.py` (about half a minute). Prints markdown.
"""

import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from torana.llm.spend import Ledger, Spent, read
from torana.sealing import Vault
from torana.state import open_objects, open_store
from torana.state.covered import CoveredStore
from torana.state.store import Change
from torana.telemetry.logbook import LogBook

Work = Callable[[Path, Vault], Coroutine[Any, Any, None]]
TEXT = '{"requestId":"0f","ip":"203.0.113.9","path":"/pets","status":200,"latency":12}' * 2


def vault(*, covers: bool) -> Vault:
    purposes = ("store", "objects", "logs", "usage")
    made = Vault(purposes if covers else ())
    for number, purpose in enumerate(purposes):
        made.put(bytes([number]) * 8, purpose, secrets.token_bytes(32))
        made.use(bytes([number]) * 8)
    return made


async def nothing() -> None:
    return None


async def documents(folder: Path, keys: Vault) -> None:
    store = await open_store(f"sqlite:///{folder / 'store.db'}")
    if keys.covers:
        store = CoveredStore(store, keys.cover("store"), nothing)
    body = secrets.token_bytes(1024)
    for start in range(0, 4000, 100):
        await asyncio.gather(
            *(store.commit([Change("k", f"{n:06d}", 0, body)]) for n in range(start, start + 100))
        )
    async for _ in store.scan("k"):
        pass
    await store.close()


async def objects(folder: Path, keys: Vault) -> None:
    there = open_objects(f"file://{folder / 'objects'}", sweep=False, cover=keys.cover("objects"))
    await there.create_bucket("b", "r")
    piece = secrets.token_bytes(256 * 1024)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield piece

    found = await there.put("b", "k", [await there.write(pieces())], "e", {})
    async for _ in there.read(found, 0, found.size):
        pass
    await there.close()


async def events(folder: Path, keys: Vault) -> None:
    book = LogBook(folder / "logs.db", cover=keys.cover("logs"))
    await book.open()
    now = int(time.time() * 1000)
    for start in range(0, 40_000, 1000):
        await book.put([("g", "s", [(now + n, TEXT) for n in range(start, start + 1000)])])
    after: tuple[int, int] | None = None
    while page := await book.page(1, [], 0, 1 << 53, after=after):
        after = page[-1].at, page[-1].id
    await book.close()


async def lines(folder: Path, keys: Vault) -> None:
    ledger = Ledger(folder / "usage", keys.cover("usage"))
    for n in range(40_000):
        ledger.add(Spent(time.time(), "key", "fast", "up", "gpt", 200, n, n))
    ledger.close()
    assert sum(1 for _ in read(folder / "usage", cover=keys.cover("usage"))) == 40_000


def spent(work: Work, *, covers: bool) -> float:
    best = float("inf")
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.process_time()
            asyncio.run(work(Path(folder), vault(covers=covers)))
            best = min(best, time.process_time() - begun)
    return best


print("| written and read | CPU without, s | with, s | ratio |\n|---|---|---|---|")
for name, work in {
    "4,000 documents of 1 KiB": documents,
    "an object of 100 MiB": objects,
    "40,000 log events": events,
    "40,000 lines of the ledger": lines,
}.items():
    without, with_it = spent(work, covers=False), spent(work, covers=True)
    print(f"| {name} | {without:.2f} | {with_it:.2f} | {with_it / without:.2f} |")
