"""Messages that other services of the gateway send, in a commit of their own."""

import time
from collections.abc import Mapping

import msgspec

from torana.services.sqs.records import QUEUE, MessageRecord, QueueRecord
from torana.services.sqs.shelf import addition
from torana.state.store import Change, Store


async def letter(
    store: Store, arn: str, body: str, sender: str, attributes: Mapping[str, tuple[str, str]] = {}
) -> Change | None:
    """The change that puts a message into a queue; None: there is no such queue.

    `attributes`: type and value by name.
    """
    queue = await addressee(store, arn)
    if queue is None:
        return None
    now = time.time()
    values = {
        name: {"DataType": kind, "StringValue": value} for name, (kind, value) in attributes.items()
    }
    due = now + queue.number("DelaySeconds")
    return addition(queue, MessageRecord(body, now, sender, due, values))


async def addressee(store: Store, arn: str) -> QueueRecord | None:
    """The queue that an ARN names, if it is there."""
    document = await store.get(QUEUE, arn.rpartition(":")[2])
    return document and msgspec.json.decode(document.body, type=QueueRecord)
