"""Functions on a Ray cluster of several nodes, all of them on this machine."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from tests.functions.running import Running
from torana.functions.errors import NodeLost
from torana.functions.functions import Functions
from torana.functions.instance import Surroundings
from torana.functions.output import line
from torana.functions.pool import Limits
from torana.functions.ray_instance import RayCluster, RayInstance, RayOptions
from torana.model.function import Event
from torana.net.tasks import spawn

HOST = "import os, time\ndef handler(event, context):\n"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    """A head without room for functions, and two nodes with it."""
    from ray.cluster_utils import Cluster

    made: Any = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "memory": 1 << 20, "include_dashboard": False},
    )
    room = {"num_cpus": 1, "memory": 1 << 30}
    made.nodes_with_room = [made.add_node(**room) for _ in range(2)]
    folder = tmp_path_factory.mktemp("node")
    made.joined = RayCluster(RayOptions(made.address, str(folder)))
    yield made
    made.joined.close()
    made.shutdown()


@asynccontextmanager
async def on_ray(cluster: Any, folder: Path) -> AsyncGenerator[Running]:
    """Functions on the cluster."""
    log: list[str] = []
    around = Surroundings(
        None,
        folder,
        lambda version: {},
        lambda version: lambda at, stream, text: log.append(line(at, stream, text)),
    )
    functions = Functions(around, Limits(), partial(RayInstance, cluster.joined), "Ray")
    try:
        yield Running(functions, folder, log)
    finally:
        await functions.aclose()


@pytest.mark.timeout(180)
async def test_a_function_runs_on_a_node_of_the_cluster(cluster: Any, tmp_path: Path) -> None:
    async with on_ray(cluster, tmp_path) as ray:
        echo = ray.python(
            "import os\ndef handler(event, context):\n"
            "    print('seen', event)\n    return {'event': event, 'pid': os.getpid()}\n"
        )
        first = await ray.call(echo, {"a": 1})
        second = await ray.call(echo, 2)
        assert (first["event"], second["event"]) == ({"a": 1}, 2)
        assert first["pid"] == second["pid"]
        assert any("seen {'a': 1}" in each for each in ray.log)
        assert any("REPORT RequestId" in each for each in ray.log)
        wrong = ray.python("def handler(event, context):\n    raise ValueError('no')\n", name="w")
        outcome = await ray.invoke(wrong)
        assert outcome.failed
        assert json.loads(cast(bytes, outcome.body))["errorMessage"] == "no"
        slow = ray.python(f"{HOST}    time.sleep(30)\n", name="s", timeout=1.0)
        outcome = await ray.invoke(slow)
        assert b"Task timed out after 1.00 seconds" in cast(bytes, outcome.body)


@pytest.mark.timeout(180)
async def test_what_a_lost_node_was_at_is_run_again_elsewhere(
    cluster: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    async with on_ray(cluster, tmp_path) as ray:
        work = ray.python(
            f"{HOST}    time.sleep(0.3)\n    return event\n", memory=128, timeout=30.0
        )

        eight = asyncio.Semaphore(0)

        async def accepted(number: int) -> int:
            """As the queue of asynchronous events does: again while there is no room."""
            event = Event(str(uuid4()), str(number).encode(), work.arn)
            while True:
                try:
                    outcome = await ray.functions.invoke(work, event)
                except NodeLost:
                    continue
                assert isinstance(outcome.body, bytes)
                eight.release()
                return int(outcome.body)

        running = [spawn(accepted(number), "an event") for number in range(40)]
        for _ in range(8):
            await eight.acquire()
        await asyncio.to_thread(cluster.remove_node, cluster.nodes_with_room[0], False)
        assert sorted(await asyncio.gather(*running)) == list(range(40))
