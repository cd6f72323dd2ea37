"""Functions and SQS queues together, through boto3."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

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
