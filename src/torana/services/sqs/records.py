"""What is stored of queues and messages."""

from typing import Any

from msgspec import Struct

QUEUE, MESSAGE = "sqs-queue", "sqs-message"


class QueueRecord(Struct, frozen=True):
    """A queue. Its messages bear its `mark`, so that a later queue of that name has none."""

    name: str
    mark: str
    created: float
    modified: float
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}

    def number(self, name: str) -> int:
        """A setting, or its default."""
        return int(self.attributes.get(name, DEFAULTS[name]))


class MessageRecord(Struct, frozen=True):
    """A message. Times are Unix times."""

    body: str
    sent: float
    sender: str
    visible: float
    """When it may be received again."""
    attributes: dict[str, dict[str, Any]] = {}
    handle: str = ""
    """Of the last receipt; empty: it was never received."""
    receives: int = 0
    first: float = 0.0
    source: str = ""
    """The ARN of the queue that gave it up."""
    trace: str = ""


DEFAULTS: dict[str, str] = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "SqsManagedSseEnabled": "false",
}
"""Source: Amazon SQS API Reference, SetQueueAttributes."""
