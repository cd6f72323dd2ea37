"""Functions on a Ray cluster of several nodes, all of them on this machine."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from tests.app.lambdas import lambdas
from tests.functions.running import Running
from tests.services.serving import called, client
from torana.functions.functions import Functions
from torana.functions.instance import Surroundings
from torana.functions.output import line
from torana.functions.pool import Limits
from torana.functions.ray_instance import RayCluster, RayInstance, RayOptions
from torana.settings import Ray

HOST = "import time\ndef handler(event, context):\n"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    """A head without room for functions, and two nodes with it."""
    from ray.cluster_utils import Cluster

    made: Any = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "memory": 1 << 20, "include_dashboard": False},
    )
    room = {"num_cpus": 1, "memory": 1 << 30}
    made.add_node(**room)
    made.nodes_with_room = [made.add_node(**room)]
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
async def test_no_accepted_event_is_lost_with_a_node(cluster: Any, tmp_path: Path) -> None:
    on = Ray(cluster.address, folder=str(tmp_path / "node"))
    numbers: set[int] = set()
    async with lambdas(tmp_path, ray=on) as node:
        await node.create(f"{HOST}    time.sleep(0.3)\n    return event\n", Timeout=30)
        sqs = client("sqs", node.port)
        url = (await called(sqs.create_queue, QueueName="done"))["QueueUrl"]
        target = {"Destination": "arn:aws:sqs:eu-west-1:000000000000:done"}
        await node(
            "put_function_event_invoke_config",
            FunctionName="f",
            DestinationConfig={"OnSuccess": target},
        )
        for number in range(24):
            await node.invoke(InvocationType="Event", Payload=str(number).encode())
        while len(numbers) < 24:
            found = await called(
                sqs.receive_message, QueueUrl=url, WaitTimeSeconds=9, MaxNumberOfMessages=10
            )
            for message in found.get("Messages", ()):
                numbers.add(json.loads(message["Body"])["responsePayload"])
                receipt = message["ReceiptHandle"]
                await called(sqs.delete_message, QueueUrl=url, ReceiptHandle=receipt)
            if cluster.nodes_with_room and len(numbers) >= 5:
                lost = cluster.nodes_with_room.pop()
                await asyncio.to_thread(cluster.remove_node, lost, False)
    assert numbers == set(range(24))
    assert not cluster.nodes_with_room
