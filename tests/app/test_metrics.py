"""What the gateway measures of itself, to the request, read through boto3."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.app.test_serve_command import Running, gateway

API = """
openapi: 3.0.1
info: {title: Orders, version: '1'}
x-torana-id: orders
x-torana-stage: {name: prod, methodSettings: {'*/*': {metricsEnabled: true}}}
paths:
  /good:
    get:
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: '200'}}
  /bad:
    get:
      responses: {'500': {description: no}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 500}'}
        responses: {default: {statusCode: '500'}}
"""
PATH = "/restapis/orders/prod/_user_request_"
STAGE = {"ApiName": "Orders", "Stage": "prod"}
GOOD = {**STAGE, "Method": "GET", "Resource": "/good"}


def totals(running: Running, stat: str = "Sum", **dimensions: str) -> dict[str, float]:
    now = datetime.now(UTC)
    names = ("Count", "4XXError", "5XXError", "Latency", "IntegrationLatency")
    pairs = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    found = running.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": f"m{number}",
                "Label": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/ApiGateway", "MetricName": name, "Dimensions": pairs
                    },
                    "Period": 3600,
                    "Stat": stat,
                },
            }
            for number, name in enumerate(names)
        ],
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(hours=1),
    )  # fmt: skip
    return {each["Label"]: sum(each["Values"]) for each in found["MetricDataResults"]}


def until(look: Callable[[], Any], wanted: Any) -> None:
    end = time.monotonic() + 10
    while (found := look()) != wanted:
        assert time.monotonic() < end, f"{found} is not {wanted}"
        time.sleep(0.1)


def load(running: Running, good: int = 40, bad: int = 7, missing: int = 3) -> None:
    for path, times in ((f"{PATH}/good", good), (f"{PATH}/bad", bad), (f"{PATH}/no", missing)):
        for _ in range(times):
            running.ask(path)


def test_requests_are_counted_exactly_by_two_workers_and_outlive_a_kill(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(API)
    arguments = [str(tmp_path / "api.yaml"), "--workers", "2"]
    with gateway(tmp_path / "data", *arguments) as running:
        load(running)

        def counted() -> list[float]:
            found = totals(running, **STAGE)
            return [found[name] for name in ("Count", "4XXError", "5XXError")]

        until(counted, [50, 3, 7])
        assert [totals(running, ApiName="Orders")[name] for name in ("Count", "5XXError")] == [
            50,
            7,
        ]
        own = totals(running, "SampleCount", **GOOD)
        assert (own["Count"], own["Latency"], own["IntegrationLatency"]) == (40, 40, 40)
        assert totals(running, "Average", **STAGE)["5XXError"] == 7 / 50
        assert (
            0
            < totals(running, "p50", **GOOD)["Latency"]
            <= totals(running, "p99", **GOOD)["Latency"]
        )
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
    (tmp_path / "data" / "run.json").unlink()
    with gateway(tmp_path / "data", *arguments) as running:
        until(counted, [50, 3, 7])
