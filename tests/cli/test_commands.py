"""The commands as a user types them, against a gateway in a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.app.test_serve_command import ROOT, Running, gateway
from torana.telemetry.logbook import LogBook

MOCK = """
openapi: 3.0.1
info: {title: told, version: '1'}
paths:
  /say:
    get:
      security: [{api_key: []}]
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default:
            statusCode: '200'
            responseTemplates: {application/json: '{"v": "$stageVariables.v"}'}
  /own:
    get:
      x-amazon-apigateway-auth: {type: AWS_IAM}
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default:
            statusCode: '200'
            responseTemplates: {application/json: '"$context.identity.userArn"'}
components:
  securitySchemes:
    api_key: {type: apiKey, name: x-api-key, in: header}
"""


def torana(*words: str, data: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    command = [sys.executable, "-m", "torana.cli", *words]
    if data is not None:
        command += ["--data", str(data)]
    source = {"PYTHONPATH": str(ROOT / "src")}
    environment = {**os.environ, **source, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=50, env=environment, cwd=ROOT, check=False
    )


def done(*words: str, data: Path | None = None) -> str:
    """What a command that succeeds prints."""
    found = torana(*words, data=data)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running, None, None]:
    with gateway(tmp_path_factory.mktemp("data"), "--access-log", "-") as found:
        yield found


@pytest.fixture(scope="module")
def api(running: Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An API that was imported and deployed by command."""
    file = tmp_path_factory.mktemp("api") / "told.yaml"
    file.write_text(MOCK)
    made = done("import", str(file), data=running.data)
    said = done("deploy", made, "--stage", "dev", "--variable", "v=1", data=running.data)
    assert f"/restapis/{made}/dev/_user_request_/" in said
    return made


def test_a_key_opens_the_stage_it_was_made_for(running: Running, api: str) -> None:
    key = done("keys", "create", "app", "--stage", f"{api}/dev", data=running.data)
    words = ("call", "GET", "/say", "--api", api, "--stage", "dev")
    found = torana(*words, "--key", key, data=running.data)
    while found.returncode:  # a key is live within a second
        found = torana(*words, "--key", key, data=running.data)
    assert json.loads(found.stdout) == {"v": "1"}
    refused = torana(*words, "-i", data=running.data)
    assert refused.returncode == 1
    assert "HTTP/1.1 403" in refused.stderr
    [listed] = [
        each
        for each in json.loads(done("keys", "list", "--json", data=running.data))
        if each["name"] == "app"
    ]
    assert key not in json.dumps(listed)
    done("keys", "delete", listed["id"], data=running.data)


def test_a_call_is_signed_with_the_accounts_own_key(running: Running, api: str) -> None:
    words = ("call", "GET", "/own", "--api", api, "--stage", "dev")
    assert done(*words, "--sign", data=running.data) == '"arn:aws:iam::000000000000:root"'
    assert torana(*words, data=running.data).returncode == 1


def test_an_export_can_be_imported_again(running: Running, api: str, tmp_path: Path) -> None:
    file = tmp_path / "out.yaml"
    words = ("export", api, "--stage", "dev", "--yaml", "-o", str(file))
    done(*words, data=running.data)
    assert "x-amazon-apigateway-integration" in file.read_text()
    assert done("import", str(file), "--api", api, data=running.data) == api


def test_an_error_of_the_service_is_said_as_it_is(running: Running) -> None:
    found = torana("deploy", "gone", data=running.data)
    assert found.returncode == 1
    assert "Invalid API identifier specified 000000000000:gone" in found.stderr


def test_without_a_gateway_a_command_says_how_to_start_one(tmp_path: Path) -> None:
    found = torana("keys", "list", data=tmp_path)
    assert found.returncode == 1
    assert f"no gateway is running in {tmp_path}" in found.stderr
    assert f"torana serve --data {tmp_path}" in found.stderr


def test_logs_show_the_last_events(tmp_path: Path) -> None:
    async def write() -> None:
        book = LogBook(tmp_path / "logs.db")
        await book.open()
        await book.put([("/a", "s", [(1000 + n, f"line {n}") for n in range(30)])])
        await book.close()

    asyncio.run(write())
    assert done("logs", "-n", "2", data=tmp_path) == "/a  line 28\n/a  line 29"
    assert torana("logs", "other", data=tmp_path).returncode == 1


def test_usage_sums_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "usage").mkdir()
    line = {"at": 1795478400.0, "key": "k", "model": "m", "provider": "p", "target": "t"}
    more = {"status": 200, "input": 10, "output": 5, "usd": 0.5}
    text = json.dumps({**line, **more}) + "\n"
    (tmp_path / "usage" / "usage-2026-11-24.jsonl").write_text(text * 2 + '{"cut')
    found = json.loads(done("usage", "--by", "model", "--json", data=tmp_path))
    sums = {"requests": 2, "failed": 0, "input": 20, "output": 10, "usd": 1.0}
    assert found["m"].items() >= sums.items()
    done("usage", "--by", "organization", data=tmp_path)


def test_the_doctor_names_what_is_wrong_and_its_mend(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    credentials = data / "credentials"
    credentials.write_text("[torana]\n")
    credentials.chmod(0o644)
    bad = tmp_path / "bad.yaml"
    bad.write_text("openapi: 9.9.9\ninfo: {title: x}\npaths: {}\n")
    found = torana("doctor", str(bad), data=data)
    assert found.returncode == 1
    assert f"chmod 600 {credentials}" in found.stdout
    assert "bad.yaml" in found.stdout
    assert "compiled code" in found.stdout
    credentials.chmod(0o600)
    assert torana("doctor", "examples/petstore.yaml", data=data).returncode == 0
