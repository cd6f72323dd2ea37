"""Queries of Logs Insights: run beside everything else, their results kept for a while.

Source: Amazon CloudWatch Logs API Reference, StartQuery and GetQueryResults.
"""

import asyncio
import logging
from typing import Any
from uuid import uuid4

from torana.services.background import Background
from torana.services.given import items
from torana.services.logs.faults import invalid
from torana.services.logs.groups import Db, find, name_of, plain
from torana.services.logs.insights.functions import text
from torana.services.logs.insights.records import Fields
from torana.services.logs.insights.run import DEFAULT, Running
from torana.services.logs.protection import hiding, seeing
from torana.services.ports import Call
from torana.telemetry import log_catalog as catalog
from torana.telemetry.log_catalog import Group
from torana.telemetry.logbook import LogBook
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.logs")
Json = dict[str, Any]
_AT_ONCE = 30
_KEPT = 200
"""Queries whose results are kept."""
_TIMEOUT = 900.0
_SAMPLE = 1000


class Query:
    """One that was started."""

    def __init__(
        self, text: str, groups: list[Group], start: int, end: int, most: int, now: float
    ) -> None:
        """Raises the service's error for a query that cannot be read."""
        self.id, self.text, self.groups = str(uuid4()), text, groups
        self.start, self.end, self.created = start, end, now
        self.running = Running(text, most)
        self.status = "Running"
        self.stopped = False
        self.rows: list[list[Json]] = []


class Queries:
    """The operations."""

    def __init__(self, book: LogBook, background: Background, account: str) -> None:
        self._book, self._background, self._account = book, background, account
        self._queries: dict[str, Query] = {}

    async def StartQuery(self, call: Call, params: Json) -> Json:
        """Begin one."""
        if params.get("queryLanguage") not in (None, "CWLI"):
            raise invalid("Only queries in CWLI are supported here")
        names = [plain(each) for each in items(params, "logGroupNames")]
        names += [plain(each) for each in items(params, "logGroupIdentifiers")]
        names += [params["logGroupName"]] if params.get("logGroupName") else []
        if not names or len(names) > 50:
            raise invalid("1 to 50 log groups are needed")
        groups = await self._book.read(lambda db: [find(db, name) for name in dict.fromkeys(names)])
        start, end = params["startTime"], params["endTime"]
        if start > end:
            raise invalid("startTime must not be after endTime")
        under_way = sum(each.status == "Running" for each in self._queries.values())
        if under_way >= _AT_ONCE:
            raise ServiceError("LimitExceededException", "Too many queries are under way.")
        most = params.get("limit") or DEFAULT
        query = Query(params["queryString"], groups, start, end, most, self._book.clock())
        while len(self._queries) >= _KEPT:
            del self._queries[next(iter(self._queries))]
        self._queries[query.id] = query
        self._background.start(self._run(query), "a query of logs")
        return {"queryId": query.id}

    async def _run(self, query: Query) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                for group in query.groups:
                    await self._scan(query, group)
                await asyncio.to_thread(query.running.end)
                query.rows = await asyncio.to_thread(query.running.results)
                query.status = "Cancelled" if query.stopped else "Complete"
        except TimeoutError:
            query.status = "Timeout"
        except Exception:  # noqa: BLE001  a fault in one query stays there
            _log.exception("the query %r failed", query.text[:200])
            query.status = "Failed"

    async def _scan(self, query: Query, group: Group) -> None:
        """The newest events first."""
        log, after = f"{self._account}:{group.name}", None
        hide = hiding(group)
        end = query.end * 1000 + 999 if query.end < 1e11 else query.end
        start = query.start * 1000 if query.start < 1e11 else query.start
        while not query.stopped and not query.running.done:
            page = await self._book.page(group.id, [], start, end, after=after, backward=True)
            if not page:
                return
            after = page[-1].at, page[-1].id
            await asyncio.to_thread(lambda: query.running.feed(hide(page), log))

    async def GetQueryResults(self, call: Call, params: Json) -> Json:
        """As far as it is."""
        query = self._find(params["queryId"])
        running = query.running
        token, most = params.get("nextToken"), params.get("maxItems") or len(query.rows)
        start = int(token) if token and token.isdigit() and len(token) < 12 else 0
        answer: Json = {
            "queryLanguage": "CWLI",
            "results": query.rows[start : start + most],
            "statistics": {
                "recordsMatched": float(running.matched),
                "recordsScanned": float(running.scanned),
                "bytesScanned": float(running.bytes),
                "logGroupsScanned": float(len(query.groups)),
                "estimatedRecordsSkipped": 0.0,
                "estimatedBytesSkipped": 0.0,
                "resultCount": float(len(query.rows)),
            },
            "status": query.status,
        }
        if len(query.rows) > start + most:
            answer["nextToken"] = str(start + most)
        return answer

    def _find(self, id: str) -> Query:
        found = self._queries.get(id)
        if found is None:
            raise ServiceError("ResourceNotFoundException", "Query does not exist")
        return found

    async def StopQuery(self, call: Call, params: Json) -> Json:
        """End one that is under way."""
        query = self._find(params["queryId"])
        if query.status != "Running":
            raise invalid("Query is not running")
        query.stopped = True
        return {"success": True}

    async def DescribeQueries(self, call: Call, params: Json) -> Json:
        """The last ones, the newest first."""
        name, status = params.get("logGroupName"), params.get("status")
        found = [
            {
                "queryId": each.id,
                "queryString": each.text,
                "queryLanguage": "CWLI",
                "status": each.status,
                "createTime": int(each.created * 1000),
                "logGroupName": each.groups[0].name,
            }
            for each in reversed(self._queries.values())
            if status in (None, each.status)
            and name in (None, *(group.name for group in each.groups))
        ]
        return {"queries": found[: params.get("maxResults") or 1000]}

    async def GetLogRecord(self, call: Call, params: Json) -> Json:
        """All fields of the event that a result's `@ptr` leads to."""
        pointer = params["logRecordPointer"]

        id = int(pointer) if pointer.isdigit() and len(pointer) < 19 else -1
        found = await self._book.event(id)
        if found is None:
            raise ServiceError("ResourceNotFoundException", "The log record does not exist")
        event, name = found
        group = await self._book.read(lambda db: find(db, name))
        [event] = seeing(call, group, params)([event])
        fields = Fields(event, f"{self._account}:{name}", pointer)
        fields.open()
        return {"logRecord": {name: text(value) for name, value in fields.items()}}

    async def GetLogGroupFields(self, call: Call, params: Json) -> Json:
        """In how many of the last events there is which field."""
        group = await self._book.read(lambda db: find(db, name_of(params)))
        events = await self._book.page(group.id, [], 0, 1 << 53, backward=True, most=_SAMPLE)
        counts: dict[str, int] = {}
        for event in events:
            fields = Fields(event, "", "")
            fields.open()
            for name in fields:
                counts[name] = counts.get(name, 0) + 1
        return {
            "logGroupFields": [
                {"name": name, "percent": round(100 * number / len(events))}
                for name, number in sorted(counts.items(), key=lambda each: -each[1])[:1000]
            ]
        }

    async def PutQueryDefinition(self, call: Call, params: Json) -> Json:
        """Keep a query under a name."""
        if params.get("queryLanguage") not in (None, "CWLI") or params.get("parameters"):
            raise invalid("Only queries in CWLI, without parameters, are supported here")
        id = params.get("queryDefinitionId") or str(uuid4())
        body = {
            "queryDefinitionId": id,
            "name": params["name"],
            "queryString": params["queryString"],
            "logGroupNames": items(params, "logGroupNames"),
            "lastModified": int(self._book.clock() * 1000),
            "queryLanguage": "CWLI",
        }

        def work(db: Db) -> None:
            had = catalog.put_definition(db, id, body)
            if params.get("queryDefinitionId") and not had:
                raise ServiceError("ResourceNotFoundException", "Query definition not found")

        await self._book.write(work)
        return {"queryDefinitionId": id}

    async def DescribeQueryDefinitions(self, call: Call, params: Json) -> Json:
        """Kept queries, by name."""
        prefix = params.get("queryDefinitionNamePrefix") or ""
        found = await self._book.read(catalog.definitions)
        kept = sorted((e for e in found if e["name"].startswith(prefix)), key=lambda e: e["name"])
        return {"queryDefinitions": kept[: params.get("maxResults") or 1000]}

    async def DeleteQueryDefinition(self, call: Call, params: Json) -> Json:
        """Keep it no more."""
        id = params["queryDefinitionId"]
        if not await self._book.write(lambda db: catalog.put_definition(db, id, None)):
            raise ServiceError("ResourceNotFoundException", "Query definition not found")
        return {"success": True}
