"""CloudWatch Logs through boto3, on a real file."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import asyncio
import base64
import gzip
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from tests.services.serving import called, client, make_router, parts, serving
from torana.services.logs import Logs
from torana.services.logs.patterns import compile_pattern
from torana.telemetry.logbook import LogBook
from torana.telemetry.recorder import Recorder

NOW = 1_772_359_200.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Node:
    def __init__(self, port: int, book: LogBook, recorder: Recorder, clock: Clock) -> None:
        self.client, self.book = client("logs", port), book
        self.recorder, self.clock = recorder, clock
        self.invoked: list[dict[str, Any]] = []

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return await called(getattr(self.client, operation), **params)

    async def stream(self, group: str = "g", stream: str = "s") -> None:
        await self("create_log_group", logGroupName=group)
        await self("create_log_stream", logGroupName=group, logStreamName=stream)

    async def put(self, *texts: str, group: str = "g", stream: str = "s", at: int = 0) -> dict:
        """A text each second."""
        first = int(NOW * 1000) + at * 1000
        events = [{"timestamp": first + n * 1000, "message": t} for n, t in enumerate(texts)]
        return await self(
            "put_log_events", logGroupName=group, logStreamName=stream, logEvents=events
        )

    async def found(self, pattern: str = "", **params: Any) -> list[str]:
        found = await self("filter_log_events", logGroupName="g", filterPattern=pattern, **params)
        return [each["message"] for each in found["events"]]

    async def query(self, text: str, **params: Any) -> list[dict[str, str]]:
        began = await self(
            "start_query", logGroupName="g", queryString=text,
            startTime=int(NOW) - 3600, endTime=int(NOW) + 3600, **params,
        )  # fmt: skip
        end = time.monotonic() + 10
        while True:
            answer = await self("get_query_results", queryId=began["queryId"])
            if answer["status"] != "Running":
                assert answer["status"] == "Complete"
                return [
                    {cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"}
                    for row in answer["results"]
                ]
            assert time.monotonic() < end
            await asyncio.sleep(0.01)


@asynccontextmanager
async def logs(folder: Path, most_bytes: int = 1 << 30) -> AsyncGenerator[Node]:
    clock, recorder, plain = Clock(), Recorder(), parts()
    book = LogBook(folder / "logs.db", most_bytes, clock)
    await book.open()
    own = Logs(book, plain.store, recorder, plain.reach, plain.background, "000000000000")
    await own.hearing.load()
    async with serving(make_router(of=msgspec.structs.replace(plain, logs=own)).handle) as found:
        yield Node(found.port, book, recorder, clock)
    await plain.background.aclose()
    await book.close()


async def test_events_come_back_in_order_and_in_pages(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        await node.put(*(f"line {n}" for n in range(5)))
        own = {"logGroupName": "g", "logStreamName": "s"}
        last = await node("get_log_events", **own, limit=2)
        assert [each["message"] for each in last["events"]] == ["line 3", "line 4"]
        back = await node("get_log_events", **own, limit=2, nextToken=last["nextBackwardToken"])
        assert [each["message"] for each in back["events"]] == ["line 1", "line 2"]
        first = await node("get_log_events", **own, limit=3, startFromHead=True)
        rest = await node("get_log_events", **own, nextToken=first["nextForwardToken"])
        assert [each["message"] for each in rest["events"]] == ["line 3", "line 4"]
        end = await node("get_log_events", **own, nextToken=rest["nextForwardToken"])
        assert end["events"] == []
        assert end["nextForwardToken"] == rest["nextForwardToken"]


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        await asyncio.gather(*(node.put(f"line {n}") for n in range(20)))
    async with logs(tmp_path) as node:
        assert sorted(await node.found()) == sorted(f"line {n}" for n in range(20))


BAD_BATCHES: list[tuple[list[tuple[int, str]], str]] = [
    ([(5, "a"), (1, "b")], "chronological order"),
    ([(0, "a"), (90_000, "b")], "span more than 24"),
    ([(0, "x" * 600_000), (0, "x" * 600_000)], "Upload too large"),
]


async def test_batches_that_cannot_be_are_refused(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        for given, why in BAD_BATCHES:
            events = [{"timestamp": int((NOW + at) * 1000), "message": m} for at, m in given]
            with pytest.raises(ClientError, match=why):
                await node("put_log_events", logGroupName="g", logStreamName="s", logEvents=events)
        with pytest.raises(ClientError, match="log stream does not exist"):
            await node.put("x", stream="none")


async def test_events_too_old_or_too_new_are_named_and_left_out(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        answer = await node.put("fine", "too new", at=7200)
        assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
        answer = await node.put("too old", at=-15 * 86400)
        assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
        assert await node.found() == ["fine"]


EVENTS = {
    "json": '{"user": {"id": "ann"}, "status": 502, "tags": ["a", "b"], "ok": false, "x": null}',
    "access": '127.0.0.1 - frank [10/Oct/2025:13:25:15] "GET /index HTTP/1.0" 404 1534',
    "text": "[ERROR] code 419: Unauthorized access",
}
PATTERNS = [
    ("", {"json", "access", "text"}),
    ("ERROR", {"text"}),
    ('"code 419" Unauthorized', {"text"}),
    ("?ERROR ?frank", {"access", "text"}),
    ("ERROR -419", set()),
    ("%4[01]\\d%", {"access", "text"}),
    ("{ $.status = 502 }", {"json"}),
    ("{ $.status = 5* }", {"json"}),
    ("{ $.status >= 500 && $.user.id = a* }", {"json"}),
    ('{ ($.user.id = "bob") || ($.tags[1] = "b") }', {"json"}),
    ("{ $.ok IS FALSE && $.x IS NULL }", {"json"}),
    ("{ $.none NOT EXISTS && $.x EXISTS }", {"json"}),
    ("{ $.user.id != %^b% }", {"json"}),
    ("{ $.status < 500 }", set[str]()),
    ("[ip, id, user, at, request, status_code = 4*, bytes > 1000]", {"access"}),
    ("[..., status_code = 404 || status_code = 410, bytes]", {"access"}),
    ("[ip, id, user = frank && user != fr, ...]", {"access"}),
    ("[a, b]", set[str]()),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "matching"), PATTERNS)
def test_a_filter_pattern(pattern: str, matching: set[str]) -> None:
    found = compile_pattern(pattern)
    assert {name for name, text in EVENTS.items() if found(text)} == matching


async def test_a_group_is_filtered_page_by_page(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        await node("create_log_stream", logGroupName="g", logStreamName="t")
        await node.put(*(f"a {n}" for n in range(6)))
        await node.put(*(f"b {n}" for n in range(6)), stream="t")
        texts, token, pages = list[str](), {}, 0
        while True:
            found = await node(
                "filter_log_events", logGroupName="g", filterPattern="?a ?b", limit=5, **token
            )
            texts += [each["message"] for each in found["events"]]
            pages += 1
            if "nextToken" not in found:
                break
            token = {"nextToken": found["nextToken"]}
        assert (len(texts), pages) == (12, 3)
        assert texts[:2] == ["a 0", "b 0"]
        assert await node.found(logStreamNames=["t"], endTime=int(NOW * 1000) + 1000) == [
            "b 0", "b 1",
        ]  # fmt: skip
        assert len(await node.found(logStreamNamePrefix="s")) == 6


async def test_a_pattern_that_cannot_be_is_refused(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        for pattern in ("{ $.a = }", "{ $.a = 1", "[a, b", "%(%", "{ $.a > x }"):
            with pytest.raises(ClientError, match="Invalid"):
                await node.found(pattern)


INSIGHTS: list[tuple[str, list[dict[str, str]]]] = [
    (
        "fields @message | sort @timestamp desc | limit 1",
        [{"@message": '{"api": "b", "ms": 60, "user": {"id": "x"}}'}],
    ),
    (
        "stats count(*) as n, avg(ms), max(ms) as most by api | sort api",
        [
            {"api": "a", "n": "3", "avg(ms)": "20", "most": "30"},
            {"api": "b", "n": "3", "avg(ms)": "50", "most": "60"},
        ],
    ),
    ("filter ms > 20 and api = 'a' | display ms", [{"ms": "30"}]),
    ("filter api like /^b$/ | stats pct(ms, 50) as p50", [{"p50": "50"}]),
    ("stats count_distinct(user.id) as users", [{"users": "2"}]),
    (
        "stats sum(ms) by bin(2s) | sort bin(2s) desc | limit 1",
        [{"bin(2s)": "2026-03-01 10:00:04.000", "sum(ms)": "110"}],
    ),
    (
        'parse @message \'"api": "*", "ms": *,\' as name, time | filter time >= 50'
        " | fields name, time * 2 as twice | display name, twice | sort twice",
        [{"name": "b", "twice": "100"}, {"name": "b", "twice": "120"}],
    ),
    (
        r'parse @message /"ms": (?<took>\d+)/ | stats min(took) as least',
        [{"least": "10"}],
    ),
    ("fields api | sort api, ms desc | dedup api | display api, ms",
     [{"api": "a", "ms": "30"}, {"api": "b", "ms": "60"}]),
    ("filter ms in [10, 60] | fields concat(toupper(api), '-', ms) as key | display key | sort key",
     [{"key": "A-10"}, {"key": "B-60"}]),
    ("filter not ispresent(ms) or ms not like 0 | stats count(*) as n", [{"n": "0"}]),
    ("filter @logStream = 's' | stats latest(ms) as last, earliest(ms) as first",
     [{"last": "60", "first": "10"}]),
    ("filter (ms + 5) % 10 = 5 and strlen(api) = 1 | stats count(*)", [{"count(*)": "6"}]),
    ("stats count(*) as n by api | filter n > 100", []),
]  # fmt: skip


async def test_insights_queries(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        rows = [("a", 10, "x"), ("a", 20, "y"), ("a", 30, "x"), ("b", 40, "y"), ("b", 50, "x"),
                ("b", 60, "x")]  # fmt: skip
        await node.put(
            *(json.dumps({"api": api, "ms": ms, "user": {"id": id}}) for api, ms, id in rows)
        )
        for text, wanted in INSIGHTS:
            assert await node.query(text) == wanted, text


async def test_a_query_knows_the_platform_lines_of_functions(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        await node.put(
            "START RequestId: 1 Version: $LATEST",
            "REPORT RequestId: 1\tDuration: 12.50 ms\tBilled Duration: 13 ms\t"
            "Memory Size: 128 MB\tMax Memory Used: 40 MB\t",
        )
        found = await node.query(
            'filter @type = "REPORT" | stats max(@duration) as d,'
            " max(@memorySize / 1000 / 1000) as given, max(@maxMemoryUsed) / 1000 / 1000 as used,"
            " given - used as spare"
        )
        assert found == [{"d": "12.5", "given": "128", "used": "40", "spare": "88"}]


async def test_a_query_that_cannot_be_is_refused(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        for text in (
            "nonsense x", "filter", "stats ms", "limit 0", "fields nothing(a)", "fields sum(a)",
            "parse @message 'a*' as x, y", "filter a like /(/", "pattern @message",
        ):  # fmt: skip
            with pytest.raises(ClientError) as caught:
                await node.query(text)
            code = caught.value.response["Error"]["Code"]
            assert code in ("MalformedQueryException", "InvalidParameterException"), text


async def test_a_metric_filter_feeds_a_metric(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        await node(
            "put_metric_filter",
            logGroupName="g",
            filterName="slow",
            filterPattern="{ $.ms > 15 }",
            metricTransformations=[
                {
                    "metricName": "Slow", "metricNamespace": "Shop", "metricValue": "$.ms",
                    "dimensions": {"Api": "$.api"}, "unit": "Milliseconds",
                }
            ],
        )  # fmt: skip
        await node.put(*(json.dumps({"api": "a", "ms": ms}) for ms in (10, 20, 30)))
        [point] = node.recorder.take()
        assert (point.series.name, point.series.dimensions) == ("Slow", (("Api", "a"),))
        assert (point.values.count, point.values.total) == (2, 50)
        described = await node("describe_metric_filters", logGroupName="g")
        assert [each["filterName"] for each in described["metricFilters"]] == ["slow"]
        await node("delete_metric_filter", logGroupName="g", filterName="slow")
        await node.put(json.dumps({"api": "a", "ms": 99}), at=60)
        assert node.recorder.take() == []


async def test_a_pattern_is_tried_before_it_is_used(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        found = await node(
            "test_metric_filter",
            filterPattern="[ip, , , , , code = 404, size]",
            logEventMessages=[EVENTS["text"], EVENTS["access"]],
        )
        [match] = found["matches"]
        assert match["eventNumber"] == 2
        assert match["extractedValues"]["$code"] == "404"


async def test_a_subscription_packs_events_for_its_function(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        own = "arn:aws:lambda:eu-west-1:000000000000:function:f"
        await node(
            "put_subscription_filter",
            logGroupName="g", filterName="sub", filterPattern="ERROR", destinationArn=own,
        )  # fmt: skip
        hearing: Any = node.book.heard
        asked: list[Any] = []

        async def keep(service: str, request: Any, timeout: float = 0) -> Any:
            asked.append((service, request))
            raise ConnectionError("seen")

        hearing.__self__._reach.call = keep
        await node.put("fine", "ERROR one")
        end = time.monotonic() + 5
        while not asked:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        service, request = asked[0]
        assert service == "lambda"
        data = json.loads(request.body)["awslogs"]["data"]
        told = json.loads(gzip.decompress(base64.b64decode(data)))
        assert (told["logGroup"], told["subscriptionFilters"]) == ("g", ["sub"])
        assert [each["message"] for each in told["logEvents"]] == ["ERROR one"]


async def test_old_events_go_by_the_groups_retention(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        await node.put("old", at=-2 * 86400)
        await node.put("new")
        await node("put_retention_policy", logGroupName="g", retentionInDays=1)
        await node.book.tidy()
        assert await node.found() == ["new"]
        [group] = (await node("describe_log_groups"))["logGroups"]
        assert (group["retentionInDays"], group["storedBytes"]) == (1, 3 + 26)


async def test_a_full_file_lets_the_oldest_events_go(tmp_path: Path) -> None:
    async with logs(tmp_path, most_bytes=1 << 20) as node:
        for number in range(30):
            events = [(int(NOW * 1000) + number, "x" * 1000) for _ in range(100)]
            await node.book.put([("g", "s", events)])
        await node.book.put([("g", "s", [(int(NOW * 1000) + 99, "the newest")])])
        await node.book.tidy()
        assert (await node.found(startFromHead=False))[0] == "the newest"
        assert (tmp_path / "logs.db").stat().st_size < 2 << 20


async def test_groups_streams_and_tags_are_managed(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream("/a/one", "s1")
        await node("create_log_group", logGroupName="/b/two", tags={"team": "x"})
        with pytest.raises(ClientError, match="already exists"):
            await node("create_log_group", logGroupName="/a/one")
        found = await node("describe_log_groups", logGroupNamePrefix="/a")
        assert [each["logGroupName"] for each in found["logGroups"]] == ["/a/one"]
        await node.put("x", group="/a/one", stream="s1")
        [stream] = (await node("describe_log_streams", logGroupName="/a/one"))["logStreams"]
        assert stream["lastEventTimestamp"] == int(NOW * 1000)
        arn = "arn:aws:logs:eu-west-1:000000000000:log-group:/b/two"
        await node("tag_resource", resourceArn=arn, tags={"env": "dev"})
        await node("untag_resource", resourceArn=arn, tagKeys=["team"])
        assert (await node("list_tags_for_resource", resourceArn=arn))["tags"] == {"env": "dev"}
        await node("delete_log_group", logGroupName="/a/one")
        with pytest.raises(ClientError, match="log group does not exist"):
            await node.put("x", group="/a/one", stream="s1")
