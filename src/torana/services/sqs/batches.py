"""Messages as functions get them.

Source: Lambda Developer Guide, "Using Lambda with Amazon SQS".
"""

import base64
from typing import Any

from msgspec import Struct

from torana.services.sqs import digests
from torana.services.sqs.shelf import Held

Json = dict[str, Any]


class Batch(Struct, frozen=True):
    """Messages that were received together."""

    queue: str
    """Its ARN."""
    messages: list[Held]
    ids: dict[str, str]
    """Documents by the ids that clients see."""


def records(batch: Batch, region: str) -> list[Json]:
    """The `Records` of an event."""
    shown = {document: id for id, document in batch.ids.items()}
    return [_record(batch, held, shown[held.id], region) for held in batch.messages]


def _record(batch: Batch, held: Held, id: str, region: str) -> Json:
    message = held.message
    attributes = {
        "ApproximateReceiveCount": str(message.receives),
        "SentTimestamp": str(int(message.sent * 1000)),
        "SenderId": message.sender,
        "ApproximateFirstReceiveTimestamp": str(int(message.first * 1000)),
    }
    if message.trace:
        attributes["AWSTraceHeader"] = message.trace
    return {
        "messageId": id,
        "receiptHandle": f"{held.id}:{message.handle}",
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {name: _value(each) for name, each in message.attributes.items()},
        "md5OfBody": digests.of_text(message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": batch.queue,
        "awsRegion": region,
    }


def _value(given: Json) -> Json:
    shown: Json = {"stringListValues": [], "binaryListValues": [], "dataType": given["DataType"]}
    if "BinaryValue" in given:
        shown["binaryValue"] = base64.b64encode(given["BinaryValue"].encode("latin-1")).decode()
    else:
        shown["stringValue"] = given["StringValue"]
    return shown
