"""Operations on topics. Source: Amazon SNS API Reference."""

import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import structs

from torana.auth.policy import MalformedPolicy, parse
from torana.services.apigateway.book import Book, Sheet
from torana.services.given import items, members
from torana.services.ports import Call
from torana.services.sns.faults import invalid, no_topic
from torana.services.sns.records import SUBSCRIPTION, TOPIC, SubscriptionRecord, TopicRecord

Json = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_KEPT = frozenset({"DisplayName", "Policy", "DeliveryPolicy"})


def name_of(arn: str) -> str:
    """A topic's name, or a subscription's topic's. Raises the service's error."""
    parts = arn.split(":")
    if len(parts) < 6 or parts[2] != "sns" or not parts[5]:
        raise invalid("TopicArn Reason: An ARN must have at least 6 elements, not 1")
    return parts[5]


async def topic(sheet: Sheet, arn: str) -> TopicRecord:
    """Raises the service's error where there is none."""
    found = await sheet.get(TOPIC, name_of(arn))
    if found is None or found["arn"] != arn:
        raise no_topic()
    return msgspec.convert(found, TopicRecord)


async def subscriptions(
    sheet: Sheet, name: str = ""
) -> AsyncIterator[tuple[str, SubscriptionRecord]]:
    """Of a topic, or all."""
    async for id, each in sheet.scan(SUBSCRIPTION, f"{name}/" if name else ""):
        yield id, msgspec.convert(each, SubscriptionRecord)


class Topics:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateTopic(self, call: Call, params: Json) -> Json:
        """A topic; the same one again if it is there."""
        name, attributes = params["Name"], members(params, "Attributes")
        if name.endswith(".fifo") or attributes.get("FifoTopic") == "true":
            raise invalid("Name Reason: FIFO topics are not supported here")
        if not _NAME.fullmatch(name):
            raise invalid("Topic Name")
        for key in attributes:
            _check(key)
        checked(attributes.get("Policy") or "")
        tags = {each["Key"]: each["Value"] for each in items(params, "Tags")}
        arn = f"arn:aws:sns:{call.region}:{call.principal.account}:{name}"

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(TOPIC, name) is None:
                sheet.put(TOPIC, name, structs.asdict(TopicRecord(arn, attributes, tags)))
            return {"TopicArn": arn}

        return await self._book.edit(call, work)

    async def DeleteTopic(self, call: Call, params: Json) -> Json:
        """With its subscriptions; nothing where there is none."""
        name = name_of(params["TopicArn"])

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(TOPIC, name) is not None:
                sheet.delete(TOPIC, name)
                async for id, _ in subscriptions(sheet, name):
                    sheet.delete(SUBSCRIPTION, id)
            return {}

        return await self._book.edit(call, work)

    async def ListTopics(self, call: Call, params: Json) -> Json:
        """By name, a hundred at a time."""
        found: list[str] = []
        async for each in self._book.store.scan(TOPIC, after=params.get("NextToken") or ""):
            if len(found) == 100:
                shown = [{"TopicArn": arn} for arn in found]
                return {"Topics": shown, "NextToken": name_of(found[-1])}
            found.append(msgspec.json.decode(each.body)["arn"])
        return {"Topics": [{"TopicArn": arn} for arn in found]}

    async def GetTopicAttributes(self, call: Call, params: Json) -> Json:
        """Settings, and how many subscriptions there are."""

        async def work(sheet: Sheet) -> Json:
            found = await topic(sheet, params["TopicArn"])
            waiting = [bool(s.token) async for _, s in subscriptions(sheet, name_of(found.arn))]
            account = found.arn.split(":")[4]
            return {
                "Attributes": {
                    "TopicArn": found.arn,
                    "Owner": account,
                    "DisplayName": "",
                    "SubscriptionsConfirmed": str(waiting.count(False)),
                    "SubscriptionsPending": str(waiting.count(True)),
                    "SubscriptionsDeleted": "0",
                    **found.attributes,
                }
            }

        return await self._book.read(work)

    async def SetTopicAttributes(self, call: Call, params: Json) -> Json:
        """One of them."""
        name, value = params["AttributeName"], params.get("AttributeValue") or ""
        _check(name)
        if name == "Policy":
            checked(value)

        async def work(sheet: Sheet) -> Json:
            found = await topic(sheet, params["TopicArn"])
            attributes = {**found.attributes, name: value}
            kept = structs.replace(found, attributes=attributes)
            sheet.put(TOPIC, name_of(found.arn), structs.asdict(kept))
            return {}

        return await self._book.edit(call, work)

    async def TagResource(self, call: Call, params: Json) -> Json:
        """Add tags."""
        given = {each["Key"]: each["Value"] for each in params["Tags"]}

        async def work(sheet: Sheet) -> Json:
            found = await topic(sheet, params["ResourceArn"])
            kept = structs.replace(found, tags={**found.tags, **given})
            sheet.put(TOPIC, name_of(found.arn), structs.asdict(kept))
            return {}

        return await self._book.edit(call, work)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        """Remove tags."""

        async def work(sheet: Sheet) -> Json:
            found = await topic(sheet, params["ResourceArn"])
            left = {key: v for key, v in found.tags.items() if key not in params["TagKeys"]}
            kept = structs.replace(found, tags=left)
            sheet.put(TOPIC, name_of(found.arn), structs.asdict(kept))
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        """A topic's tags."""
        found = await self._book.read(lambda sheet: topic(sheet, params["ResourceArn"]))
        return {"Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()]}


def _check(name: str) -> None:
    if name not in _KEPT:
        raise invalid(f"AttributeName: {name} is not supported here")


def checked(policy: str) -> str:
    """A policy of a topic, asked by `torana.services.authority`; empty: none any more. Raises the
    service's error."""
    try:
        if policy:
            parse(policy, "resource")
    except MalformedPolicy as error:
        raise invalid(f"Policy Error: {error}") from None
    return policy
