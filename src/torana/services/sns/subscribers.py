"""Operations on subscriptions. Source: Amazon SNS API Reference."""

import secrets
import time
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import msgspec
from msgspec import structs

from torana.services.apigateway.book import Book, Sheet
from torana.services.given import members
from torana.services.ports import Call
from torana.services.sns.deliver import Deliverer
from torana.services.sns.faults import invalid, no_subscription
from torana.services.sns.filters import compile_policy
from torana.services.sns.records import (
    SUBSCRIPTION,
    Delivery,
    Notice,
    SubscriptionRecord,
)
from torana.services.sns.topics import name_of, subscriptions, topic

Json = dict[str, Any]
_PENDING = "pending confirmation"


class Subscribers:
    """The operations."""

    def __init__(self, book: Book, deliverer: Deliverer) -> None:
        self._book, self._deliverer = book, deliverer

    async def Subscribe(self, call: Call, params: Json) -> Json:
        """A function or a queue at once; a webhook once it has confirmed."""
        protocol, endpoint = params["Protocol"], params.get("Endpoint") or ""
        _check_endpoint(protocol, endpoint)
        attributes = members(params, "Attributes")
        for name, value in attributes.items():
            _check_attribute(name, value)
        arn = params["TopicArn"]
        token = secrets.token_hex(32) if protocol in ("http", "https") else ""

        async def work(sheet: Sheet) -> SubscriptionRecord:
            await topic(sheet, arn)
            async for _, each in subscriptions(sheet, name_of(arn)):
                if (each.protocol, each.endpoint) == (protocol, endpoint) and not each.token:
                    if attributes and each.attributes != attributes:
                        raise invalid(
                            "Attributes Reason: Subscription already exists with different "
                            "attributes"
                        )
                    return each
            id = str(uuid4())
            owner = call.principal.account
            made = SubscriptionRecord(
                f"{arn}:{id}", arn, protocol, endpoint, owner, token, attributes
            )
            sheet.put(SUBSCRIPTION, f"{name_of(arn)}/{id}", structs.asdict(made))
            return made

        made = await self._book.edit(call, work)
        if not made.token:
            return {"SubscriptionArn": made.arn}
        await self._deliverer.put([Delivery(_confirmation(call, made), made)])
        return {"SubscriptionArn": made.arn if params.get("ReturnSubscriptionArn") else _PENDING}

    async def ConfirmSubscription(self, call: Call, params: Json) -> Json:
        """With the token that the endpoint was sent."""
        arn, token = params["TopicArn"], params["Token"]

        async def work(sheet: Sheet) -> Json:
            await topic(sheet, arn)
            async for id, each in subscriptions(sheet, name_of(arn)):
                if each.token and secrets.compare_digest(each.token.encode(), token.encode()):
                    kept = structs.replace(each, token="")
                    sheet.put(SUBSCRIPTION, id, structs.asdict(kept))
                    return {"SubscriptionArn": each.arn}
            raise invalid("Token")

        return await self._book.edit(call, work)

    async def Unsubscribe(self, call: Call, params: Json) -> Json:
        """Nothing where there is none."""
        arn = params["SubscriptionArn"]
        id = f"{name_of(arn)}/{arn.rpartition(':')[2]}"

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(SUBSCRIPTION, id) is not None:
                sheet.delete(SUBSCRIPTION, id)
            return {}

        return await self._book.edit(call, work)

    async def ListSubscriptions(self, call: Call, params: Json) -> Json:
        """All, a hundred at a time."""
        return await self._list("", params)

    async def ListSubscriptionsByTopic(self, call: Call, params: Json) -> Json:
        """A topic's, a hundred at a time."""
        await self._book.read(lambda sheet: topic(sheet, params["TopicArn"]))
        return await self._list(f"{name_of(params['TopicArn'])}/", params)

    async def _list(self, prefix: str, params: Json) -> Json:
        found: list[Json] = []
        last = ""
        scan = self._book.store.scan(SUBSCRIPTION, prefix, params.get("NextToken") or "")
        async for document in scan:
            if len(found) == 100:
                return {"Subscriptions": found, "NextToken": last}
            each = msgspec.json.decode(document.body, type=SubscriptionRecord)
            found.append(
                {
                    "SubscriptionArn": "PendingConfirmation" if each.token else each.arn,
                    "Owner": each.owner,
                    "Protocol": each.protocol,
                    "Endpoint": each.endpoint,
                    "TopicArn": each.topic,
                }
            )
            last = document.id
        return {"Subscriptions": found}

    async def GetSubscriptionAttributes(self, call: Call, params: Json) -> Json:
        """All of them."""
        _, each = await self._book.read(lambda sheet: _find(sheet, params["SubscriptionArn"]))
        return {
            "Attributes": {
                "SubscriptionArn": each.arn,
                "TopicArn": each.topic,
                "Protocol": each.protocol,
                "Endpoint": each.endpoint,
                "Owner": each.owner,
                "PendingConfirmation": str(bool(each.token)).lower(),
                "ConfirmationWasAuthenticated": "true",
                "RawMessageDelivery": "false",
                **each.attributes,
            }
        }

    async def SetSubscriptionAttributes(self, call: Call, params: Json) -> Json:
        """One of them; an empty value removes it."""
        name, value = params["AttributeName"], params.get("AttributeValue") or ""
        if value:
            _check_attribute(name, value)

        async def work(sheet: Sheet) -> Json:
            id, each = await _find(sheet, params["SubscriptionArn"])
            given = {**each.attributes, name: value}
            attributes = {key: v for key, v in given.items() if v}
            sheet.put(
                SUBSCRIPTION, id, structs.asdict(structs.replace(each, attributes=attributes))
            )
            return {}

        return await self._book.edit(call, work)


async def _find(sheet: Sheet, arn: str) -> tuple[str, SubscriptionRecord]:
    id = f"{name_of(arn)}/{arn.rpartition(':')[2]}"
    found = await sheet.get(SUBSCRIPTION, id)
    if found is None:
        raise no_subscription()
    return id, msgspec.convert(found, SubscriptionRecord)


def _confirmation(call: Call, made: SubscriptionRecord) -> Notice:
    host = call.request.headers.get("host") or "localhost"
    url = (
        f"{call.request.peer.scheme}://{host}/?Action=ConfirmSubscription"
        f"&TopicArn={quote(made.topic, safe='')}&Token={made.token}"
    )
    text = (
        f"You have chosen to subscribe to the topic {made.topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    return Notice(
        str(uuid4()), "SubscriptionConfirmation", made.topic, text, time.time(),
        token=made.token, url=url,
    )  # fmt: skip


def _check_endpoint(protocol: str, endpoint: str) -> None:
    fits = {
        "http": lambda: urlsplit(endpoint).scheme == "http" and urlsplit(endpoint).hostname,
        "https": lambda: urlsplit(endpoint).scheme == "https" and urlsplit(endpoint).hostname,
        "lambda": lambda: endpoint.startswith("arn:") and ":function:" in endpoint,
        "sqs": lambda: endpoint.startswith("arn:") and endpoint.count(":") == 5,
    }
    if protocol not in fits:
        raise invalid(f"Protocol Reason: {protocol} is not supported here; {', '.join(fits)} are")
    try:
        good = fits[protocol]()
    except ValueError:
        good = False
    if not good:
        raise invalid(f"Endpoint Reason: {endpoint} is not one of the protocol {protocol}")


def _check_attribute(name: str, value: str) -> None:
    if name == "FilterPolicy":
        compile_policy(value)
    elif name == "FilterPolicyScope":
        if value not in ("MessageAttributes", "MessageBody"):
            raise invalid("FilterPolicyScope: Invalid value")
    elif name == "RawMessageDelivery":
        if value.lower() not in ("true", "false"):
            raise invalid("Attributes Reason: RawMessageDelivery: Invalid value")
    elif name == "RedrivePolicy":
        try:
            msgspec.json.decode(value, type=dict[str, str])["deadLetterTargetArn"].split(":")[5]
        except (msgspec.MsgspecError, KeyError, IndexError):
            raise invalid("RedrivePolicy: failed to parse JSON.") from None
    else:
        raise invalid(f"AttributeName: {name} is not supported here")
