"""Models that users bring, behind SageMaker's endpoints, through boto3."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import io
import json
import sys
import tarfile
import threading
import time
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.services.running import Clients, services

# The engines load models: on a machine that is busy with other things that takes its time.
pytestmark = pytest.mark.timeout(180)

ROLE = "arn:aws:iam::000000000000:role/sm"
RUNTIME = f"python3.{sys.version_info.minor}"
CODE = """
import json, os

def model_fn(model_dir):
    with open(os.path.join(model_dir, "weights.json")) as file:
        weights = json.load(file)
    def one(row):
        return weights["bias"] + sum(r * w for r, w in zip(row, weights["w"]))
    return lambda rows: [one(row) for row in rows]
"""
BROKEN = "def model_fn(model_dir):\n    raise RuntimeError('no weights here')\n"
OWN = """
def model_fn(model_dir):
    return "model"

def input_fn(body, content_type):
    return body.decode().upper()

def predict_fn(data, model):
    if data == "FAIL":
        raise ValueError("cannot be predicted")
    return f"{model} says {data}"

def output_fn(prediction, accept):
    return prediction, "text/plain"
"""


def packed(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


class Container(BaseHTTPRequestHandler):
    """A container as users build it."""

    protocol_version = "HTTP/1.1"
    healthy_after = 0.0

    def do_GET(self) -> None:
        ready = time.monotonic() > type(self).healthy_after and self.path == "/ping"
        self._say(200 if ready else 503, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"bad":
            self._say(422, b"this is bad")
        elif body == b"stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (b"one ", b"two ", b"three"):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        else:
            told = self.headers["X-Amzn-SageMaker-Custom-Attributes"] or ""
            kind = self.headers["Content-Type"]
            self._say(200, f"{self.path} {kind} {body.decode()}".encode(), told)

    def _say(self, status: int, body: bytes, attributes: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/plain")
        if attributes:
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", attributes)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def container() -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Container)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("sagemaker")) as found:
        s3 = found("s3")
        s3.create_bucket(Bucket="models")
        weights = json.dumps({"bias": 1, "w": [2, 3]})
        for key, files in {
            "linear.tar.gz": {"code/inference.py": CODE, "weights.json": weights},
            "own.tar.gz": {"code/inference.py": OWN},
            "broken.tar.gz": {"code/inference.py": BROKEN},
            "needy.tar.gz": {"code/inference.py": OWN, "code/requirements.txt": "no-such-thing>=1"},
        }.items():
            s3.put_object(Bucket="models", Key=key, Body=packed(files))
        s3.put_object(Bucket="models", Key="text.tar.gz", Body=b"no archive")
        s3.put_object(Bucket="models", Key="in/1", Body=b"[[1, 1]]")
        yield found


def variant(name: str, model: str, **more: Any) -> dict[str, Any]:
    given = {"InitialInstanceCount": 1, "InstanceType": "ml.m4.xlarge"}
    return {"VariantName": name, "ModelName": model, **given, **more}


class Site:
    """Makes endpoints."""

    def __init__(self, clients: Clients) -> None:
        self.control, self.runtime = clients("sagemaker"), clients("sagemaker-runtime")

    def model(self, name: str, image: str, key: str = "", **environment: str) -> None:
        container = {"Image": image, "Environment": environment}
        if key:
            container["ModelDataUrl"] = f"s3://models/{key}"
        self.control.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)

    def endpoint(self, name: str, *variants: dict[str, Any], **more: Any) -> str:
        self.control.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=list(variants), **more
        )
        made = self.control.create_endpoint(EndpointName=name, EndpointConfigName=name)
        return made["EndpointArn"]

    def wait(self, name: str) -> dict[str, Any]:
        waiter = self.control.get_waiter("endpoint_in_service")
        waiter.wait(EndpointName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 600})
        return self.control.describe_endpoint(EndpointName=name)

    def ask(self, name: str, body: bytes, **more: Any) -> tuple[bytes, dict[str, Any]]:
        answer = self.runtime.invoke_endpoint(EndpointName=name, Body=body, **more)
        return answer["Body"].read(), answer


@pytest.fixture(scope="module")
def site(clients: Clients) -> Site:
    return Site(clients)


def test_inference_code_serves_a_models_files_in_a_box(site: Site) -> None:
    site.model("linear", RUNTIME, "linear.tar.gz")
    site.endpoint("linear", variant("all", "linear"))
    with pytest.raises(ClientError, match="not found"):
        site.ask("nothing", b"{}")
    found = site.wait("linear")
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    body, answer = site.ask("linear", b"[[1, 1], [2, 0]]", ContentType="application/json")
    assert (json.loads(body), answer["ContentType"]) == ([6, 5], "application/json")
    assert answer["InvokedProductionVariant"] == "all"
    body, _ = site.ask("linear", b"1,1\n0,0\n", ContentType="text/csv", Accept="text/csv")
    assert body == b"6.0\n1.0\n"
    with pytest.raises(ClientError) as failure:
        site.ask("linear", b"x", ContentType="image/png")
    assert failure.value.response["Error"]["Code"] == "ModelError"
    assert _status(failure) == 415


def _status(failure: Any) -> int:
    return failure.value.response["OriginalStatusCode"]


def test_every_step_of_the_code_may_be_ones_own(site: Site) -> None:
    site.model("own", RUNTIME, "own.tar.gz", SAGEMAKER_PROGRAM="inference.py")
    site.endpoint("own", variant("all", "own"))
    site.wait("own")
    assert site.ask("own", b"hello")[0] == b"model says HELLO"
    with pytest.raises(ClientError, match="cannot be predicted") as failure:
        site.ask("own", b"fail")
    assert _status(failure) == 500


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("broken.tar.gz", "no weights here"),
        ("needy.tar.gz", "no-such-thing"),
        ("text.tar.gz", "cannot be unpacked"),
        ("absent.tar.gz", "absent.tar.gz"),
    ],
)
def test_a_model_that_cannot_be_loaded_fails_its_endpoint(site: Site, key: str, words: str) -> None:
    name = key.partition(".")[0]
    site.model(name, RUNTIME, key)
    site.endpoint(name, variant("all", name))
    with pytest.raises(WaiterError):
        site.wait(name)
    assert words in site.control.describe_endpoint(EndpointName=name)["FailureReason"]


def test_a_container_serves_once_it_answers_its_ping(site: Site, container: str) -> None:
    Container.healthy_after = time.monotonic() + 0.5
    site.model("web", f"{container}/base")
    site.model("web2", container)
    site.endpoint("web", variant("all", "web2"))
    assert site.wait("web")["EndpointStatus"] == "InService"
    body, answer = site.ask("web", b"hello", ContentType="text/plain", CustomAttributes="trace=1")
    assert body == b"/invocations text/plain hello"
    assert answer["CustomAttributes"] == "trace=1"
    with pytest.raises(ClientError, match="this is bad") as failure:
        site.ask("web", b"bad")
    assert _status(failure) == 422
    streamed = site.runtime.invoke_endpoint_with_response_stream(EndpointName="web", Body=b"stream")
    pieces = [each["PayloadPart"]["Bytes"] for each in streamed["Body"]]
    assert b"".join(pieces) == b"one two three"


def test_variants_share_requests_by_weight(site: Site, container: str) -> None:
    site.endpoint(
        "shared",
        variant("old", "web2", InitialVariantWeight=1),
        variant("new", "web2", InitialVariantWeight=0),
    )
    site.wait("shared")
    assert {site.ask("shared", b"x")[1]["InvokedProductionVariant"] for _ in range(8)} == {"old"}
    told = site.ask("shared", b"x", TargetVariant="new")[1]
    assert told["InvokedProductionVariant"] == "new"
    site.control.update_endpoint_weights_and_capacities(
        EndpointName="shared",
        DesiredWeightsAndCapacities=[
            {"VariantName": "old", "DesiredWeight": 0},
            {"VariantName": "new", "DesiredWeight": 3},
        ],
    )
    assert {site.ask("shared", b"x")[1]["InvokedProductionVariant"] for _ in range(8)} == {"new"}
    with pytest.raises(ClientError, match="Variant none"):
        site.ask("shared", b"x", TargetVariant="none")


def test_an_update_that_fails_leaves_what_serves(site: Site) -> None:
    site.control.create_endpoint_config(
        EndpointConfigName="bad-update", ProductionVariants=[variant("all", "broken")]
    )
    site.control.update_endpoint(EndpointName="own", EndpointConfigName="bad-update")
    found = site.wait("own")
    assert (found["EndpointConfigName"], "no weights" in found["FailureReason"]) == ("own", True)
    assert site.ask("own", b"still")[0] == b"model says STILL"
    site.control.update_endpoint(EndpointName="own", EndpointConfigName="linear")
    assert site.wait("own")["EndpointConfigName"] == "linear"
    assert json.loads(site.ask("own", b"[[0, 0]]", ContentType="application/json")[0]) == [1]


def test_accepted_invocations_put_their_answers_in_the_bucket(clients: Clients, site: Site) -> None:
    output = {"OutputConfig": {"S3OutputPath": "s3://models/out"}}
    site.endpoint("later", variant("all", "linear"), AsyncInferenceConfig=output)
    site.wait("later")

    def answer(location: str) -> bytes:
        given = {"EndpointName": "later", "ContentType": "application/json"}
        told = site.runtime.invoke_endpoint_async(InputLocation=location, **given)
        for place in ("OutputLocation", "FailureLocation") * 200:
            bucket, _, key = told[place].removeprefix("s3://").partition("/")
            try:
                return clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError:
                time.sleep(0.05)
        raise AssertionError("nothing came")

    assert json.loads(answer("s3://models/in/1")) == [6]
    assert b"in/none" in answer("s3://models/in/none")
    with pytest.raises(ClientError, match="not configured for asynchronous"):
        site.runtime.invoke_endpoint_async(EndpointName="own", InputLocation="s3://models/in/1")


def test_resources_are_listed_tagged_and_deleted(site: Site, container: str) -> None:
    control = site.control
    arn = control.create_model(
        ModelName="Tagged",
        PrimaryContainer={"Image": container},
        ExecutionRoleArn=ROLE,
        Tags=[{"Key": "team", "Value": "a"}],
    )["ModelArn"]
    assert arn == "arn:aws:sagemaker:eu-west-1:000000000000:model/tagged"
    control.add_tags(ResourceArn=arn, Tags=[{"Key": "env", "Value": "x"}])
    control.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert control.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "env", "Value": "x"}]
    listed = control.list_models(NameContains="web", SortBy="Name", SortOrder="Ascending")
    assert [each["ModelName"] for each in listed["Models"]] == ["web", "web2"]
    with pytest.raises(ClientError, match="already existing model"):
        site.model("Tagged", container)
    control.delete_model(ModelName="Tagged")
    with pytest.raises(ClientError, match="Could not find model"):
        control.describe_model(ModelName="Tagged")
    control.delete_endpoint(EndpointName="shared")
    names = [each["EndpointName"] for each in control.list_endpoints(MaxResults=50)["Endpoints"]]
    assert "shared" not in names
    with pytest.raises(ClientError, match="not found"):
        site.ask("shared", b"x")
    assert control.describe_endpoint_config(EndpointConfigName="shared")["ProductionVariants"]
    control.delete_endpoint_config(EndpointConfigName="shared")


@pytest.mark.parametrize(
    ("image", "more", "words"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1", {}, "address of a container"),
        (RUNTIME, {}, "ModelDataUrl"),
        ("http://127.0.0.1:1", {"Mode": "MultiModel"}, "MultiModel"),
    ],
)
def test_what_cannot_be_served_is_refused(
    site: Site, image: str, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=words):
        site.control.create_model(
            ModelName="x", PrimaryContainer={"Image": image, **more}, ExecutionRoleArn=ROLE
        )
