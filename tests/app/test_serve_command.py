"""The whole gateway as a user starts it: a process, its files, its signals, real clients."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import asyncio
import base64
import json
import re
import signal
import stat
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).parents[2]

MOCK = """
openapi: 3.0.1
info: {title: %(title)s, version: '1'}
x-torana-id: mocked
paths:
  /say:
    get:
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default: {statusCode: '200', responseTemplates: {application/json: '%(word)s'}}
"""


class Running:
    """A `torana serve` process."""

    def __init__(self, process: "Popen[str]", data: Path) -> None:
        self.process, self.data = process, data
        self.run: dict[str, int] = {}

    def wait(self, seconds: float = 40) -> None:
        end = time.monotonic() + seconds
        while not (self.data / "run.json").exists():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < end, "not ready in time"
            time.sleep(0.05)
        self.run = json.loads((self.data / "run.json").read_text())

    def output(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def ask(self, path: str, body: object = None, port: str = "port", **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        fields = {"content-type": "application/json"} if data else {}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        url = f"http://127.0.0.1:{self.run[port]}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, fields)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def credentials(self) -> tuple[str, str]:
        text = (self.data / "credentials").read_text()
        found = re.findall(r"= (\S+)", text)
        return found[0], found[1]

    def client(self, service: str, key: dict[str, str] | None = None) -> Any:
        """As the account, or as who has the key that IAM or STS gave out."""
        id, secret = self.credentials()
        own = key or {"AccessKeyId": id, "SecretAccessKey": secret}
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.run['management_port']}",
            region_name="us-east-1",
            aws_access_key_id=own["AccessKeyId"],
            aws_secret_access_key=own["SecretAccessKey"],
            aws_session_token=own.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}),
        )


@contextmanager
def gateway(data: Path, *arguments: str, ready: bool = True) -> Generator[Running, None, None]:
    command = [sys.executable, "-m", "torana.cli", "serve"]
    command += ["--data", str(data), "--port", "0", "--management-port", "0", *arguments]
    process = Popen(command, stdout=PIPE, stderr=STDOUT, text=True, cwd=ROOT)
    running = Running(process, data)
    try:
        if ready:
            running.wait()
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


BASE = "/restapis/sentiment/prod/_user_request_"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running, None, None]:
    with gateway(tmp_path_factory.mktemp("data"), "examples", "--demo") as running:
        yield running


def test_an_api_from_a_file_gives_real_sentiment(examples: Running) -> None:
    status, good = examples.ask(f"{BASE}/sentiment", {"text": "What a wonderful, lovely day!"})
    _, bad = examples.ask(f"{BASE}/sentiment", {"text": "The food was terrible and I hated it."})
    assert status == 200
    assert json.loads(good)["sentiment"] == "POSITIVE"
    assert json.loads(bad)["sentiment"] == "NEGATIVE"


def test_an_api_from_a_file_tells_how_toxic_a_text_is(examples: Running) -> None:
    status, answer = examples.ask(f"{BASE}/toxicity", {"text": "You worthless idiot."})
    found = json.loads(answer)
    assert (status, found["toxicity"] > 0.9, found["manners"]["INSULT"] > 0.5) == (200, True, True)


def test_an_api_from_a_file_tells_the_language(examples: Running) -> None:
    text = "Guten Morgen, wie geht es Ihnen heute?"
    status, answer = examples.ask(f"{BASE}/language", {"text": text})
    assert (status, json.loads(answer)["languages"][0]["code"]) == (200, "de")


def test_a_keyed_method_wants_a_key(examples: Running) -> None:
    status, answer = examples.ask(f"{BASE}/keyed/sentiment", {"text": "fine"})
    assert (status, answer) == (403, '{"message":"Forbidden"}')


def test_boto3_reaches_comprehend_with_the_first_credentials(examples: Running) -> None:
    comprehend = examples.client("comprehend")
    found = comprehend.detect_sentiment(Text="I love it, it is great!", LanguageCode="en")
    assert found["Sentiment"] == "POSITIVE"
    assert abs(sum(found["SentimentScore"].values()) - 1) < 0.01
    languages = comprehend.batch_detect_dominant_language(TextList=["Bonjour tout le monde", "x"])
    assert languages["ResultList"][0]["Languages"][0]["LanguageCode"] == "fr"


def test_boto3_sees_the_services_own_errors(examples: Running) -> None:
    with pytest.raises(ClientError) as caught:
        examples.client("comprehend").detect_sentiment(Text="x" * 6000, LanguageCode="en")
    assert caught.value.response["Error"]["Code"] == "TextSizeLimitExceededException"


def test_a_wrong_secret_is_not_let_in(examples: Running) -> None:
    client = boto3.client(
        "sts",
        endpoint_url=f"http://127.0.0.1:{examples.run['management_port']}",
        region_name="us-east-1",
        aws_access_key_id=examples.credentials()[0],
        aws_secret_access_key="wrong",
    )
    with pytest.raises(ClientError) as caught:
        client.get_caller_identity()
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_the_credentials_file_is_its_owners_alone(examples: Running) -> None:
    assert stat.S_IMODE((examples.data / "credentials").stat().st_mode) == 0o600


def test_the_gateways_own_process_stays_below_120_mb(examples: Running) -> None:
    status = Path(f"/proc/{examples.process.pid}/status").read_text()
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert resident is not None
    assert int(resident[1]) / 1024 < 120


def test_metrics_count_requests_and_want_credentials(examples: Running) -> None:
    examples.ask(f"{BASE}/health")
    assert examples.ask("/metrics", port="management_port")[0] == 401
    token = base64.b64encode(":".join(examples.credentials()).encode()).decode()
    status, text = examples.ask("/metrics", port="management_port", authorization=f"Basic {token}")
    assert status == 200
    assert 'torana_requests_total{api_id="sentiment",method="GET",resource="/health"' in text


def test_a_bad_document_is_refused_with_file_and_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("openapi: 3.0.1\ninfo: {title: x, version: '1'}\npaths:\n  nope: {}\n")
    with gateway(tmp_path / "data", str(bad), ready=False) as running:
        assert running.process.wait(30) == 2
        assert f"{bad}:4" in running.output().replace("\n", "")


def test_a_variable_that_is_nearly_a_setting_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORANA_MANAGMENT_HOST", "127.0.0.1")
    with gateway(tmp_path, ready=False) as running:
        assert running.process.wait(20) == 2
        assert "is TORANA_MANAGEMENT_HOST meant?" in running.output()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--store", "foo://x"), "no store for 'foo'"),
        (("--store", "postgresql://127.0.0.1:1/x"), "PostgreSQL at 127.0.0.1:1"),
        (("--shared", "redis://127.0.0.1:1"), "Redis: "),
        (("--port", "99999"), "`int` <= 65535 - at `$.port`"),
    ],
)
def test_what_cannot_be_started_is_said_in_a_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    with gateway(tmp_path / "data", *arguments, ready=False) as running:
        assert running.process.wait(30) != 0
        output = running.output()
    assert said in output
    assert "Traceback" not in output


def test_a_data_folder_serves_one_gateway(examples: Running) -> None:
    with gateway(examples.data, ready=False) as another:
        assert another.process.wait(30) == 1
        output = another.output()
    assert "use another data folder" in output
    assert "Traceback" not in output


def test_a_changed_file_is_served_anew_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    file.write_text(MOCK % {"title": "t", "word": "one"})
    path = "/restapis/mocked/prod/_user_request_/say"
    with gateway(tmp_path / "data", str(file), "--watch") as running:
        assert running.ask(path) == (200, "one")
        file.write_text("not: [an api")
        time.sleep(1)
        assert running.ask(path) == (200, "one")
        file.write_text(MOCK % {"title": "t", "word": "two"})
        end = time.monotonic() + 10
        while running.ask(path)[1] != "two":
            assert time.monotonic() < end
            time.sleep(0.05)
        running.process.send_signal(signal.SIGTERM)
        said = running.output()
    assert "not reloaded, the running APIs go on" in said
    mistake = f"{file}:2: syntax: no YAML: while parsing a flow sequence, did not find expected"
    assert mistake in said


def test_workers_share_a_port_their_metrics_and_reloads(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    file.write_text(MOCK % {"title": "t", "word": "one"})
    path = "/restapis/mocked/prod/_user_request_/say"
    with gateway(tmp_path / "data", str(file), "--workers", "2") as running:
        for _ in range(20):
            assert running.ask(path) == (200, "one")
        token = base64.b64encode(":".join(running.credentials()).encode()).decode()
        said = running.ask("/metrics", port="management_port", authorization=f"Basic {token}")[1]
        counted = re.findall(r'resource="/say",stage="prod",status="2xx"\} (\S+)', said)
        assert sum(map(float, counted)) == 20
        file.write_text(MOCK % {"title": "t", "word": "two"})
        running.process.send_signal(signal.SIGHUP)
        time.sleep(2)
        assert {running.ask(path)[1] for _ in range(10)} == {"two"}


def test_workers_share_one_limit(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    stage = (
        "x-torana-stage:\n  name: prod\n  methodSettings:\n    '*/*': "
        "{throttlingRateLimit: 0.01, throttlingBurstLimit: 6}\n"
    )
    file.write_text(MOCK % {"title": "t", "word": "one"} + stage)
    path = "/restapis/mocked/prod/_user_request_/say"
    with gateway(tmp_path / "data", str(file), "--workers", "2") as running:
        statuses = [running.ask(path)[0] for _ in range(40)]
    assert statuses.count(200) == 6
    assert statuses.count(429) == 34


def test_stopping_finishes_the_requests_in_flight(tmp_path: Path) -> None:
    async def scenario() -> str:
        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(1)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
            writer.close()

        server = await asyncio.start_server(slow, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        file = tmp_path / "api.yaml"
        file.write_text(
            "openapi: 3.0.1\ninfo: {title: slow, version: '1'}\npaths:\n  /x:\n    get:\n"
            "      responses: {'200': {description: ok}}\n"
            "      x-amazon-apigateway-integration:\n        type: http_proxy\n"
            f"        httpMethod: GET\n        uri: http://127.0.0.1:{port}/\n"
        )
        with gateway(tmp_path / "data", str(file)) as running:
            asked = asyncio.to_thread(running.ask, "/restapis/slow/prod/_user_request_/x")
            waiting = asyncio.ensure_future(asked)
            await asyncio.sleep(0.4)
            running.process.send_signal(signal.SIGTERM)
            status, body = await waiting
            assert status == 200
            assert await asyncio.to_thread(running.process.wait, 10) == 0
        server.close()
        return body

    assert asyncio.run(scenario()) == "late"
