"""Both control planes on both stores: live on every worker, and nothing acknowledged is lost to a
kill in the midst of writes."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.app.test_serve_command import Running, gateway
from tests.state.conftest import postgres_url

WITHIN = 2.0
"""Seconds: the promise is one; the rest is for a busy machine."""


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/torana.db"
    else:
        yield from postgres_url()


def rest_api(client: Any) -> str:
    """A MOCK behind `GET /`; its path."""
    api = client.create_rest_api(name="r")
    place = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    client.put_method(**place, authorizationType="NONE")
    request = {"application/json": '{"statusCode": 200}'}
    client.put_integration(**place, type="MOCK", requestTemplates=request)
    client.put_method_response(**place, statusCode="200")
    client.put_integration_response(
        **place, statusCode="200", responseTemplates={"application/json": '"rest"'}
    )
    client.create_deployment(restApiId=api["id"], stageName="prod")
    return f"/restapis/{api['id']}/prod/_user_request_/"


def everywhere(running: Running, path: str, status: int) -> None:
    """Every worker answers so: each request is a connection of its own, to either of them."""
    end, good = time.monotonic() + WITHIN, 0
    while good < 12:
        found = running.ask(path)
        good = good + 1 if found[0] == status else 0
        assert good or time.monotonic() < end, found


def test_deployments_are_live_on_every_worker_and_outlive_a_kill(
    tmp_path: Path, store: str
) -> None:
    acknowledged: list[str] = []
    models: list[str] = []
    with gateway(tmp_path, "--workers", "2", "--store", store) as running:
        client, old = running.client("apigatewayv2"), running.client("apigateway")
        rest = rest_api(old)
        everywhere(running, rest, 200)
        target = "http://127.0.0.1:1"
        api = client.create_api(Name="h", ProtocolType="HTTP", Target=target, RouteKey="GET /a")
        http, place = f"/apis/{api['ApiId']}", {"ApiId": api["ApiId"]}
        # The backend is away: a route answers 503, and what is none 404.
        everywhere(running, f"{http}/a", 503)
        everywhere(running, f"{http}/b", 404)
        route = client.get_routes(**place)["Items"][0]

        def write() -> None:
            for number in range(1000):
                key = f"GET /r{number}"
                try:
                    client.create_route(**place, RouteKey=key, Target=route["Target"])
                except (BotoCoreError, ClientError):
                    return
                acknowledged.append(key)

        def write_rest() -> None:
            kept = {"restApiId": rest.split("/")[2], "contentType": "application/json"}
            for number in range(1000):
                name = f"Model{number}"
                try:
                    old.create_model(**kept, name=name, schema='{"type": "object"}')
                except (BotoCoreError, ClientError):
                    return
                models.append(name)

        writers = [threading.Thread(target=each) for each in (write, write_rest)]
        for writer in writers:
            writer.start()
        while len(acknowledged) < 5 or len(models) < 5:
            time.sleep(0.01)
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait(10)
        for writer in writers:
            writer.join()
        (tmp_path / "run.json").unlink()
    with gateway(tmp_path, "--store", store) as running:
        client = running.client("apigatewayv2")
        kept = {each["RouteKey"] for each in client.get_routes(**place, MaxResults="500")["Items"]}
        assert {"GET /a", *acknowledged} <= kept
        last = acknowledged[-1].partition(" ")[2]
        assert running.ask(f"{http}{last}")[0] == 503
        assert running.ask(rest)[0] == 200
        found = running.client("apigateway").get_models(restApiId=rest.split("/")[2], limit=500)
        assert {*models} <= {each["name"] for each in found["items"]}
