"""A process that takes from a quota until it is used up, saying a line for each time."""

import asyncio
import sys

from torana.state import open_counters, open_store
from torana.state.counters import admit


async def main(url: str, limit: str) -> None:
    """Take one at a time."""
    store = await open_store(url)
    counters = await open_counters("local:", store)
    quota = counters.quota("q", int(limit), "MONTH")
    refused = 0
    while refused < 40:
        if await admit(quota):
            sys.stdout.write("taken\n")
            sys.stdout.flush()
            refused = 0
        else:
            refused += 1
            await asyncio.sleep(0.05)
    await counters.close()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
