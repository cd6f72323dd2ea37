"""What the gateway measures of itself, to the request, read through boto3."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tests.app.test_serve_command import Running, gateway

API = """
openapi: 3.0.1
info: {title: Orders, version: '1'}
x-torana-id: orders
x-torana-stage:
  name: prod
  methodSettings: {'*/*': {metricsEnabled: true, loggingLevel: INFO}}
  accessLogSettings:
    destinationArn: "arn:aws:logs:us-east-1:000000000000:log-group:access"
    format: '{"path": "$context.path", "status": $context.status}'
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
        check_logs(running)
        logs = running.client("logs")
        logs.create_log_group(logGroupName="own")
        logs.create_log_stream(logGroupName="own", logStreamName="s")
        event = {"timestamp": int(time.time() * 1000), "message": "acknowledged"}
        logs.put_log_events(logGroupName="own", logStreamName="s", logEvents=[event])
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
    (tmp_path / "data" / "run.json").unlink()
    with gateway(tmp_path / "data", *arguments) as running:
        until(counted, [50, 3, 7])
        own = running.client("logs").filter_log_events(logGroupName="own")
        assert [each["message"] for each in own["events"]] == ["acknowledged"]


def check_logs(running: Running) -> None:
    """The lines of the load, as the gateway's own log groups and the AWS CLI have them."""
    logs = running.client("logs")

    def written() -> int:
        return len(logs.filter_log_events(logGroupName="access")["events"])

    until(written, 50)
    failed = logs.filter_log_events(logGroupName="access", filterPattern="{ $.status = 5* }")
    assert len(failed["events"]) == 7
    steps = logs.filter_log_events(
        logGroupName="API-Gateway-Execution-Logs_orders/prod",
        filterPattern='"Method completed with status: 200"',
    )
    assert len(steps["events"]) == 40
    key, secret = running.credentials()
    counted = subprocess.run(
        [
            "aws", "logs", "start-query", "--log-group-name", "access", "--output", "text",
            "--start-time", str(int(time.time()) - 600), "--end-time", str(int(time.time()) + 60),
            "--query-string", "stats count(*) as n by status | sort status",
            "--endpoint-url", f"http://127.0.0.1:{running.run['management_port']}",
            "--region", "us-east-1",
        ],
        env={**os.environ, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    query = counted.stdout.strip()
    until(lambda: logs.get_query_results(queryId=query)["status"], "Complete")
    rows = logs.get_query_results(queryId=query)["results"]
    assert [[cell["value"] for cell in row] for row in rows] == [
        ["200", "40"], ["403", "3"], ["500", "7"],
    ]  # fmt: skip


class Hook(BaseHTTPRequestHandler):
    seen: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_an_alarm_runs_a_function_and_tells_a_topic(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text("def go(event, context):\n    return event\n")
    config = tmp_path / "torana.toml"
    config.write_text(f'[functions.act]\nfolder = "{tmp_path / "code"}"\nhandler = "app.go"\n')
    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    with gateway(tmp_path / "data", "--config", str(config)) as running:
        cloudwatch, sns = running.client("cloudwatch"), running.client("sns")
        topic = sns.create_topic(Name="alarms")["TopicArn"]
        endpoint = f"http://127.0.0.1:{hook.server_port}/"
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
        until(lambda: len(Hook.seen), 1)
        visited = urlsplit(Hook.seen[0]["SubscribeURL"])
        assert running.ask(f"{visited.path}?{visited.query}", port="management_port")[0] == 200
        function = "arn:aws:lambda:us-east-1:000000000000:function:act"
        cloudwatch.put_metric_alarm(
            AlarmName="a", Namespace="AWS/ApiGateway", MetricName="5XXError", Statistic="Sum",
            Period=60, EvaluationPeriods=1, Threshold=1, TreatMissingData="ignore",
            ComparisonOperator="GreaterThanThreshold", AlarmActions=[function, topic],
        )  # fmt: skip
        cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="trying")
        until(lambda: len(Hook.seen), 2)
        assert json.loads(Hook.seen[1]["Message"])["NewStateReason"] == "trying"

        def invocations() -> list[float]:
            found = cloudwatch.get_metric_statistics(
                Namespace="AWS/Lambda", MetricName="Invocations", Period=3600,
                Dimensions=[{"Name": "FunctionName", "Value": "act"}], Statistics=["Sum"],
                StartTime=datetime.now(UTC) - timedelta(hours=1),
                EndTime=datetime.now(UTC) + timedelta(hours=1),
            )  # fmt: skip
            return [each["Sum"] for each in found["Datapoints"]]

        until(invocations, [1])
        found = running.client("logs").filter_log_events(
            logGroupName="/aws/lambda/act", filterPattern="REPORT"
        )
        assert "Billed Duration" in found["events"][0]["message"]
    hook.shutdown()
    hook.server_close()
