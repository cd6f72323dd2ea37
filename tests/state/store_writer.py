"""A process that writes to a store: `acknowledge` until it is killed, or `add` to one number."""

import asyncio
import sys

from torana.state import open_store
from torana.state.store import Change, Conflict


async def acknowledge(url: str) -> None:
    """Commit document after document; say the id of each one as soon as it is acknowledged."""
    store = await open_store(url)
    number = 0

    async def write() -> None:
        nonlocal number
        while True:
            number += 1
            name = f"{number:08}"
            await store.commit([Change("row", name, 0, name.encode() * 50)])
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()

    await asyncio.gather(*(write() for _ in range(4)))


async def add(url: str, times: str) -> None:
    """Add one to a number that others add to as well."""
    store = await open_store(url)
    for _ in range(int(times)):
        while True:
            now = await store.get("count", "n")
            body = b"%d" % (int(now.body if now else 0) + 1)
            try:
                await store.commit([Change("count", "n", now.version if now else 0, body)])
                break
            except Conflict:
                continue
    await store.close()


if __name__ == "__main__":
    asyncio.run({"acknowledge": acknowledge, "add": add}[sys.argv[1]](*sys.argv[2:]))
