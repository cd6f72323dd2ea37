"""Messages as subscribers get them.

Source: Amazon SNS Developer Guide, "HTTP/HTTPS notification JSON format" and "Using Lambda with
Amazon SNS". They are not signed.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from torana.message import Headers, Request
from torana.services.sns.records import Delivery, Notice

Json = dict[str, Any]
_KIND = "x-amz-sns-message-type"


def _time(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def body(notice: Notice) -> Json:
    """The envelope."""
    found: Json = {
        "Type": notice.kind,
        "MessageId": notice.id,
        "Token": notice.token or None,
        "TopicArn": notice.topic,
        "Subject": notice.subject or None,
        "Message": notice.message,
        "SubscribeURL": notice.url if notice.kind != "Notification" else None,
        "Timestamp": _time(notice.at),
        "UnsubscribeURL": notice.url if notice.kind == "Notification" else None,
        "MessageAttributes": notice.attributes or None,
    }
    return {name: value for name, value in found.items() if value}


def raw(delivery: Delivery) -> bool:
    """Whether the subscriber wants the message without its envelope."""
    wanted = delivery.subscription.attributes.get("RawMessageDelivery") == "true"
    return wanted and delivery.notice.kind == "Notification"


def post(delivery: Delivery) -> tuple[bytes, dict[str, str]]:
    """Body and headers for a webhook."""
    notice, subscription = delivery.notice, delivery.subscription
    headers = {
        _KIND: notice.kind,
        "x-amz-sns-message-id": notice.id,
        "x-amz-sns-topic-arn": notice.topic,
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
    if notice.kind == "Notification":
        headers["x-amz-sns-subscription-arn"] = subscription.arn
    if raw(delivery):
        headers["x-amz-sns-rawdelivery"] = "true"
        return notice.message.encode(), headers
    return msgspec.json.encode(body(notice)), headers


def invocation(delivery: Delivery) -> Request:
    """The event for a function."""
    notice, subscription = delivery.notice, delivery.subscription
    envelope = body(notice)
    envelope.pop("UnsubscribeURL", None)
    envelope |= {
        "Subject": notice.subject or None,
        "UnsubscribeUrl": notice.url,
        "MessageAttributes": notice.attributes,
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": envelope,
    }
    path = f"/2015-03-31/functions/{quote(subscription.endpoint, safe='')}/invocations"
    headers = Headers([("X-Amz-Invocation-Type", "Event")])
    return Request("POST", path, headers, msgspec.json.encode({"Records": [record]}))


def letter(delivery: Delivery, queue: str) -> Request:
    """The message for a queue, by its ARN."""
    notice = delivery.notice
    account, name = queue.split(":")[4:6]
    sent: Json = {"QueueUrl": f"http://sqs/{account}/{name}"}
    if raw(delivery):
        sent["MessageBody"] = notice.message
        sent["MessageAttributes"] = {
            name: _attribute(each) for name, each in [*notice.attributes.items()][:10]
        }
    else:
        sent["MessageBody"] = msgspec.json.encode(body(notice)).decode()
    headers = Headers(
        [
            ("X-Amz-Target", "AmazonSQS.SendMessage"),
            ("Content-Type", "application/x-amz-json-1.0"),
        ]
    )
    return Request("POST", "/", headers, msgspec.json.encode(sent))


def _attribute(given: Json) -> Json:
    kind = given["Type"]
    if kind == "Binary":
        return {"DataType": "Binary", "BinaryValue": given["Value"]}
    return {"DataType": kind if kind != "String.Array" else "String", "StringValue": given["Value"]}
