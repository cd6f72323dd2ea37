"""Functions of a whole gateway: its processes, its workers, its command, its end."""
# pyright: basic

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.app.lambdas import PYTHON, ROLE, zipped
from tests.app.test_serve_command import ROOT, gateway

BASE = "/restapis/insight/prod/_user_request_"
TEXT = {"text": "Ada Lovelace had a wonderful time in London."}


def test_example_functions_answer_through_every_worker(tmp_path: Path) -> None:
    apis = ("examples/insight.yaml", "--config", "examples/torana.toml", "--workers", "2")
    with gateway(tmp_path, *apis) as running:
        for _ in range(6):
            status, body = running.ask(f"{BASE}/insight", TEXT)
            assert status == 200
            assert json.loads(body)["sentiment"] == "POSITIVE"
        assert running.ask(f"{BASE}/private/insight", TEXT)[0] == 401
        status, body = running.ask(f"{BASE}/private/insight", TEXT, authorization="let-ada-in")
        assert (status, json.loads(body)["for"]) == (200, "ada")
        log = (tmp_path / "logs" / "_aws_lambda_insight.log").read_text()
        assert "characters in en" in log


def functions_of(data: Path) -> list[int]:
    """Processes that run functions of the gateway with this data folder."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            told = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            known = told + ((entry / "environ").read_bytes() if b"awslambdaric" in told else b"")
        except OSError:
            continue
        if (b"launch.py" in known or b"awslambdaric" in known) and str(data).encode() in known:
            found.append(int(entry.name))
    return found


def test_no_function_outlives_a_gateway_that_is_killed(tmp_path: Path) -> None:
    with gateway(tmp_path, "examples/insight.yaml", "--config", "examples/torana.toml") as running:
        assert running.ask(f"{BASE}/insight", TEXT)[0] == 200
        assert functions_of(tmp_path)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(10)
        end = time.monotonic() + 5
        while functions_of(tmp_path) and time.monotonic() < end:
            time.sleep(0.05)
        assert functions_of(tmp_path) == []


def command(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "torana.cli", "functions", *arguments, "--data", str(data)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        cwd=ROOT,
        check=False,
    )


API = """
openapi: 3.0.1
info: {title: hello, version: '1'}
x-torana-id: hello
paths:
  /hello:
    get:
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/ARN/invocations
""".replace("ARN", "arn:aws:lambda:us-east-1:000000000000:function:hello")
AUTH = """
def handler(event, context):
    return {"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}]}}
"""
HELLO = (
    "import os\ndef handler(event, context):\n    return {'body': 'hello ' + os.environ['WHOM']}\n"
)


def test_folder_is_deployed_run_and_deleted_by_the_command(tmp_path: Path) -> None:
    folder, api = tmp_path / "hello", tmp_path / "hello.yaml"
    folder.mkdir()
    (folder / "app.py").write_text(HELLO)
    api.write_text(API)
    data = tmp_path / "data"
    with gateway(data, str(api)) as running:
        at = "/restapis/hello/prod/_user_request_/hello"
        assert running.ask(at)[0] == 500
        made = command(data, "deploy", str(folder), "--handler", "app.handler", "--env", "WHOM=all")
        assert made.stdout.strip().endswith(":function:hello"), made.stderr
        assert running.ask(at) == (200, "hello all")
        (folder / "app.py").write_text(HELLO.replace("hello ", "bye "))
        command(data, "deploy", str(folder), "--handler", "app.handler", "--env", "WHOM=you")
        assert running.ask(at) == (200, "bye you")
        ran = command(data, "invoke", "hello", "{}")
        assert json.loads(ran.stdout) == {"body": "bye you"}
        assert "REPORT RequestId" in ran.stderr
        assert "hello" in command(data, "list").stdout
        assert command(data, "delete", "hello").returncode == 0
        assert running.ask(at)[0] == 500
    assert f"torana serve --data {data}" in command(data, "list").stderr


def test_changed_folder_is_served_when_watched(tmp_path: Path) -> None:
    folder, api, config = tmp_path / "hello", tmp_path / "hello.yaml", tmp_path / "torana.toml"
    folder.mkdir()
    (folder / "app.py").write_text("def handler(event, context):\n    return {'body': 'one'}\n")
    api.write_text(API)
    config.write_text(f'[functions.hello]\nfolder = "{folder}"\nhandler = "app.handler"\n')

    def said(running: Any) -> str:
        return running.ask("/restapis/hello/prod/_user_request_/hello")[1]

    with gateway(tmp_path / "data", str(api), "--config", str(config), "--watch") as running:
        assert said(running) == "one"
        (folder / "app.py").write_text("def handler(event, context):\n    return {'body': 'two'}\n")
        end = time.monotonic() + 8
        while said(running) != "two":
            assert time.monotonic() < end
            time.sleep(0.1)


def test_bad_function_stops_the_start_with_its_name(tmp_path: Path) -> None:
    config = tmp_path / "torana.toml"
    config.write_text('[functions.x]\nfolder = "nowhere"\nhandler = "app.handler"\n')
    with gateway(
        tmp_path / "data", "examples/petstore.yaml", "--config", str(config), ready=False
    ) as running:
        assert running.process.wait(20) == 2
        assert "functions.x.folder" in running.output()


def config_of(folder: Path, **functions: str) -> Path:
    """A configuration file with a function of one Python file for each name."""
    text = "[function_limits]\nconcurrency = 50\nqueue_seconds = 60\n"
    for name, code in functions.items():
        at = folder / name
        at.mkdir()
        (at / "app.py").write_text(code)
        text += f'[functions.{name}]\nfolder = "{at}"\nhandler = "app.handler"\ntimeout = 30\n'
    config = folder / "torana.toml"
    config.write_text(text)
    return config


def test_two_hundred_sleeping_requests_do_not_starve_the_others(tmp_path: Path) -> None:
    sleeps = "import time\ndef handler(event, context):\n    time.sleep(0.5)\n    return {}\n"
    api = tmp_path / "hello.yaml"
    api.write_text(API)
    config = config_of(tmp_path, hello=sleeps)
    apis = (str(api), "examples/petstore.yaml", "--config", str(config))
    with gateway(tmp_path / "data", *apis) as running, ThreadPoolExecutor(210) as threads:
        at = "/restapis/hello/prod/_user_request_/hello"
        asked = [threads.submit(running.ask, at) for _ in range(200)]
        took: list[float] = []
        while not all(each.done() for each in asked):
            started = time.perf_counter()
            assert running.ask("/restapis/none/prod/_user_request_/")[0] == 403
            took.append(time.perf_counter() - started)
            time.sleep(0.05)
        assert {each.result()[0] for each in asked} == {200}
        # Behind two hundred sleepers they would wait for as long as those sleep.
        assert sorted(took)[len(took) // 2] < 0.5


def test_event_accepted_by_a_killed_gateway_runs_at_the_next_start(tmp_path: Path) -> None:
    code = (
        "import time\ndef handler(event, context):\n    time.sleep(2)\n    print('DONE', event)\n"
    )
    data, config = tmp_path / "data", config_of(tmp_path, later=code)
    log = data / "logs" / "_aws_lambda_later.log"
    with gateway(data, "examples/petstore.yaml", "--config", str(config)) as running:
        functions = running.client("lambda")
        answer = functions.invoke(FunctionName="later", InvocationType="Event", Payload=b"7")
        assert answer["StatusCode"] == 202
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(10)
    assert not log.exists() or "DONE" not in log.read_text()
    (data / "run.json").unlink()
    with gateway(data, "examples/petstore.yaml", "--config", str(config)):
        end = time.monotonic() + 15
        while not (log.exists() and "DONE 7" in log.read_text()):
            assert time.monotonic() < end
            time.sleep(0.1)


STREAM = """
export const handler = awslambda.streamifyResponse(async (event, out) => {
  out = awslambda.HttpResponseStream.from(out, { statusCode: 200 });
  for (let n = 0; n < 5; n++) {
    out.write('piece ');
    await new Promise((done) => setTimeout(done, 100));
  }
  out.end();
});
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_stream_passes_through_a_worker_as_it_is_written(tmp_path: Path) -> None:
    api, config = tmp_path / "hello.yaml", tmp_path / "torana.toml"
    streamed = API.replace("2015-03-31", "2021-11-15").replace(
        "/invocations", "/response-streaming-invocations\n        responseTransferMode: STREAM"
    )
    api.write_text(streamed)
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "index.mjs").write_text(STREAM)
    config.write_text(
        f'[functions.hello]\nfolder = "{tmp_path}/hello"\nruntime = "nodejs20.x"\n'
        'handler = "index.handler"\n'
    )
    with gateway(tmp_path / "data", str(api), "--config", str(config), "--workers", "2") as running:
        url = f"http://127.0.0.1:{running.run['port']}/restapis/hello/prod/_user_request_/hello"
        times: list[float] = []
        with urllib.request.urlopen(url) as answer:
            body = b""
            while piece := answer.read1():
                times.append(time.perf_counter())
                body += piece
        assert body == b"piece " * 5
        assert times[-1] - times[0] > 0.2


def test_api_and_function_made_with_boto3_work_together_and_are_counted(tmp_path: Path) -> None:
    with gateway(tmp_path, "examples/petstore.yaml") as running:
        functions, apis = running.client("lambda"), running.client("apigateway")
        arns: dict[str, str] = {}
        for name, code in (("hello", HELLO), ("auth", AUTH)):
            arns[name] = functions.create_function(
                FunctionName=name,
                Runtime=PYTHON,
                Handler="app.handler",
                Role=ROLE,
                Code={"ZipFile": zipped({"app.py": code})},
                Environment={"Variables": {"WHOM": "all"}},
            )["FunctionArn"]
            functions.add_permission(
                FunctionName=name,
                StatementId="api",
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
            )
        uris = {
            name: f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
            for name, arn in arns.items()
        }
        api = apis.create_rest_api(name="made")["id"]
        root = apis.get_resources(restApiId=api)["items"][0]["id"]
        authorizer = apis.create_authorizer(
            restApiId=api,
            name="auth",
            type="TOKEN",
            authorizerUri=uris["auth"],
            identitySource="method.request.header.X-Token",
        )["id"]
        place = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
        apis.put_method(**place, authorizationType="CUSTOM", authorizerId=authorizer)
        apis.put_integration(
            **place, type="AWS_PROXY", integrationHttpMethod="POST", uri=uris["hello"]
        )
        apis.create_deployment(restApiId=api, stageName="live")
        at, end = f"/restapis/{api}/live/_user_request_/", time.monotonic() + 1
        while running.ask(at)[0] == 403 and time.monotonic() < end:
            time.sleep(0.02)  # a deployment is live within a second
        assert running.ask(at)[0] == 401
        assert running.ask(at, x_token="good") == (200, "hello all")
        key, secret = running.credentials()
        basic = base64.b64encode(f"{key}:{secret}".encode()).decode()
        _, said = running.ask("/metrics", port="management_port", authorization=f"Basic {basic}")
        assert "torana_functions_invocations_total 2.0" in said
        assert "torana_functions_cold_starts_total 2.0" in said
        assert "torana_functions_instances 2.0" in said
