"""A worker process that takes from a shared bucket as fast as it is let, for some time."""

import asyncio
import sys
from time import monotonic

from torana.state import open_counters, open_store
from torana.state.counters import admit


async def main(url: str, rate: str, burst: str, seconds: str, pause: str) -> None:
    """Say when it began, when it ended, and how many were admitted."""
    counters = await open_counters(url, await open_store("memory:"))
    bucket = counters.bucket("b", float(rate), float(burst))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    began = monotonic()
    admitted = 0
    while monotonic() < began + float(seconds):
        admitted += await admit(bucket)
        await asyncio.sleep(float(pause))
    sys.stdout.write(f"{began} {monotonic()} {admitted}\n")
    sys.stdout.flush()
    await counters.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
