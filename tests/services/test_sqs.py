"""SQS through boto3, on real stores."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from tests.services.serving import called, client, make_router, parts, serving
from torana.state import open_store


class Sqs:
    def __init__(self, port: int) -> None:
        self.client = client("sqs", port)

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return await called(getattr(self.client, operation), **params)

    async def make(self, name: str = "q", **attributes: str) -> str:
        return (await self("create_queue", QueueName=name, Attributes=attributes))["QueueUrl"]

    async def send(self, url: str, body: str, **params: Any) -> dict[str, Any]:
        return await self("send_message", QueueUrl=url, MessageBody=body, **params)

    async def receive(self, url: str, **params: Any) -> list[dict[str, Any]]:
        return (await self("receive_message", QueueUrl=url, **params)).get("Messages", [])

    async def numbers(self, url: str) -> list[int]:
        found = await self("get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
        return [
            int(found["Attributes"][f"ApproximateNumberOfMessages{which}"])
            for which in ("", "NotVisible", "Delayed")
        ]


@asynccontextmanager
async def sqs(folder: Path, nodes: int = 1) -> AsyncGenerator[list[Sqs]]:
    """Nodes over one store, and a client of each."""
    stores = [await open_store(f"sqlite:///{folder / 'torana.db'}") for _ in range(nodes)]
    all_parts = [msgspec.structs.replace(parts(), store=store) for store in stores]
    async with serving(make_router(of=all_parts[0]).handle) as first:
        clients = [Sqs(first.port)]
        if nodes == 2:
            async with serving(make_router(of=all_parts[1]).handle) as second:
                yield [*clients, Sqs(second.port)]
        else:
            yield clients
    for each, store in zip(all_parts, stores, strict=True):
        await each.background.aclose()
        await store.close()


async def test_message_is_sent_received_hidden_and_deleted(tmp_path: Path) -> None:
    async with sqs(tmp_path) as (node,):
        url = await node.make()
        assert url.endswith("/000000000000/q")
        attributes = {
            "kind": {"DataType": "String", "StringValue": "ä"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        }
        sent = await node.send(url, "hello", MessageAttributes=attributes)
        assert sent["MD5OfMessageBody"] == "5d41402abc4b2a76b9719d911017c592"
        (got,) = await node.receive(
            url, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"]
        )
        assert (got["Body"], got["MessageId"]) == ("hello", sent["MessageId"])
        assert got["MessageAttributes"] == attributes
        assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
        assert got["Attributes"]["ApproximateReceiveCount"] == "1"
        assert await node.receive(url) == []
        assert await node.numbers(url) == [0, 1, 0]
        await node("delete_message", QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
        assert await node.numbers(url) == [0, 0, 0]


async def test_message_comes_again_when_its_time_is_over(tmp_path: Path) -> None:
    async with sqs(tmp_path) as (node,):
        url = await node.make(VisibilityTimeout="30")
        await node.send(url, "a")
        (first,) = await node.receive(url)
        old = first["ReceiptHandle"]
        await node(
            "change_message_visibility", QueueUrl=url, ReceiptHandle=old, VisibilityTimeout=0
        )
        (again,) = await node.receive(url, AttributeNames=["ApproximateReceiveCount"])
        assert again["Attributes"] == {"ApproximateReceiveCount": "2"}
        await node("delete_message", QueueUrl=url, ReceiptHandle=old)
        assert await node.numbers(url) == [0, 1, 0]
        with pytest.raises(ClientError, match="ReceiptHandleIsInvalid"):
            await node("delete_message", QueueUrl=url, ReceiptHandle="nothing")


async def test_long_poll_ends_with_the_first_message(tmp_path: Path) -> None:
    async with sqs(tmp_path) as (node,):
        url = await node.make()
        started = time.monotonic()
        waiting = asyncio.ensure_future(node.receive(url, WaitTimeSeconds=9))
        await asyncio.sleep(0.3)
        await node.send(url, "now")
        assert [each["Body"] for each in await waiting] == ["now"]
        await node.send(url, "later", DelaySeconds=1)
        assert await node.numbers(url) == [0, 1, 1]
        assert [each["Body"] for each in await node.receive(url, WaitTimeSeconds=9)] == ["later"]
        assert time.monotonic() - started < 5


async def test_message_received_too_often_goes_to_the_dead_letter_queue(tmp_path: Path) -> None:
    async with sqs(tmp_path) as (node,):
        dead = await node.make("dead")
        target = "arn:aws:sqs:eu-west-1:000000000000:dead"
        policy = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 2})
        url = await node.make("q", RedrivePolicy=policy)
        await node.send(url, "poison")
        for _ in range(2):
            assert len(await node.receive(url, VisibilityTimeout=0)) == 1
        assert await node.receive(url) == []
        (got,) = await node.receive(dead, MessageSystemAttributeNames=["All"])
        assert got["Body"] == "poison"
        assert got["Attributes"]["DeadLetterQueueSourceArn"].endswith(":q")
        sources = await node("list_dead_letter_source_queues", QueueUrl=dead)
        assert sources["queueUrls"] == [url]


async def test_batches_name_what_failed(tmp_path: Path) -> None:
    async with sqs(tmp_path) as (node,):
        url = await node.make(MaximumMessageSize="1024")
        entries = [{"Id": "a", "MessageBody": "x"}, {"Id": "b", "MessageBody": "x" * 1025}]
        sent = await node("send_message_batch", QueueUrl=url, Entries=entries)
        assert [each["Id"] for each in sent["Successful"]] == ["a"]
        assert [(each["Id"], each["Code"]) for each in sent["Failed"]] == [
            ("b", "InvalidParameterValue")
        ]
        (got,) = await node.receive(url, MaxNumberOfMessages=10)
        gone = await node(
            "delete_message_batch",
            QueueUrl=url,
            Entries=[{"Id": "1", "ReceiptHandle": got["ReceiptHandle"]}],
        )
        assert [each["Id"] for each in gone["Successful"]] == ["1"]
        with pytest.raises(ClientError, match="BatchEntryIdsNotDistinct"):
            await node("send_message_batch", QueueUrl=url, Entries=[entries[0]] * 2)


async def test_messages_survive_a_restart(tmp_path: Path) -> None:
    async with sqs(tmp_path) as (node,):
        url = await node.make()
        await node.send(url, "kept")
        await node("tag_queue", QueueUrl=url, Tags={"a": "1"})
    async with sqs(tmp_path) as (node,):
        url = (await node("get_queue_url", QueueName="q"))["QueueUrl"]
        assert [each["Body"] for each in await node.receive(url)] == ["kept"]
        assert (await node("list_queue_tags", QueueUrl=url))["Tags"] == {"a": "1"}


async def test_two_nodes_never_hand_one_message_to_two_receivers(tmp_path: Path) -> None:
    async with sqs(tmp_path, nodes=2) as (one, two):
        url = await one.make()
        other = url.replace(url.split("/")[2], two.client.meta.endpoint_url.split("/")[2])
        for start in (0, 10):
            entries = [{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)]
            await one("send_message_batch", QueueUrl=url, Entries=entries)
        while True:
            # The other node learns of the queue a moment later.
            found = await two("list_queues")
            if found.get("QueueUrls") and (await two.numbers(other))[0] == 20:
                break
            await asyncio.sleep(0.05)

        async def drain(node: Sqs, at: str) -> list[str]:
            return [
                each["Body"]
                for _ in range(10)
                for each in await node.receive(at, MaxNumberOfMessages=2)
            ]

        left, right = await asyncio.gather(drain(one, url), drain(two, other))
        assert sorted(map(int, left + right)) == list(range(20))


async def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    async with sqs(tmp_path) as (node,):
        with pytest.raises(ClientError, match="FIFO queues are not supported"):
            await node("create_queue", QueueName="q.fifo", Attributes={"FifoQueue": "true"})
        with pytest.raises(ClientError, match="InvalidAttributeValue"):
            await node.make(VisibilityTimeout="50000")
        with pytest.raises(ClientError) as missing:
            await node("get_queue_url", QueueName="nothing")
        assert missing.type.__name__ == "QueueDoesNotExist"
        url = await node.make()
        assert await node.make() == url
        with pytest.raises(ClientError, match="QueueNameExists"):
            await node.make(DelaySeconds="5")
        await node.send(url, "a")
        await node("purge_queue", QueueUrl=url)
        assert await node.numbers(url) == [0, 0, 0]
        await node("delete_queue", QueueUrl=url)
        with pytest.raises(ClientError, match="QueueDoesNotExist"):
            await node.send(url, "b")
