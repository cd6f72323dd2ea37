"""Who else may use a topic: statements of its policy. Source: Amazon SNS API Reference."""

from collections.abc import Callable
from typing import Any, cast

import msgspec
from msgspec import structs

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.services.sns.faults import invalid
from torana.services.sns.records import TOPIC
from torana.services.sns.topics import checked, name_of, topic

Json = dict[str, Any]


class Permissions:
    """The operations. The whole policy is an attribute of the topic."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def AddPermission(self, call: Call, params: Json) -> Json:
        """A statement that lets accounts do something."""
        arn, label = params["TopicArn"], params["Label"]
        accounts, actions = params["AWSAccountId"], params["ActionName"]
        added = {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{each}:root" for each in accounts]},
            "Action": [f"SNS:{each}" for each in actions],
            "Resource": arn,
        }

        def change(statements: list[Json]) -> list[Json]:
            if any(each.get("Sid") == label for each in statements):
                raise invalid("Statement already exists")
            return [*statements, added]

        return await self._change(call, arn, change)

    async def RemovePermission(self, call: Call, params: Json) -> Json:
        """The statement of a label, where there is one."""
        label = params["Label"]

        def change(statements: list[Json]) -> list[Json]:
            return [each for each in statements if each.get("Sid") != label]

        return await self._change(call, params["TopicArn"], change)

    async def _change(
        self, call: Call, arn: str, change: Callable[[list[Json]], list[Json]]
    ) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await topic(sheet, arn)
            text = found.attributes.get("Policy")
            policy: Json = msgspec.json.decode(text) if text else {"Version": "2012-10-17"}
            given: Any = policy.get("Statement") or []
            statements = change(cast(list[Json], given) if isinstance(given, list) else [given])
            kept = dict(found.attributes)
            kept.pop("Policy", None)
            if statements:
                changed = msgspec.json.encode({**policy, "Statement": statements}).decode()
                kept["Policy"] = checked(changed)
            sheet.put(TOPIC, name_of(arn), structs.asdict(structs.replace(found, attributes=kept)))
            return {}

        return await self._book.edit(call, work)
