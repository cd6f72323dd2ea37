"""Operations on queues. Source: Amazon SQS API Reference."""

import re
import secrets
import time
from typing import Any, cast

import msgspec
from msgspec import structs

from torana.auth.policy import MalformedPolicy, parse
from torana.services.ports import Call
from torana.services.sqs.faults import invalid, invalid_attribute, no_queue
from torana.services.sqs.records import DEFAULTS, QueueRecord
from torana.services.sqs.shelf import Shelf
from torana.wire.faults import ServiceError

Json = dict[str, Any]

_RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1048576),
    "MessageRetentionPeriod": (60, 1209600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43200),
}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


def name_of(address: str) -> str:
    """The queue that an address (or a bare name) leads to."""
    return address.rstrip("/").rpartition("/")[2]


def _check_policy(value: str) -> None:
    """Of the queue itself, asked by `torana.services.authority`; empty: none any more."""
    try:
        if value:
            parse(value, "resource")
    except MalformedPolicy:
        raise invalid_attribute("Policy") from None


class Queues:
    """Operations on queues."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def CreateQueue(self, call: Call, params: Json) -> Json:
        """A queue; the same one again if all is as it was."""
        await self._shelf.ready()
        name, given = params["QueueName"], dict(params.get("Attributes") or {})
        if name.endswith(".fifo") or given.get("FifoQueue"):
            raise invalid("FIFO queues are not supported here; make a standard queue")
        if not _NAME.fullmatch(name):
            raise invalid(
                "Can only include alphanumeric characters, hyphens, or underscores. "
                "1 to 80 in length"
            )
        self._check(call, given)
        there = self._shelf.queues.get(name)
        if there is not None:
            for key, value in given.items():
                if there[1].attributes.get(key, DEFAULTS.get(key)) != value:
                    raise ServiceError(
                        "QueueNameExists",
                        "A queue already exists with the same name and a different value for "
                        f"attribute {key}",
                    )
            return {"QueueUrl": address(call, name)}
        now = time.time()
        tags = dict(params.get("tags") or {})
        record = QueueRecord(name, secrets.token_hex(8), now, now, given, tags)
        await self._shelf.put_queue(record)
        return {"QueueUrl": address(call, name)}

    async def SetQueueAttributes(self, call: Call, params: Json) -> Json:
        """Other settings; an empty value removes one."""
        record = await self._queue(params)
        given: dict[str, str] = params["Attributes"]
        self._check(call, given)
        merged = {key: value for key, value in {**record.attributes, **given}.items() if value}
        await self._shelf.put_queue(
            structs.replace(record, attributes=merged, modified=time.time())
        )
        return {}

    async def GetQueueAttributes(self, call: Call, params: Json) -> Json:
        """Settings, and how many messages there are, exactly."""
        record = await self._queue(params)
        wanted: set[str] = set(params.get("AttributeNames") or ())
        now = time.time()
        messages = [each.message for each in self._shelf.all(record)]
        hidden = [each for each in messages if each.visible > now]
        flying = sum(bool(each.handle) for each in hidden)
        shown = {
            **DEFAULTS,
            **record.attributes,
            "QueueArn": arn(call, record.name),
            "CreatedTimestamp": str(int(record.created)),
            "LastModifiedTimestamp": str(int(record.modified)),
            "ApproximateNumberOfMessages": str(len(messages) - len(hidden)),
            "ApproximateNumberOfMessagesNotVisible": str(flying),
            "ApproximateNumberOfMessagesDelayed": str(len(hidden) - flying),
        }
        if "All" not in wanted:
            shown = {key: value for key, value in shown.items() if key in wanted}
        return {"Attributes": shown}

    async def GetQueueUrl(self, call: Call, params: Json) -> Json:
        """A queue's address."""
        record = await self._shelf.queue(params["QueueName"])
        return {"QueueUrl": address(call, record.name)}

    async def ListQueues(self, call: Call, params: Json) -> Json:
        """Addresses, by prefix, in pages."""
        await self._shelf.ready()
        prefix, start = params.get("QueueNamePrefix") or "", params.get("NextToken") or ""
        names = [n for n in sorted(self._shelf.queues) if n.startswith(prefix) and n > start]
        most = params.get("MaxResults") or 1000
        if not 1 <= most <= 1000:
            raise invalid(
                f"Value {most} for parameter MaxResults is invalid. Reason: Must be between 1 and "
                "1000, if provided."
            )
        shown: Json = {"QueueUrls": [address(call, name) for name in names[:most]]}
        if len(names) > most:
            shown["NextToken"] = names[most - 1]
        return shown

    async def ListDeadLetterSourceQueues(self, call: Call, params: Json) -> Json:
        """Queues that give up their messages to this one."""
        own = arn(call, (await self._queue(params)).name)
        found = [
            address(call, name)
            for name, (_, each) in sorted(self._shelf.queues.items())
            if redrive(each)[0] == own
        ]
        return {"queueUrls": found}

    async def DeleteQueue(self, call: Call, params: Json) -> Json:
        """A queue with all that is in it."""
        await self._shelf.drop_queue(await self._queue(params))
        return {}

    async def PurgeQueue(self, call: Call, params: Json) -> Json:
        """All that is in a queue."""
        await self._shelf.remove(self._shelf.all(await self._queue(params)))
        return {}

    async def ListQueueTags(self, call: Call, params: Json) -> Json:
        """A queue's tags."""
        return {"Tags": (await self._queue(params)).tags}

    async def TagQueue(self, call: Call, params: Json) -> Json:
        """Add tags."""
        record = await self._queue(params)
        tags = {**record.tags, **params["Tags"]}
        await self._shelf.put_queue(structs.replace(record, tags=tags))
        return {}

    async def UntagQueue(self, call: Call, params: Json) -> Json:
        """Remove tags."""
        record = await self._queue(params)
        left = {key: each for key, each in record.tags.items() if key not in params["TagKeys"]}
        await self._shelf.put_queue(structs.replace(record, tags=left))
        return {}

    async def _queue(self, params: Json) -> QueueRecord:
        return await self._shelf.queue(name_of(params["QueueUrl"]))

    def _check(self, call: Call, given: dict[str, str]) -> None:
        for key, value in given.items():
            if key in _RANGES:
                low, high = _RANGES[key]
                if not (value.isdigit() and low <= int(value) <= high):
                    raise invalid_attribute(key)
            elif key == "RedrivePolicy":
                if value:
                    self._check_redrive(call, value)
            elif key == "Policy":
                _check_policy(value)
            elif key not in ("RedriveAllowPolicy", "SqsManagedSseEnabled"):
                raise ServiceError(
                    "InvalidAttributeName", f"Unknown or unsupported Attribute {key}."
                )

    def _check_redrive(self, call: Call, value: str) -> None:
        try:
            policy = msgspec.json.decode(value, type=dict[str, Any])
            most = int(policy["maxReceiveCount"])
            target = str(policy["deadLetterTargetArn"])
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            raise invalid_attribute(
                "RedrivePolicy", "Reason: Redrive policy is not a valid JSON map."
            ) from None
        if not 1 <= most <= 1000:
            raise invalid_attribute(
                "RedrivePolicy",
                "Reason: Invalid value for maxReceiveCount: must be between 1 and 1000.",
            )
        name = target.rpartition(":")[2]
        if target != arn(call, name) or name not in self._shelf.queues:
            raise no_queue()


def redrive(record: QueueRecord) -> tuple[str, int]:
    """Where messages go that were received too often, and how often that is; empty: nowhere."""
    given = record.attributes.get("RedrivePolicy")
    if not given:
        return "", 0
    policy = cast(Json, msgspec.json.decode(given))
    return policy["deadLetterTargetArn"], int(policy["maxReceiveCount"])


def arn(call: Call, name: str) -> str:
    """A queue's ARN."""
    return f"arn:aws:sqs:{call.region}:{call.principal.account}:{name}"


def address(call: Call, name: str) -> str:
    """A queue's address, at the host that was asked."""
    host = call.request.headers.get("host") or "localhost"
    return f"{call.request.peer.scheme}://{host}/{call.principal.account}/{name}"
