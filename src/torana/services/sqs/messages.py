"""Operations on messages. Source: Amazon SQS API Reference."""

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import structs

from torana.services.ports import Call
from torana.services.sqs import digests
from torana.services.sqs.batches import Batch
from torana.services.sqs.faults import bad_handle, invalid, not_in_flight
from torana.services.sqs.queues import arn, name_of, redrive
from torana.services.sqs.records import MessageRecord, QueueRecord
from torana.services.sqs.shelf import Held, Shelf, addition
from torana.wire.faults import ServiceError

Json = dict[str, Any]

_BATCH = 1048576
"""Bytes of all messages of a batch. Source: SQS quotas."""


class Messages:
    """Operations on messages."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def SendMessage(self, call: Call, params: Json) -> Json:
        """One message, stored when this is answered."""
        queue = await self._queue(params)
        message = _made(call, queue, params)
        return _sent(message, (await self._shelf.add(queue, [message]))[0])

    async def SendMessageBatch(self, call: Call, params: Json) -> Json:
        """Up to ten messages; those that cannot be are named."""
        queue = await self._queue(params)
        entries = _entries(params)
        if sum(len(each["MessageBody"].encode()) for each in entries) > _BATCH:
            raise ServiceError(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {_BATCH} bytes.",
            )

        async def send(entry: Json) -> Json:
            message = _made(call, queue, entry)
            return _sent(message, (await self._shelf.add(queue, [message]))[0])

        return await _each(entries, send)

    async def ReceiveMessage(self, call: Call, params: Json) -> Json:
        """Up to ten messages that nobody else holds, waiting for the first as long as asked."""
        queue = await self._queue(params)
        most = params.get("MaxNumberOfMessages") or 1
        if not 1 <= most <= 10:
            raise invalid(
                f"Value {most} for parameter MaxNumberOfMessages is invalid. Reason: Must be "
                "between 1 and 10, if provided."
            )
        wait = params.get("WaitTimeSeconds")
        wait = queue.number("ReceiveMessageWaitTimeSeconds") if wait is None else wait
        if not 0 <= wait <= 20:
            raise invalid(
                f"Value {wait} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 "
                "and <= 20, if provided."
            )
        hidden = params.get("VisibilityTimeout")
        hidden = queue.number("VisibilityTimeout") if hidden is None else _visibility(hidden)
        end = time.time() + wait
        while True:
            self._shelf.listen(queue)
            found = await self._receive(arn(call, queue.name), queue, most, hidden)
            if found or time.time() >= end:
                break
            await self._shelf.arrival(queue, end)
        return {"Messages": [_shown(each, params) for each in found]} if found else {}

    async def _receive(self, own: str, queue: QueueRecord, most: int, hidden: int) -> list[Held]:
        now, found = time.time(), list[Held]()
        oldest = now - queue.number("MessageRetentionPeriod")
        target, limit = redrive(queue)
        for held in self._shelf.all(queue):
            message = held.message
            if message.sent < oldest:
                await self._shelf.replace(held, by=None)
            elif message.visible <= now:
                if target and message.receives >= limit:
                    await self._give_up(own, held, target)
                    continue
                taken = structs.replace(
                    message,
                    visible=now + hidden,
                    handle=secrets.token_hex(12),
                    receives=message.receives + 1,
                    first=message.first or now,
                )
                if await self._shelf.replace(held, by=taken):
                    found.append(self._shelf.held(held.id) or held)
            if len(found) == most:
                break
        return found

    async def batch(self, own: str, most: int, window: float, wait: float) -> Batch | None:
        """Up to `most` messages of the queue with this ARN, waiting for the first so many seconds
        and then for the others; None: there is no such queue."""
        await self._shelf.ready()
        there = self._shelf.queues.get(own.rpartition(":")[2])
        if there is None:
            return None
        queue, end = there[1], time.time() + wait
        hidden = queue.number("VisibilityTimeout")
        found: list[Held] = []
        while True:
            self._shelf.listen(queue)
            before = len(found)
            found += await self._receive(own, queue, most - before, hidden)
            if found and not before:
                end = time.time() + window
            if len(found) >= most or time.time() >= end:
                return Batch(own, found, {_id(held.id): held.id for held in found})
            await self._shelf.arrival(queue, end)

    async def done(self, held: Held) -> None:
        """A message was dealt with, unless another holds it by now."""
        await self._shelf.replace(held, by=None)

    async def _give_up(self, own: str, held: Held, target: str) -> None:
        """Move a message that was received too often, in one commit."""
        there = self._shelf.queues.get(target.rpartition(":")[2])
        if there is None:
            return
        moved = structs.replace(held.message, visible=time.time(), handle="", source=own)
        await self._shelf.replace(held, addition(there[1], moved), by=None)

    async def DeleteMessage(self, call: Call, params: Json) -> Json:
        """A message that was received; one that another holds by now stays."""
        queue = await self._queue(params)
        await self._delete(queue, params)
        return {}

    async def _delete(self, queue: QueueRecord, params: Json) -> Json:
        held = self._held(queue, params["ReceiptHandle"])
        while held is not None and not await self._shelf.replace(held, by=None):
            held = self._held(queue, params["ReceiptHandle"])
        return {}

    async def DeleteMessageBatch(self, call: Call, params: Json) -> Json:
        """Up to ten of them."""
        queue = await self._queue(params)
        return await _each(_entries(params), lambda entry: self._delete(queue, entry))

    async def ChangeMessageVisibility(self, call: Call, params: Json) -> Json:
        """Hold a message for so many seconds from now."""
        return await self._hold(await self._queue(params), params)

    async def ChangeMessageVisibilityBatch(self, call: Call, params: Json) -> Json:
        """Up to ten of them."""
        queue = await self._queue(params)
        return await _each(_entries(params), lambda entry: self._hold(queue, entry))

    async def _hold(self, queue: QueueRecord, params: Json) -> Json:
        until = time.time() + _visibility(params.get("VisibilityTimeout") or 0)
        held = self._held(queue, params["ReceiptHandle"])
        if held is None or held.message.visible <= time.time():
            raise not_in_flight()
        await self._shelf.replace(held, by=structs.replace(held.message, visible=until))
        return {}

    def _held(self, queue: QueueRecord, receipt: str) -> Held | None:
        """The message of a receipt, unless it was received anew or is gone."""
        id, separator, handle = receipt.rpartition(":")
        if not separator or not id.startswith(f"{queue.mark}/"):
            raise bad_handle(receipt)
        found = self._shelf.held(id)
        return found if found is not None and found.message.handle == handle else None

    async def _queue(self, params: Json) -> QueueRecord:
        return await self._shelf.queue(name_of(params["QueueUrl"]))


def _visibility(seconds: int) -> int:
    if not 0 <= seconds <= 43200:
        raise invalid(
            f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be between "
            "0 and 43200."
        )
    return seconds


def _made(call: Call, queue: QueueRecord, params: Json) -> MessageRecord:
    body: str = params["MessageBody"]
    attributes: dict[str, Json] = params.get("MessageAttributes") or {}
    if not body:
        raise ServiceError(
            "MissingParameter", "The request must contain the parameter MessageBody."
        )
    limit = queue.number("MaximumMessageSize")
    size = len(body.encode()) + sum(_size(name, each) for name, each in attributes.items())
    if size > limit:
        raise invalid(
            "One or more parameters are invalid. Reason: Message must be shorter than "
            f"{limit} bytes."
        )
    if params.get("MessageGroupId") or params.get("MessageDeduplicationId"):
        raise invalid("Message groups and deduplication belong to FIFO queues, which are not here")
    delay = params.get("DelaySeconds")
    delay = queue.number("DelaySeconds") if delay is None else delay
    if not 0 <= delay <= 900:
        raise invalid(
            f"Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be "
            ">= 0 and <= 900."
        )
    system: dict[str, Json] = params.get("MessageSystemAttributes") or {}
    trace = system.get("AWSTraceHeader", {}).get("StringValue", "")
    now = time.time()
    return MessageRecord(
        body, now, call.principal.user_id, now + delay, _stored(attributes), trace=trace
    )


def _size(name: str, value: Json) -> int:
    content: bytes = value.get("BinaryValue") or (value.get("StringValue") or "").encode()
    return len(name.encode()) + len(value["DataType"].encode()) + len(content)


def _stored(attributes: dict[str, Json]) -> dict[str, Json]:
    """Bytes as Latin-1 text, which JSON can hold."""
    for name, value in attributes.items():
        kind = value["DataType"].partition(".")[0]
        member = "BinaryValue" if kind == "Binary" else "StringValue"
        if kind not in ("String", "Number", "Binary") or not value.get(member):
            raise invalid(
                f"The message attribute '{name}' has an invalid message attribute type, or no "
                f"{member}."
            )
    return {
        name: {
            key: bytes(each).decode("latin-1") if key == "BinaryValue" else each
            for key, each in value.items()
            if key in ("DataType", "StringValue", "BinaryValue") and each
        }
        for name, value in attributes.items()
    }


def _loaded(attributes: dict[str, Json]) -> dict[str, Json]:
    return {
        name: {
            key: each.encode("latin-1") if key == "BinaryValue" else each
            for key, each in value.items()
        }
        for name, value in attributes.items()
    }


def _sent(message: MessageRecord, id: str) -> Json:
    shown: Json = {"MessageId": _id(id), "MD5OfMessageBody": digests.of_text(message.body)}
    if message.attributes:
        shown["MD5OfMessageAttributes"] = digests.of_attributes(_loaded(message.attributes))
    return shown


def _id(document: str) -> str:
    """A message's id in the service's form."""
    digest = digests.of_text(document)
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


def _shown(held: Held, params: Json) -> Json:
    message = held.message
    shown: Json = {
        "MessageId": _id(held.id),
        "ReceiptHandle": f"{held.id}:{message.handle}",
        "MD5OfBody": digests.of_text(message.body),
        "Body": message.body,
    }
    wanted: set[str] = {*(params.get("AttributeNames") or ())}
    wanted |= {*(params.get("MessageSystemAttributeNames") or ())}
    system = {
        "SenderId": message.sender,
        "SentTimestamp": str(int(message.sent * 1000)),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(int(message.first * 1000)),
        "DeadLetterQueueSourceArn": message.source,
        "AWSTraceHeader": message.trace,
    }
    chosen = {k: v for k, v in system.items() if v and (k in wanted or "All" in wanted)}
    if chosen:
        shown["Attributes"] = chosen
    names: list[str] = params.get("MessageAttributeNames") or []
    own = {n: v for n, v in _loaded(message.attributes).items() if _asked(n, names)}
    if own:
        shown["MessageAttributes"] = own
        shown["MD5OfMessageAttributes"] = digests.of_attributes(own)
    return shown


def _asked(name: str, patterns: list[str]) -> bool:
    return any(
        each in ("All", ".*", name) or (each.endswith(".*") and name.startswith(each[:-2]))
        for each in patterns
    )


def _entries(params: Json) -> list[Json]:
    entries: list[Json] = params.get("Entries") or []
    if not entries:
        raise ServiceError(
            "EmptyBatchRequest", "There should be at least one entry in the request."
        )
    if len(entries) > 10:
        raise ServiceError(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are 10. You have sent {len(entries)}.",
        )
    ids = [each["Id"] for each in entries]
    for id in ids:
        if ids.count(id) > 1:
            raise ServiceError("BatchEntryIdsNotDistinct", f"Id {id} repeated.")
    return entries


async def _each(entries: list[Json], act: Callable[[Json], Awaitable[Json]]) -> Json:
    done: list[Json] = []
    failed: list[Json] = []
    for entry in entries:
        try:
            done.append({"Id": entry["Id"], **await act(entry)})
        except ServiceError as error:
            failed.append(
                {
                    "Id": entry["Id"],
                    "SenderFault": True,
                    "Code": error.code,
                    "Message": error.message,
                }
            )
    return {"Successful": done, "Failed": failed}
