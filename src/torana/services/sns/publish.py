"""Publishing. Source: Amazon SNS API Reference, Publish and PublishBatch."""

import base64
import time
from typing import Any, cast
from uuid import uuid4

import msgspec

from torana.services.apigateway.book import Book, Sheet
from torana.services.given import members
from torana.services.ports import Call
from torana.services.sns.deliver import Deliverer
from torana.services.sns.faults import invalid
from torana.services.sns.filters import wants
from torana.services.sns.records import Delivery, Notice, SubscriptionRecord
from torana.services.sns.topics import name_of, subscriptions, topic
from torana.wire.faults import ServiceError

Json = dict[str, Any]
_LARGEST = 262_144


class Publishing:
    """The operations."""

    def __init__(self, book: Book, deliverer: Deliverer) -> None:
        self._book, self._deliverer = book, deliverer

    async def Publish(self, call: Call, params: Json) -> Json:
        """To everybody who wants it: accepted when this is answered."""
        if params.get("PhoneNumber"):
            raise invalid("PhoneNumber Reason: text messages are not supported here")
        arn = params.get("TopicArn") or params.get("TargetArn")
        if not arn:
            raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
        wanted = await self._subscribers(arn)
        deliveries, id = _deliveries(call, arn, params, wanted)
        await self._deliverer.put(deliveries)
        return {"MessageId": id}

    async def PublishBatch(self, call: Call, params: Json) -> Json:
        """Up to ten; those that cannot be are named."""
        entries: list[Json] = params["PublishBatchRequestEntries"]
        if not entries:
            raise ServiceError(
                "EmptyBatchRequest", "The batch request doesn't contain any entries."
            )
        if len(entries) > 10:
            raise ServiceError(
                "TooManyEntriesInBatchRequest",
                "The batch request contains more entries than permissible.",
            )
        if len({each["Id"] for each in entries}) < len(entries):
            raise ServiceError(
                "BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
            )
        arn = params["TopicArn"]
        wanted = await self._subscribers(arn)
        done: list[Json] = []
        failed: list[Json] = []
        for entry in entries:
            try:
                deliveries, id = _deliveries(call, arn, entry, wanted)
                await self._deliverer.put(deliveries)
                done.append({"Id": entry["Id"], "MessageId": id})
            except ServiceError as error:
                failed.append(
                    {
                        "Id": entry["Id"],
                        "Code": error.code,
                        "Message": error.message,
                        "SenderFault": True,
                    }
                )
        return {"Successful": done, "Failed": failed}

    async def _subscribers(self, arn: str) -> list[SubscriptionRecord]:
        async def work(sheet: Sheet) -> list[SubscriptionRecord]:
            await topic(sheet, arn)
            return [each async for _, each in subscriptions(sheet, name_of(arn)) if not each.token]

        return await self._book.read(work)


def _deliveries(
    call: Call, arn: str, given: Json, wanted: list[SubscriptionRecord]
) -> tuple[list[Delivery], str]:
    """One for each subscription that wants the message, and the message's id."""
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        if given.get(name):
            raise invalid(f"{name} Reason: it belongs to FIFO topics, which are not here")
    subject = given.get("Subject") or ""
    if len(subject) > 100 or not subject.isprintable() or not subject.isascii():
        raise invalid("Subject")
    attributes = {
        name: _attribute(name, each) for name, each in members(given, "MessageAttributes").items()
    }
    texts = _texts(given)
    id, now = str(uuid4()), time.time()
    host = call.request.headers.get("host") or "localhost"
    deliveries: list[Delivery] = []
    for each in wanted:
        text = texts.get(each.protocol, texts["default"])
        own = each.attributes
        scope = own.get("FilterPolicyScope") or "MessageAttributes"
        if not wants(own.get("FilterPolicy") or "", scope, text, attributes):
            continue
        url = f"http://{host}/?Action=Unsubscribe&SubscriptionArn={each.arn}"
        notice = Notice(id, "Notification", arn, text, now, subject, attributes, url=url)
        deliveries.append(Delivery(notice, each))
    return deliveries, id


def _texts(given: Json) -> dict[str, str]:
    """By protocol, `default` for the others."""
    message: str = given["Message"]
    if not message:
        raise invalid("Empty message")
    if len(message.encode()) > _LARGEST:
        raise invalid("Message too long")
    if given.get("MessageStructure") is None:
        return {"default": message}
    if given["MessageStructure"] != "json":
        raise invalid("MessageStructure")
    try:
        found = msgspec.json.decode(message)
    except msgspec.DecodeError:
        raise invalid("Message Structure - JSON message body failed to parse") from None
    texts = cast(Json, found) if isinstance(found, dict) else {}
    if not isinstance(texts.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def _attribute(name: str, given: Json) -> Json:
    kind = given["DataType"]
    if kind == "Binary":
        value = base64.b64encode(given.get("BinaryValue") or b"").decode()
    else:
        value = given.get("StringValue") or ""
    if kind.partition(".")[0] not in ("String", "Number", "Binary") or not value:
        raise ServiceError(
            "ParameterValueInvalid",
            f"The message attribute '{name}' has an invalid type, or no value.",
            status=400,
        )
    return {"Type": kind, "Value": value}
