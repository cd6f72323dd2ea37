"""What a node observes, sent on to an OpenTelemetry collector that decodes it."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from tests.builders import serving
from tests.services.apigateway.making import Asking, Running, gateway
from torana.app.llm_meter import llm_meter
from torana.llm.spend import Spent
from torana.message import Headers, Reply, Request, read
from torana.settings import Otlp
from torana.telemetry.distribution import of
from torana.telemetry.journal import Journal
from torana.telemetry.otlp import Gathering, Temporality
from torana.telemetry.recorder import Point, Recorder, Series, dimensions

LATENCY = Series("Test", "Latency", dimensions(Api="a"), "Milliseconds")
CALLS = Series("Test", "Calls", (), "Count")
TEMPORALITIES: tuple[Temporality, ...] = ("cumulative", "delta")
KINDS: dict[str, Callable[[], Message]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector:
    """Takes what it is sent, once it has been away for a few requests."""

    def __init__(self, away: int = 0, status: int = 503) -> None:
        self.away, self.status = away, status
        self.asked: list[Request] = []
        self.got: dict[str, list[Any]] = {each: [] for each in KINDS}

    async def __call__(self, request: Request) -> Reply:
        body = await read(request.body, 1 << 24)
        self.asked.append(request)
        place = request.target.removeprefix("/base")
        if self.away:
            self.away -= 1
            return Reply(self.status, Headers(), b"")
        if request.headers.get("content-type") == "application/json":
            self.got[place].append(json.loads(body))
        else:
            message = KINDS[place]()
            message.ParseFromString(body)
            self.got[place].append(message)
        return Reply(200, Headers(), b"")

    async def until(self, fits: Callable[[], bool]) -> None:
        for _ in range(1000):
            if fits():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(self.got)

    def metrics(self) -> dict[str, Metric]:
        """The last of each name."""
        return {
            metric.name: metric
            for message in self.got["/v1/metrics"]
            for metric in message.resource_metrics[0].scope_metrics[0].metrics
        }


def document(folder: Path) -> str:
    integration = {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200"}},
    }
    log = {
        "destinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:access",
        "format": "$context.requestId $context.status",
    }
    path = folder / "pets.json"
    get: dict[str, Any] = {"responses": {"200": {}}, "x-amazon-apigateway-integration": integration}
    api: dict[str, Any] = {
        "openapi": "3.0.1",
        "info": {"title": "pets", "version": "1"},
        "x-torana-stage": {"name": "prod", "accessLogSettings": log, "tracingEnabled": True},
        "paths": {"/pets": {"get": get}},
    }
    path.write_text(json.dumps(api))
    return str(path)


async def put_secret(logs: Asking) -> None:
    """An event of a group whose addresses are masked."""
    found = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
    policy: dict[str, Any] = {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {"DataIdentifier": found, "Operation": {"Audit": {"FindingsDestination": {}}}},
            {"DataIdentifier": found, "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
    place = {"logGroupName": "own", "logStreamName": "s"}
    await logs.create_log_group(logGroupName="own")
    await logs.create_log_stream(**place)
    await logs.put_data_protection_policy(
        logGroupIdentifier="own", policyDocument=json.dumps(policy)
    )
    event = {"timestamp": int(time.time() * 1000), "message": "mail ann@example.com"}
    await logs.put_log_events(**place, logEvents=[event])


async def ask(running: Running, times: int) -> None:
    url = f"{running.door}/restapis/pets/prod/_user_request_/pets"
    fields = {"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678;Sampled=1"}
    async with httpx.AsyncClient(headers=fields) as client:
        for _ in range(times):
            await client.get(url)


async def test_metrics_logs_and_traces_arrive_although_the_collector_was_away(
    tmp_path: Path,
) -> None:
    collector = Collector(away=3)
    async with serving(collector) as beyond:
        otlp = Otlp(
            f"http://127.0.0.1:{beyond.port}/base",
            {"authorization": "env:KEY"},
            metrics_seconds=0.2,
            attributes={"deployment.environment.name": "test"},
        )
        data, apis, key = tmp_path / "data", (document(tmp_path),), {"KEY": "k"}
        async with gateway(data, environment=key, apis=apis, otlp=otlp) as running:
            await put_secret(Asking(running.client("logs")))
            await ask(running, 5)
            await collector.until(lambda: all(collector.got.values()))
            await collector.until(lambda: "AWS/ApiGateway/Count" in collector.metrics())
        assert {each.headers.get("authorization") for each in collector.asked} == {"k"}

        count = collector.metrics()["AWS/ApiGateway/Count"]
        points = {
            tuple(sorted((each.key, each.value.string_value) for each in point.attributes)): point
            for point in count.sum.data_points
        }
        assert points[("ApiName", "pets"),].as_double == 5
        assert count.sum.is_monotonic
        latency = collector.metrics()["AWS/ApiGateway/Latency"]
        assert latency.unit == "ms"
        assert latency.exponential_histogram.data_points[0].count == 5
        assert "torana.connections_open" in collector.metrics()

        texts = [
            record.body.string_value
            for message in collector.got["/v1/logs"]
            for record in message.resource_logs[0].scope_logs[0].log_records
            if record.attributes[0].value.array_value.values[0].string_value == "access"
        ]
        assert [text.split()[1] for text in texts] == ["200"] * 5
        assert "mail ***************" in {
            record.body.string_value
            for message in collector.got["/v1/logs"]
            for record in message.resource_logs[0].scope_logs[0].log_records
        }
        about = collector.got["/v1/logs"][0].resource_logs[0].resource.attributes
        assert ("deployment.environment.name", "test") in [
            (each.key, each.value.string_value) for each in about
        ]
        spans = collector.got["/v1/traces"][0].resource_spans[0].scope_spans[0].spans
        assert spans[0].trace_id.hex() == "67891233abcdef012345678912345678"


def test_a_request_of_a_model_is_an_event_too() -> None:
    journal, recorder = Journal(), Recorder()
    llm_meter(recorder, journal).note(Spent(5.0, "dev", "fast", "up", "gpt", 200, 7, 9))
    recorder.take()
    [(group, _, [(at, text)])] = journal.take()
    assert (group, at) == ("/torana/llm", 5000)
    assert {"key": "dev", "model": "fast", "input": 7, "output": 9}.items() <= json.loads(
        text
    ).items()


def test_cumulative_values_go_on_and_deltas_begin_anew() -> None:
    now = [100.0]
    both = {each: Gathering(each, 10, lambda: now[0]) for each in TEMPORALITIES}
    totals: dict[str, list[float]] = {each: [] for each in TEMPORALITIES}
    for _ in range(2):
        now[0] += 10
        for name, gathering in both.items():
            gathering.add([Point(CALLS, 0, of([1.0, 1.0]))])
            message = gathering.take({}, {}, {})
            assert message is not None
            [metric] = message.resource_metrics[0].scope_metrics[0].metrics
            [point] = metric.sum.data_points
            totals[name].append(point.as_double)
            assert point.time_unix_nano == int(now[0] * 1e9)
            began = 100 if name == "cumulative" else now[0] - 10
            assert point.start_time_unix_nano == int(began * 1e9)
    assert totals == {"cumulative": [2.0, 4.0], "delta": [2.0, 2.0]}
    assert both["delta"].take({}, {}, {}) is None


def test_a_histogram_has_each_value_in_its_bucket() -> None:
    gathering = Gathering("delta", 10)
    gathering.add([Point(LATENCY, 0, of([0.0, 1.5, 1.5, 250.0, -2.0]))])
    message = gathering.take({}, {}, {})
    assert message is not None
    [point] = (
        message.resource_metrics[0].scope_metrics[0].metrics[0].exponential_histogram.data_points
    )
    assert (point.count, point.sum, point.min, point.max) == (5, 251.0, -2.0, 250.0)
    assert point.zero_count == 1
    base = 2 ** (2**-point.scale)
    found = {
        index + point.positive.offset: count
        for index, count in enumerate(point.positive.bucket_counts)
        if count
    }
    assert sorted(found.values()) == [1, 2]
    for index, count in found.items():
        value = 1.5 if count == 2 else 250.0
        assert base**index < value <= base ** (index + 1)
    assert [*point.negative.bucket_counts] == [1]


def test_series_beyond_the_most_are_dropped_and_counted() -> None:
    gathering = Gathering("delta", 1)
    gathering.add([Point(CALLS, 0, of([1.0])), Point(LATENCY, 0, of([1.0]))])
    assert gathering.dropped == 1
