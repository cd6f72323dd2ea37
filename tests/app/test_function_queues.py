"""Functions and SQS queues together, through boto3."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import asyncio
import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.app.lambdas import lambdas
from tests.services.serving import called, client

QUEUE = "arn:aws:sqs:eu-west-1:000000000000"
FAILS = "def handler(event, context):\n    raise ValueError('always')\n"


async def test_results_of_events_go_to_queues(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        sqs = client("sqs", node.port)
        url = (await called(sqs.create_queue, QueueName="results"))["QueueUrl"]
        await node.create("def handler(event, context):\n    return event + 1\n")
        await node(
            "put_function_event_invoke_config",
            FunctionName="f",
            DestinationConfig={"OnSuccess": {"Destination": f"{QUEUE}:results"}},
        )
        await node.invoke(InvocationType="Event", Payload=b"1")
        got = await called(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=9)
        record = json.loads(got["Messages"][0]["Body"])
        assert (record["requestPayload"], record["responsePayload"]) == (1, 2)
        assert record["requestContext"]["condition"] == "Success"


async def test_event_that_fails_to_the_end_goes_to_the_dead_letter_queue(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        node.host.queue._pauses = (0.1, 0.1)
        sqs = client("sqs", node.port)
        url = (await called(sqs.create_queue, QueueName="dead"))["QueueUrl"]
        made = await node.create(FAILS, DeadLetterConfig={"TargetArn": f"{QUEUE}:dead"})
        assert made["DeadLetterConfig"] == {"TargetArn": f"{QUEUE}:dead"}
        answer, _ = await node.invoke(InvocationType="Event", Payload=b'{"n": 5}')
        got = await called(
            sqs.receive_message, QueueUrl=url, WaitTimeSeconds=9, MessageAttributeNames=["All"]
        )
        (message,) = got["Messages"]
        assert message["Body"] == '{"n": 5}'
        said = {key: each["StringValue"] for key, each in message["MessageAttributes"].items()}
        assert said == {
            "RequestID": answer["ResponseMetadata"]["RequestId"],
            "ErrorCode": "200",
            "ErrorMessage": "always",
        }
        assert [document.id async for document in node.host.book.store.scan("lambda-event")] == []


BATCH = """
def handler(event, context):
    bodies = [each["body"] for each in event["Records"]]
    print("GIVEN", bodies, event["Records"][0]["eventSourceARN"])
    failed = [each for each in event["Records"] if each["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in failed]}
"""


async def test_messages_of_a_queue_are_handed_to_the_function_in_batches(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "_aws_lambda_f.log"
    async with lambdas(tmp_path) as node:
        sqs = client("sqs", node.port)
        url = (await called(sqs.create_queue, QueueName="orders"))["QueueUrl"]
        await node.create(BATCH)
        made = await node(
            "create_event_source_mapping",
            EventSourceArn=f"{QUEUE}:orders",
            FunctionName="f",
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        assert (made["State"], made["BatchSize"]) == ("Enabled", 10)
        entries = [{"Id": each, "MessageBody": each} for each in ("one", "bad", "two")]
        await called(sqs.send_message_batch, QueueUrl=url, Entries=entries)
        for _ in range(100):
            found = await called(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"])
            numbers = found["Attributes"]
            left = int(numbers["ApproximateNumberOfMessages"])
            hidden = int(numbers["ApproximateNumberOfMessagesNotVisible"])
            said = log.read_text() if log.exists() else ""
            seen = all(f"'{each}'" in said for each in ("one", "bad", "two"))
            if seen and (left, hidden) == (0, 1):
                break
            await asyncio.sleep(0.1)
        # The one that failed stays; the others were deleted.
        assert (seen, left, hidden) == (True, 0, 1)
        listed = await node("list_event_source_mappings", FunctionName="f")
        assert [each["UUID"] for each in listed["EventSourceMappings"]] == [made["UUID"]]
        with pytest.raises(ClientError, match="already exists"):
            await node(
                "create_event_source_mapping", EventSourceArn=f"{QUEUE}:orders", FunctionName="f"
            )
        off = await node("update_event_source_mapping", UUID=made["UUID"], Enabled=False)
        assert off["State"] == "Disabled"
        await node("delete_event_source_mapping", UUID=made["UUID"])
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            await node("get_event_source_mapping", UUID=made["UUID"])
        with pytest.raises(ClientError, match="only SQS queues are event sources"):
            stream = "arn:aws:kinesis:eu-west-1:000000000000:stream/s"
            await node("create_event_source_mapping", EventSourceArn=stream, FunctionName="f")


async def test_queues_that_are_not_there_are_refused(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        with pytest.raises(ClientError, match="there is no such queue"):
            await node.create(FAILS, DeadLetterConfig={"TargetArn": f"{QUEUE}:none"})
        topic = "arn:aws:sns:eu-west-1:000000000000:topic"
        with pytest.raises(ClientError, match="only SQS queues"):
            await node.create(FAILS, DeadLetterConfig={"TargetArn": topic})
        await node.create(FAILS)
        with pytest.raises(ClientError, match="only functions and SQS queues"):
            await node(
                "put_function_event_invoke_config",
                FunctionName="f",
                DestinationConfig={"OnFailure": {"Destination": topic}},
            )
