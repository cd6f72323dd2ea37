"""What functions cost: starting one, handing an event over, and many at once.

    python -m bench.functions [--invocations 1000]

CPU is the gateway's process alone; what the functions' own processes use is not in it.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import uvloop

from tests.app.test_function_apis import answer, functions, proxy, serving
from tests.builders import api, ask

QUICK = "def handler(event, context):\n    return {'body': 'x'}\n"
SLEEPY = "import time\ndef handler(event, context):\n    time.sleep(1)\n    return {}\n"


async def measure(invocations: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with functions(Path(folder), quick=QUICK, sleepy=SLEEPY) as node:
            of = serving(node, api(proxy("/quick", name="quick"), proxy("/sleepy", name="sleepy")))

            async def one(path: str) -> float:
                started = time.perf_counter()
                reply, _ = await answer(of, ask(path))
                assert reply.status == 200
                return time.perf_counter() - started

            print(f"cold, first of the node   {await one('/quick') * 1000:8.1f} ms")
            for _ in range(100):
                await one("/quick")
            cpu = time.process_time()
            took = [await one("/quick") for _ in range(invocations)]
            cpu = (time.process_time() - cpu) / invocations
            print(f"warm AWS_PROXY request    {median(took) * 1000:8.2f} ms median")
            print(f"                          {quantiles(took, n=100)[98] * 1000:8.2f} ms p99")
            print(f"  gateway's CPU           {cpu * 1e6:8.0f} us")
            started = time.perf_counter()
            await asyncio.gather(*(one("/sleepy") for _ in range(200)))
            print(f"200 at once, 1 s of sleep {time.perf_counter() - started:8.1f} s, none warm")
            started = time.perf_counter()
            await asyncio.gather(*(one("/sleepy") for _ in range(200)))
            print(f"the same again            {time.perf_counter() - started:8.1f} s")
            print(f"isolation: {node.host.isolation}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invocations", type=int, default=1000)
    uvloop.run(measure(parser.parse_args().invocations))
