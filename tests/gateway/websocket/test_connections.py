"""`@connections` through boto3: whoever may, reaches a connection wherever it lives."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import boto3
import msgspec
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.builders import ports
from tests.gateway.websocket.sockets import Served, api, mock, serving
from tests.services.serving import called
from tests.state.conftest import need_service
from torana.auth.grants import Grants
from torana.auth.policy import Caller, parse
from torana.gateway.contract import Identity, Ports
from torana.net.client import HttpClient
from torana.state import open_counters
from torana.state.hub import Hub
from torana.state.memory import MemoryStore

KEYS = ("AKIATESTTESTTESTTEST", "a/secret+of/forty/characters/of/some/sort")
WHO = api(mock("$default", "$context.connectionId"))


def known(resource: str = "*", effect: str = "Allow") -> Ports:
    """Ports that know one access key, and what it may do."""
    arn = "arn:aws:iam::000000000000:user/backend"
    statement = {
        "Effect": effect,
        "Action": "execute-api:ManageConnections",
        "Resource": resource,
    }
    policy = parse({"Version": "2012-10-17", "Statement": [statement]}, "identity")
    who = Identity(*KEYS, arn, "AIDA", Caller((arn,), "000000000000"), grants=Grants((policy,)))

    def identify(access_key_id: str, session_token: str) -> Identity | None:
        del session_token
        return who if access_key_id == KEYS[0] else None

    return msgspec.structs.replace(ports(HttpClient()), identify=identify)


def backend(port: int, stage: str = "prod", secret: str = KEYS[1]) -> Any:
    """A client of the stage's connections."""
    return cast(Any, boto3).client(
        "apigatewaymanagementapi",
        endpoint_url=f"http://127.0.0.1:{port}/apis/chat/{stage}",
        region_name="us-east-1",
        aws_access_key_id=KEYS[0],
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20),
    )


async def own_id(client: ClientConnection) -> str:
    """What the gateway calls a connection."""
    await client.send("who")
    return str(await asyncio.wait_for(client.recv(), 5))


async def refused(operation: Any, **params: Any) -> tuple[str, int]:
    """The error's code and status."""
    with pytest.raises(ClientError) as caught:
        await called(operation, **params)
    answer = cast(Any, caught.value.response)
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


async def test_what_is_posted_arrives() -> None:
    async with serving(WHO, of_ports=known()) as served, served.connect() as client:
        id, manager = await own_id(client), backend(served.port)
        for data in ("héllo".encode(), b"x" * 128 * 1024, b"\xff\x00"):
            answer = await called(manager.post_to_connection, ConnectionId=id, Data=data)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
            got = await asyncio.wait_for(client.recv(), 5)
            assert (got.encode() if isinstance(got, str) else got) == data


async def test_a_connection_can_be_looked_at() -> None:
    before = datetime.now(UTC)
    headers = {"User-Agent": "tester/1"}
    async with (
        serving(WHO, of_ports=known()) as served,
        served.connect(additional_headers=headers, user_agent_header=None) as client,
    ):
        id, manager = await own_id(client), backend(served.port)
        seen = await called(manager.get_connection, ConnectionId=id)
        assert seen["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "tester/1"}
        assert (before - seen["ConnectedAt"]).total_seconds() < 1
        await asyncio.sleep(0.01)
        await client.send("again")
        await client.recv()
        after = await called(manager.get_connection, ConnectionId=id)
        assert after["LastActiveAt"] > seen["LastActiveAt"] >= seen["ConnectedAt"]


async def test_a_connection_can_be_ended() -> None:
    async with serving(WHO, of_ports=known()) as served, served.connect() as client:
        id, manager = await own_id(client), backend(served.port)
        answer = await called(manager.delete_connection, ConnectionId=id)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        with pytest.raises(ConnectionClosed) as caught:
            await asyncio.wait_for(client.recv(), 5)
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (
            1000,
            "Connection Closed Normally",
        )
        assert await refused(manager.get_connection, ConnectionId=id) == ("GoneException", 410)


async def test_a_connection_that_is_away_is_gone() -> None:
    async with serving(WHO, of_ports=known()) as served:
        manager = backend(served.port)
        async with served.connect() as client:
            id = await own_id(client)
        for gone in (id, "AAAAAAAAAAAAAAA=", "nonsense", "a/b"):
            gone_now = await refused(manager.post_to_connection, ConnectionId=gone, Data=b"x")
            assert gone_now == ("GoneException", 410)
            assert await refused(manager.delete_connection, ConnectionId=gone) == gone_now


async def test_a_message_over_128_kilobytes_is_too_large() -> None:
    async with serving(WHO, of_ports=known()) as served, served.connect() as client:
        id, manager = await own_id(client), backend(served.port)
        for size in (128 * 1024 + 1, 1_000_000):
            assert await refused(manager.post_to_connection, ConnectionId=id, Data=b"x" * size) == (
                "PayloadTooLargeException",
                413,
            )


async def test_a_client_that_does_not_read_is_posted_no_more() -> None:
    async with (
        serving(WHO, of_ports=known()) as served,
        served.connect(max_queue=1, close_timeout=0.1) as client,
    ):
        id, manager = await own_id(client), backend(served.port)
        data, posted = b"x" * 128 * 1024, 0

        async def flood() -> None:
            nonlocal posted
            for _ in range(200):
                await called(manager.post_to_connection, ConnectionId=id, Data=data)
                posted += 1

        with pytest.raises(ClientError) as caught:
            await flood()
        assert cast(Any, caught.value.response)["Error"]["Code"] == "LimitExceededException"
        assert posted > 1


async def test_only_who_may_manages_connections() -> None:
    arn = "arn:aws:execute-api:us-east-1:000000000000:chat/prod"
    denied = ("AccessDeniedException", 403)
    allowed = known(f"{arn}/GET/@connections/*")
    async with serving(WHO, of_ports=allowed) as served, served.connect() as client:
        id, manager = await own_id(client), backend(served.port)
        assert (await called(manager.get_connection, ConnectionId=id))["Identity"]
        assert await refused(manager.post_to_connection, ConnectionId=id, Data=b"x") == denied
        wrong = backend(served.port, secret="x" * 40)
        code = await refused(wrong.get_connection, ConnectionId=id)
        assert code == ("InvalidSignatureException", 403)


async def test_another_stage_does_not_have_the_connection() -> None:
    async with serving(WHO, of_ports=known()) as served, served.connect() as client:
        id, table = await own_id(client), served.door.table
        other = {**table.stages, ("chat", "test"): table.stages["chat", "prod"]}
        served.door.table = msgspec.structs.replace(table, stages=other)
        manager = backend(served.port, "test")
        assert await refused(manager.get_connection, ConnectionId=id) == ("GoneException", 410)


@asynccontextmanager
async def two_processes(
    folder: Path, life: float = 10.0, shared: str = ""
) -> AsyncGenerator[tuple[Served, Served]]:
    """Two front doors that know of each other through the node's hub, or the `shared` Redis."""
    hub, path, store = Hub(), str(folder / "hub.sock"), MemoryStore(100)
    await hub.serve(path)
    one, two = [await open_counters(shared or f"node:{path}", store) for _ in range(2)]
    try:
        async with (
            serving(WHO, of_ports=known(), counters=one, life=life) as first,
            serving(WHO, of_ports=known(), counters=two, life=life) as second,
        ):
            yield first, second
    finally:
        await one.close()
        await two.close()
        await hub.close()


@pytest.mark.parametrize("nodes", ["one", "several"])
async def test_a_post_finds_a_connection_of_another_process(tmp_path: Path, nodes: str) -> None:
    shared = ""
    if nodes == "several":
        need_service("redis", 6379)
        shared = f"redis://127.0.0.1:6379/0?prefix={uuid4().hex}"
    async with two_processes(tmp_path, shared=shared) as (first, second):
        manager = backend(second.port)
        async with first.connect() as client:
            id = await own_id(client)
            await called(manager.post_to_connection, ConnectionId=id, Data=b"from afar")
            assert await asyncio.wait_for(client.recv(), 5) == "from afar"
            seen = await called(manager.get_connection, ConnectionId=id)
            assert seen["Identity"]["SourceIp"] == "127.0.0.1"
            await called(manager.delete_connection, ConnectionId=id)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(client.recv(), 5)
        gone = await refused(manager.post_to_connection, ConnectionId=id, Data=b"x")
        assert gone == ("GoneException", 410)


async def test_connections_of_a_process_that_ended_are_gone(tmp_path: Path) -> None:
    async with two_processes(tmp_path) as (first, second):
        async with first.connect() as client:
            id = await own_id(client)
        await first.door.switchboard.aclose()
        gone = await refused(backend(second.port).get_connection, ConnectionId=id)
        assert gone == ("GoneException", 410)


async def test_connections_of_a_process_that_broke_down_are_gone_in_a_while(tmp_path: Path) -> None:
    async with two_processes(tmp_path, life=0.8) as (first, second), first.connect() as client:
        id = await own_id(client)
        for task in first.door.switchboard.tasks:
            task.cancel()
        gone = await refused(backend(second.port).get_connection, ConnectionId=id)
        assert gone == ("GoneException", 410)


async def test_a_process_that_only_falls_silent_is_not_called_gone(tmp_path: Path) -> None:
    async with two_processes(tmp_path, life=0.8) as (first, second), first.connect() as client:
        id = await own_id(client)
        listening, _ = first.door.switchboard.tasks
        listening.cancel()
        error = await refused(backend(second.port).get_connection, ConnectionId=id)
        assert error == ("InternalServerErrorException", 500)
