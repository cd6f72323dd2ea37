"""Operations on log groups and streams. Source: Amazon CloudWatch Logs API Reference."""

import re
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from torana.services.given import items, members
from torana.services.logs.faults import invalid, no_group, no_stream, there_is
from torana.services.ports import Call
from torana.telemetry import log_catalog as catalog
from torana.telemetry.log_catalog import Group, Stream
from torana.telemetry.logbook import LogBook
from torana.wire.faults import ServiceError

Json = dict[str, Any]
Db = sqlite3.Connection
_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_MOST = 100_000
_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
     3288, 3653}
)  # fmt: skip
Record = Callable[[Call, str, Json], Awaitable[None]]
"""Leaves a change in the audit: what was changed, and how."""


def name_of(params: Json) -> str:
    """The group that a call is about, by its name or its ARN. Raises the service's error."""
    given = params.get("logGroupName") or params.get("logGroupIdentifier")
    if not given or (params.get("logGroupName") and params.get("logGroupIdentifier")):
        raise invalid("Exactly one of logGroupName and logGroupIdentifier is needed")
    return plain(given)


def plain(name: str) -> str:
    """A group's name from its name or its ARN."""
    return name.partition(":log-group:")[2].removesuffix(":*") or name


def find(db: Db, name: str) -> Group:
    """Raises the service's error."""
    found = catalog.group(db, name)
    if found is None:
        raise no_group()
    return found


def find_stream(db: Db, group: Group, name: str) -> Stream:
    """Raises the service's error."""
    found = catalog.stream(db, group.id, name)
    if found is None:
        raise no_stream()
    return found


class Groups:
    """The operations. `changed` is told that filters may be gone."""

    def __init__(
        self, book: LogBook, record: Record, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self._book, self._record, self._changed = book, record, changed

    def _now(self) -> int:
        return int(self._book.clock() * 1000)

    async def CreateLogGroup(self, call: Call, params: Json) -> Json:
        """An empty one."""
        name = params["logGroupName"]
        if not _NAME.fullmatch(name):
            raise invalid("1 validation error detected: Value at 'logGroupName' is invalid")
        kind = params.get("logGroupClass") or "STANDARD"
        if kind != "STANDARD" or params.get("kmsKeyId"):
            raise invalid("Log groups here are of the class STANDARD, without a KMS key")
        config = {"tags": members(params, "tags")}
        if params.get("deletionProtectionEnabled"):
            config["protected"] = {"": "true"}

        def work(db: Db) -> None:
            if len(catalog.groups(db)) >= _MOST:
                raise ServiceError("LimitExceededException", "Resource limit exceeded.")
            if catalog.make_group(db, name, self._now(), config) is None:
                raise there_is("log group")

        await self._book.write(work)
        await self._record(call, name, config)
        return {}

    async def DeleteLogGroup(self, call: Call, params: Json) -> Json:
        """With everything in it."""
        name = params["logGroupName"]

        def work(db: Db) -> None:
            found = find(db, name)
            if found.config.get("protected"):
                raise ServiceError(
                    "OperationAbortedException", "The log group is protected from deletion"
                )
            catalog.drop_group(db, found.id)

        await self._book.write(work)
        await self._changed()
        await self._record(call, name, {})
        return {}

    async def PutLogGroupDeletionProtection(self, call: Call, params: Json) -> Json:
        """Protect a group, or do so no more."""
        on = {"": "true"} if params["deletionProtectionEnabled"] else {}
        return await self.set(call, name_of(params), protected=on)

    async def PutRetentionPolicy(self, call: Call, params: Json) -> Json:
        """Keep events for so many days."""
        days = params["retentionInDays"]
        if days not in _DAYS:
            raise invalid(
                f"Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must "
                f"satisfy enum value set: {sorted(_DAYS)}"
            )
        return await self.set(call, params["logGroupName"], retention=days)

    async def DeleteRetentionPolicy(self, call: Call, params: Json) -> Json:
        """Keep events until there is no room."""
        return await self.set(call, params["logGroupName"], retention=0)

    async def set(
        self, call: Call, name: str, retention: int | None = None, **config: dict[str, str]
    ) -> Json:
        """Change settings of a group. Raises the service's error."""

        def work(db: Db) -> Json:
            found = find(db, name)
            kept = {**found.config, **config}
            days = found.retention if retention is None else retention
            catalog.change_group(db, found.id, retention=days, config=kept)
            return {**kept, "retention": days}

        await self._record(call, name, await self._book.write(work))
        return {}

    async def DescribeLogGroups(self, call: Call, params: Json) -> Json:
        """By prefix or pattern, in pages."""
        prefix, pattern = params.get("logGroupNamePrefix"), params.get("logGroupNamePattern")
        if prefix and pattern:
            raise invalid("logGroupNamePrefix and logGroupNamePattern exclude each other")
        wanted = {plain(each) for each in items(params, "logGroupIdentifiers")}

        def work(db: Db) -> tuple[list[Group], dict[int, int]]:
            counts: dict[int, int] = {}
            for group, _, _ in catalog.filters(db, "metric"):
                counts[group] = counts.get(group, 0) + 1
            return catalog.groups(db, params.get("nextToken") or ""), counts

        groups, counts = await self._book.read(work)
        found = [
            each
            for each in groups
            if each.name.startswith(prefix or "")
            and (pattern or "").lower() in each.name.lower()
            and (not wanted or each.name in wanted)
        ]
        most = params.get("limit") or 50
        answer: Json = {"logGroups": [_shown(call, g, counts.get(g.id, 0)) for g in found[:most]]}
        if len(found) > most:
            answer["nextToken"] = found[most - 1].name
        return answer

    async def ListLogGroups(self, call: Call, params: Json) -> Json:
        """By a pattern that may be tied to the beginning (`^`)."""
        pattern = params.get("logGroupNamePattern") or ""
        start, parts = pattern.startswith("^"), pattern.lstrip("^").split("|")
        groups = await self._book.read(lambda db: catalog.groups(db, params.get("nextToken") or ""))
        found = [
            each
            for each in groups
            if any(each.name.startswith(p) if start else p in each.name for p in parts)
        ]
        most = params.get("limit") or 50
        shown = [
            {"logGroupName": g.name, "logGroupArn": arn(call, g.name), "logGroupClass": "STANDARD"}
            for g in found[:most]
        ]
        answer: Json = {"logGroups": shown}
        if len(found) > most:
            answer["nextToken"] = found[most - 1].name
        return answer

    async def CreateLogStream(self, call: Call, params: Json) -> Json:
        """An empty one."""
        name = params["logStreamName"]

        def work(db: Db) -> None:
            group = find(db, params["logGroupName"])
            if catalog.make_stream(db, group.id, name, self._now()) is None:
                raise there_is("log stream")

        await self._book.write(work)
        return {}

    async def DeleteLogStream(self, call: Call, params: Json) -> Json:
        """With its events."""

        def work(db: Db) -> None:
            group = find(db, params["logGroupName"])
            catalog.drop_stream(db, find_stream(db, group, params["logStreamName"]).id)

        await self._book.write(work)
        return {}

    async def DescribeLogStreams(self, call: Call, params: Json) -> Json:
        """By name or by the time of the last event, in pages."""
        group_name, prefix = name_of(params), params.get("logStreamNamePrefix") or ""
        by_time = params.get("orderBy") == "LastEventTime"
        if by_time and prefix:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        streams = await self._book.read(lambda db: catalog.streams(db, find(db, group_name).id))
        found = [each for each in streams if each.name.startswith(prefix)]
        found.sort(
            key=lambda each: (each.last or 0, each.name) if by_time else (0, each.name),
            reverse=bool(params.get("descending")),
        )
        token, most = params.get("nextToken"), params.get("limit") or 50
        start = int(token) if token and token.isdigit() and len(token) < 12 else 0
        own = f"{arn(call, group_name)}:log-stream:"
        answer: Json = {"logStreams": [_stream(own, each) for each in found[start : start + most]]}
        if len(found) > start + most:
            answer["nextToken"] = str(start + most)
        return answer

    async def TagResource(self, call: Call, params: Json) -> Json:
        """Add tags."""
        return await self._tag(call, plain(params["resourceArn"]), params["tags"], ())

    async def UntagResource(self, call: Call, params: Json) -> Json:
        """Remove tags."""
        return await self._tag(call, plain(params["resourceArn"]), {}, params["tagKeys"])

    async def TagLogGroup(self, call: Call, params: Json) -> Json:
        """The old form of `TagResource`."""
        return await self._tag(call, params["logGroupName"], params["tags"], ())

    async def UntagLogGroup(self, call: Call, params: Json) -> Json:
        """The old form of `UntagResource`."""
        return await self._tag(call, params["logGroupName"], {}, params["tags"])

    async def _tag(self, call: Call, name: str, add: dict[str, str], drop: Any) -> Json:
        group = await self._book.read(lambda db: find(db, name))
        kept = {**members(group.config, "tags"), **add}
        return await self.set(call, name, tags={k: v for k, v in kept.items() if k not in drop})

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        """All of them."""
        group = await self._book.read(lambda db: find(db, plain(params["resourceArn"])))
        return {"tags": members(group.config, "tags")}

    async def ListTagsLogGroup(self, call: Call, params: Json) -> Json:
        """The old form of `ListTagsForResource`."""
        group = await self._book.read(lambda db: find(db, params["logGroupName"]))
        return {"tags": members(group.config, "tags")}


def arn(call: Call, name: str) -> str:
    """A group's ARN."""
    return f"arn:aws:logs:{call.region}:{call.principal.account}:log-group:{name}"


def _shown(call: Call, group: Group, filters: int) -> Json:
    shown: Json = {
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": filters,
        "arn": f"{arn(call, group.name)}:*",
        "logGroupArn": arn(call, group.name),
        "storedBytes": group.bytes,
        "logGroupClass": "STANDARD",
        "deletionProtectionEnabled": bool(group.config.get("protected")),
    }
    if "protection" in group.config:
        on = bool(group.config["protection"])
        shown["dataProtectionStatus"] = "ACTIVATED" if on else "DELETED"
    if group.retention:
        shown["retentionInDays"] = group.retention
    return shown


def _stream(prefix: str, stream: Stream) -> Json:
    found: Json = {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first,
        "lastEventTimestamp": stream.last,
        "lastIngestionTime": stream.ingested,
        "uploadSequenceToken": str(stream.id),
        "arn": prefix + stream.name,
        "storedBytes": 0,
    }
    return {name: value for name, value in found.items() if value is not None}
