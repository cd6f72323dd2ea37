"""What is stored of topics, subscriptions and deliveries."""

from typing import Any

from msgspec import Struct

TOPIC, SUBSCRIPTION, DELIVERY = "sns-topic", "sns-subscription", "sns-delivery"


class TopicRecord(Struct, frozen=True):
    """Under its name."""

    arn: str
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}


class SubscriptionRecord(Struct, frozen=True):
    """Under `{topic's name}/{id}`."""

    arn: str
    topic: str
    """Its ARN."""
    protocol: str
    endpoint: str
    owner: str
    token: str = ""
    """While it waits for its confirmation."""
    attributes: dict[str, str] = {}


class Notice(Struct, frozen=True):
    """A message on its way to a subscription."""

    id: str
    kind: str
    """`Notification`, `SubscriptionConfirmation` or `UnsubscribeConfirmation`."""
    topic: str
    message: str
    at: float
    subject: str = ""
    attributes: dict[str, dict[str, Any]] = {}
    """By name: `Type` and `Value`, bytes in Base64."""
    token: str = ""
    url: str = ""


class Delivery(Struct, frozen=True):
    """Under `{node}/{id}`, until it is done."""

    notice: Notice
    subscription: SubscriptionRecord
