"""SNS through boto3, with real queues and webhooks as subscribers."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from tests.services.serving import called, client, make_router, parts, recording, serving
from torana.message import Headers, Reply, Request
from torana.services.sns import Sns
from torana.services.sns.filters import wants
from torana.services.sns.records import DELIVERY, Delivery, Notice, SubscriptionRecord
from torana.state.store import Change, Store


class Topics:
    def __init__(self, port: int, store: Store) -> None:
        self.port, self.store = port, store
        self.sns, self.sqs = client("sns", port), client("sqs", port)

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return await called(getattr(self.sns, operation), **params)

    async def topic(self, name: str = "t") -> str:
        return (await self("create_topic", Name=name))["TopicArn"]

    async def queue(self, topic: str, name: str = "q", **attributes: str) -> str:
        """A queue that subscribes: its address."""
        url = (await called(self.sqs.create_queue, QueueName=name))["QueueUrl"]
        endpoint = f"arn:aws:sqs:eu-west-1:000000000000:{name}"
        await self(
            "subscribe", TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes=attributes
        )
        return url

    async def received(self, url: str, wait: int = 5) -> list[dict[str, Any]]:
        found = await called(
            self.sqs.receive_message,
            QueueUrl=url, WaitTimeSeconds=wait, MessageAttributeNames=["All"],
            MaxNumberOfMessages=10,
        )  # fmt: skip
        return found.get("Messages", [])


@asynccontextmanager
async def topics(store: Store | None = None) -> AsyncGenerator[Topics]:
    plain = parts()
    plain = msgspec.structs.replace(plain, store=store or plain.store)
    own = Sns(plain.store, plain.background, plain.reach, "node")
    async with serving(make_router(of=msgspec.structs.replace(plain, topics=own)).handle) as found:
        await own.resume()
        yield Topics(found.port, plain.store)
    await plain.background.aclose()


def ok() -> Reply:
    return Reply(200, Headers(), b"")


async def until(seen: list[Request], number: int) -> list[Request]:
    end = time.monotonic() + 10
    while len(seen) < number and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert len(seen) == number
    return seen


async def test_a_message_reaches_a_queue_in_its_envelope() -> None:
    async with topics() as sns:
        arn = await sns.topic()
        url = await sns.queue(arn)
        sent = await sns(
            "publish",
            TopicArn=arn,
            Subject="Hello",
            Message="world",
            MessageAttributes={"kind": {"DataType": "String", "StringValue": "greeting"}},
        )
        [message] = await sns.received(url)
        body = json.loads(message["Body"])
        assert (body["Type"], body["MessageId"]) == ("Notification", sent["MessageId"])
        assert (body["TopicArn"], body["Subject"], body["Message"]) == (arn, "Hello", "world")
        assert body["MessageAttributes"] == {"kind": {"Type": "String", "Value": "greeting"}}


async def test_a_raw_message_reaches_a_queue_as_it_is() -> None:
    async with topics() as sns:
        arn = await sns.topic()
        url = await sns.queue(arn, RawMessageDelivery="true")
        attribute = {"DataType": "Number", "StringValue": "3"}
        await sns("publish", TopicArn=arn, Message="as it is", MessageAttributes={"n": attribute})
        [message] = await sns.received(url)
        assert message["Body"] == "as it is"
        assert message["MessageAttributes"]["n"]["StringValue"] == "3"


async def test_each_protocol_may_have_its_own_text() -> None:
    async with topics() as sns:
        arn = await sns.topic()
        url = await sns.queue(arn, RawMessageDelivery="true")
        texts = json.dumps({"default": "for others", "sqs": "for queues"})
        await sns("publish", TopicArn=arn, Message=texts, MessageStructure="json")
        assert [each["Body"] for each in await sns.received(url)] == ["for queues"]


async def test_a_subscription_gets_what_its_filter_wants() -> None:
    async with topics() as sns:
        arn = await sns.topic()
        policy = json.dumps({"event": ["paid"], "amount": [{"numeric": [">=", 10]}]})
        url = await sns.queue(arn, RawMessageDelivery="true", FilterPolicy=policy)
        entries = [
            {
                "Id": str(number),
                "Message": f"{event} {amount}",
                "MessageAttributes": {
                    "event": {"DataType": "String", "StringValue": event},
                    "amount": {"DataType": "Number", "StringValue": str(amount)},
                },
            }
            for number, (event, amount) in enumerate([("paid", 9), ("paid", 10), ("sent", 99)])
        ]
        done = await sns("publish_batch", TopicArn=arn, PublishBatchRequestEntries=entries)
        assert len(done["Successful"]) == 3
        assert [each["Body"] for each in await sns.received(url)] == ["paid 10"]


POLICIES: list[tuple[dict[str, Any], Any, bool]] = [
    ({"a": ["x", "y"]}, {"a": "y"}, True),
    ({"a": ["x"]}, {"a": ["z", "x"]}, True),
    ({"a": ["x"]}, {}, False),
    ({"a": [{"exists": False}]}, {"b": 1}, True),
    ({"a": [{"anything-but": ["x"]}]}, {"a": "x"}, False),
    ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": "yx"}, True),
    ({"a": [{"prefix": "in"}]}, {"a": "internal"}, True),
    ({"a": [{"suffix": "al"}]}, {"a": "internal"}, True),
    ({"a": [{"wildcard": "in*al"}]}, {"a": "internal"}, True),
    ({"a": [{"equals-ignore-case": "A"}]}, {"a": "a"}, True),
    ({"a": [{"cidr": "10.0.0.0/8"}]}, {"a": "10.1.2.3"}, True),
    ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}, True),
    ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 6}, False),
    ({"a": {"b": ["x"]}}, {"a": {"b": "x"}}, True),
    ({"a": {"b": ["x"]}}, {"a": [{"b": "z"}, {"b": "x"}]}, True),
    ({"$or": [{"a": ["x"]}, {"b": [1]}]}, {"b": 1}, True),
    ({"a": [True]}, {"a": 1}, False),
    ({"a": [None]}, {"a": None}, True),
]


@pytest.mark.parametrize(("policy", "body", "fits"), POLICIES)
def test_a_filter_policy_on_the_body(policy: dict[str, Any], body: Any, fits: bool) -> None:
    assert wants(json.dumps(policy), "MessageBody", json.dumps(body), {}) is fits


async def test_a_webhook_confirms_before_it_gets_messages() -> None:
    seen: list[Request] = []
    async with topics() as sns, serving(recording([ok() for _ in range(2)], seen)) as hook:
        arn = await sns.topic()
        endpoint = f"http://127.0.0.1:{hook.port}/in"
        made = await sns("subscribe", TopicArn=arn, Protocol="http", Endpoint=endpoint)
        assert made["SubscriptionArn"] == "pending confirmation"
        await sns("publish", TopicArn=arn, Message="too early")
        asked = (await until(seen, 1))[0]
        assert asked.headers.get("x-amz-sns-message-type") == "SubscriptionConfirmation"
        body = json.loads(bytes(asked.body))
        assert body["Token"] in body["SubscribeURL"]
        with pytest.raises(ClientError, match="Token"):
            await sns("confirm_subscription", TopicArn=arn, Token="guess")
        done = await sns("confirm_subscription", TopicArn=arn, Token=body["Token"])
        await sns("publish", TopicArn=arn, Message="now")
        told = (await until(seen, 2))[1]
        assert told.headers.get("x-amz-sns-subscription-arn") == done["SubscriptionArn"]
        assert json.loads(bytes(told.body))["Message"] == "now"


async def test_a_message_that_was_accepted_outlives_the_process() -> None:
    async with topics() as sns:
        store, arn = sns.store, await sns.topic()
        url = await sns.queue(arn, RawMessageDelivery="true")
        await sns("publish", TopicArn=arn, Message="before")
        await sns.received(url)
    [subscription] = [each async for each in store.scan("sns-subscription")]
    record = msgspec.json.decode(subscription.body, type=SubscriptionRecord)
    left = Delivery(Notice("1", "Notification", arn, "left behind", 1.0), record)
    await store.commit([Change(DELIVERY, "node/1", 0, msgspec.json.encode(left))])
    async with topics(store) as sns:
        bodies = [each["Body"] for each in await sns.received(url)]
        assert "left behind" in bodies
        end = time.monotonic() + 5
        while [1 async for _ in store.scan(DELIVERY)]:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)


async def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue() -> None:
    async with topics() as sns, serving(recording([ok(), Reply(400, Headers(), b"")], [])) as hook:
        arn = await sns.topic()
        url = (await called(sns.sqs.create_queue, QueueName="dead"))["QueueUrl"]
        dead = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:000000000000:dead"})
        await sns(
            "subscribe", TopicArn=arn, Protocol="http",
            Endpoint=f"http://127.0.0.1:{hook.port}/", Attributes={"RedrivePolicy": dead},
        )  # fmt: skip
        [document] = [each async for each in sns.store.scan("sns-subscription")]
        token = json.loads(document.body)["token"]
        await sns("confirm_subscription", TopicArn=arn, Token=token)
        end = time.monotonic() + 5
        while [1 async for _ in sns.store.scan("sns-delivery")]:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        await sns("publish", TopicArn=arn, Message="lost?")
        [message] = await sns.received(url)
        assert json.loads(message["Body"])["Message"] == "lost?"


async def test_topics_and_subscriptions_are_listed_and_go_together() -> None:
    async with topics() as sns:
        arn = await sns.topic("a")
        assert await sns.topic("a") == arn
        await sns.queue(arn)
        found = await sns("get_topic_attributes", TopicArn=arn)
        assert found["Attributes"]["SubscriptionsConfirmed"] == "1"
        [each] = (await sns("list_subscriptions_by_topic", TopicArn=arn))["Subscriptions"]
        own = {"SubscriptionArn": each["SubscriptionArn"]}
        await sns(
            "set_subscription_attributes", **own,
            AttributeName="RawMessageDelivery", AttributeValue="true",
        )  # fmt: skip
        attributes = (await sns("get_subscription_attributes", **own))["Attributes"]
        assert attributes["RawMessageDelivery"] == "true"
        await sns("delete_topic", TopicArn=arn)
        assert (await sns("list_topics"))["Topics"] == []
        assert (await sns("list_subscriptions"))["Subscriptions"] == []
        with pytest.raises(ClientError) as caught:
            await sns("publish", TopicArn=arn, Message="x")
        assert caught.value.response["Error"]["Code"] == "NotFound"


async def test_what_is_not_here_is_refused() -> None:
    async with topics() as sns:
        arn = await sns.topic()
        for operation, params in (
            ("create_topic", {"Name": "t.fifo"}),
            ("subscribe", {"TopicArn": arn, "Protocol": "email", "Endpoint": "a@b.c"}),
            ("subscribe", {"TopicArn": arn, "Protocol": "https", "Endpoint": "http://a"}),
            ("publish", {"PhoneNumber": "+1", "Message": "x"}),
            ("publish", {"TopicArn": arn, "Message": "x" * 262_145}),
        ):
            with pytest.raises(ClientError) as caught:
                await sns(operation, **params)
            assert caught.value.response["Error"]["Code"] == "InvalidParameter", operation
