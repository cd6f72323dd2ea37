"""Users, roles and their policies at the front door and behind it, through a whole gateway."""
# pyright: basic

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

from tests.app.lambdas import PYTHON, zipped
from tests.app.test_serve_command import Running, gateway

ACCOUNT = "000000000000"
QUEUES = f"arn:aws:sqs:us-east-1:{ACCOUNT}"
ASKS = """
import boto3
from botocore.exceptions import ClientError
def handler(event, context):
    try:
        boto3.client("sqs").get_queue_url(QueueName=event["queue"])
        return "found"
    except ClientError as error:
        return error.response["Error"]["Code"]
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with gateway(tmp_path_factory.mktemp("iam"), "--workers", "2") as running:
        sqs = running.client("sqs")
        for name in ("open", "closed"):
            sqs.create_queue(QueueName=name)
        yield running


def allow(action: Any, resource: Any = "*", **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal: dict[str, str], action: str = "sts:AssumeRole", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def a_user(node: Running, name: str, policy: str | None = None) -> dict[str, str]:
    iam = node.client("iam")
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    return iam.create_access_key(UserName=name)["AccessKey"]


def a_role(node: Running, name: str, policy: str, service: str = "apigateway") -> str:
    iam = node.client("iam")
    trusted = trust({"Service": f"{service}.amazonaws.com"})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    return arn


def an_api(node: Running, integration: dict[str, Any], authorization: str = "NONE") -> str:
    """The API's id, once it is live."""
    apis = node.client("apigateway")
    api = apis.create_rest_api(name="made")["id"]
    root = apis.get_resources(restApiId=api)["items"][0]["id"]
    place = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
    apis.put_method(**place, authorizationType=authorization)
    apis.put_integration(**place, integrationHttpMethod="POST", **integration)
    if integration["type"] != "AWS_PROXY":
        apis.put_method_response(**place, statusCode="200")
        apis.put_integration_response(**place, statusCode="200")
    apis.create_deployment(restApiId=api, stageName="live")
    return api


def to_queue(queue: str, credentials: str | None = None) -> dict[str, Any]:
    given = {"credentials": credentials} if credentials else {}
    return {
        "type": "AWS",
        "uri": "arn:aws:apigateway:us-east-1:sqs:action/GetQueueUrl",
        "requestTemplates": {"application/json": json.dumps({"QueueName": queue})},
        **given,
    }


def ask(
    node: Running, api: str, key: dict[str, str] | None = None, seconds: float = 10
) -> tuple[int, Any]:
    """Until what was made is live on the worker that is asked."""
    url = f"http://127.0.0.1:{node.run['port']}/restapis/{api}/live/_user_request_/"
    end = time.monotonic() + seconds
    while True:
        request = AWSRequest("POST", url, data=b"{}", headers={"Content-Type": "application/json"})
        if key is not None:
            signer = Credentials(
                key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken")
            )
            SigV4Auth(signer, "execute-api", "us-east-1").add_auth(request)
        reply = httpx.post(url, content=b"{}", headers=dict(request.headers.items()), timeout=30)
        body = reply.json() if reply.content else {}
        unknown = reply.status_code == 403 and body.get("message") in (
            "Forbidden",
            "Missing Authentication Token",
            "The security token included in the request is invalid.",
        )
        if not unknown or time.monotonic() > end:
            return reply.status_code, body
        time.sleep(0.05)


def let_in(node: Running, api: str, session: dict[str, str]) -> None:
    """A session says itself whose it is: a worker may know it before it knows the role's policy."""
    end, row = time.monotonic() + 10, 0
    while row < 4:
        status, body = ask(node, api, session)
        row = row + 1 if status == 200 else 0
        assert row or time.monotonic() < end, body


def test_users_and_sessions_call_methods_that_their_policies_allow(node: Running) -> None:
    shown = {
        "type": "MOCK",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
    }
    api = an_api(node, shown, "AWS_IAM")
    invoke = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/live/POST/"
    caller = a_user(node, "caller", allow("execute-api:Invoke", invoke))
    stranger = a_user(node, "stranger")
    assert ask(node, api, caller)[0] == 200
    status, body = ask(node, api, stranger)
    assert status == 403
    assert body["Message"].startswith(
        f"User: arn:aws:iam::{ACCOUNT}:user/stranger is not authorized to perform: "
        "execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********0000:"
    )
    iam = node.client("iam")
    trusted = trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/stranger"})
    role = iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="visitor", PolicyName="p", PolicyDocument=allow("execute-api:*", invoke)
    )
    sts = node.client("sts", stranger)
    session = sts.assume_role(RoleArn=role, RoleSessionName="tour")["Credentials"]
    let_in(node, api, session)
    assert ask(node, api, {**session, "SessionToken": "none"}, 0)[0] == 403


def test_an_integration_may_what_its_role_may(node: Running) -> None:
    role = a_role(node, "api-role", allow("sqs:GetQueueUrl", f"{QUEUES}:open"))
    status, body = ask(node, an_api(node, to_queue("open", role)))
    assert status == 200
    assert body["QueueUrl"].endswith("/open")
    _, body = ask(node, an_api(node, to_queue("closed", role)))
    assert "assumed-role/api-role/" in str(body)
    assert "is not authorized to perform: sqs:GetQueueUrl" in str(body)


def test_a_role_that_is_not_there_or_trusts_others_is_not_taken(node: Running) -> None:
    other = a_role(node, "for-functions", allow("sqs:*"), "lambda")
    for role in (other, f"arn:aws:iam::{ACCOUNT}:role/nobody"):
        status, body = ask(node, an_api(node, to_queue("open", role)))
        assert (status, body) == (500, {"message": "Internal server error"})


def test_an_integration_without_a_role_needs_the_resources_permission(node: Running) -> None:
    _, body = ask(node, an_api(node, to_queue("open")))
    assert "User: apigateway.amazonaws.com is not authorized" in str(body)


def test_a_topics_policy_lets_users_publish_and_takes_it_back(node: Running) -> None:
    sns = node.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    person = a_user(node, "reporter")
    own = node.client("sns", person)
    with pytest.raises(ClientError, match=r"(?i)sns:Publish"):
        own.publish(TopicArn=topic, Message="hello")
    allowed = {
        "Sid": "reporter",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/reporter"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    end = time.monotonic() + 10
    while True:
        try:
            own.publish(TopicArn=topic, Message="hello")
            break
        except ClientError:
            assert time.monotonic() < end
            time.sleep(0.05)
    sns.add_permission(TopicArn=topic, Label="more", AWSAccountId=[ACCOUNT], ActionName=["Publish"])
    kept = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert [each["Sid"] for each in kept["Statement"]] == ["reporter", "more"]
    with pytest.raises(ClientError, match="already exists"):
        sns.add_permission(
            TopicArn=topic, Label="more", AWSAccountId=[ACCOUNT], ActionName=["Publish"]
        )
    for label in ("reporter", "more"):
        sns.remove_permission(TopicArn=topic, Label=label)
    assert "Policy" not in sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    with pytest.raises(ClientError, match="Policy Error"):
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue="{}")


def test_an_integration_acts_as_its_caller(node: Running) -> None:
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "execute-api:*", "Resource": "*"},
                {"Effect": "Allow", "Action": "sqs:*", "Resource": f"{QUEUES}:open"},
            ],
        }
    )
    person = a_user(node, "acting", policy)
    for queue, allowed in (("open", True), ("closed", False)):
        api = an_api(node, to_queue(queue, "arn:aws:iam::*:user/*"), "AWS_IAM")
        assert ("QueueUrl" in ask(node, api, person)[1]) is allowed


def test_a_function_calls_apis_with_its_own_role_through_every_worker(node: Running) -> None:
    role = a_role(node, "calls", allow("execute-api:Invoke"), "lambda")
    shows = "import os\ndef handler(event, context): return dict(os.environ)"
    functions = node.client("lambda")
    functions.create_function(
        FunctionName="calls",
        Runtime=PYTHON,
        Handler="app.handler",
        Role=role,
        Timeout=20,
        Code={"ZipFile": zipped({"app.py": shows})},
    )
    own = json.load(functions.invoke(FunctionName="calls")["Payload"])
    key = {
        "AccessKeyId": own["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": own["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": own["AWS_SESSION_TOKEN"],
    }
    api = an_api(
        node,
        {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}},
        "AWS_IAM",
    )
    for _ in range(6):
        assert ask(node, api, key)[0] == 200
    functions.delete_function(FunctionName="calls")
    end, refused = time.monotonic() + 20, 0
    while refused < 6:
        assert time.monotonic() < end
        refused = refused + 1 if ask(node, api, key, 0)[0] == 403 else 0


def test_an_api_needs_a_functions_permission_and_the_function_its_roles(node: Running) -> None:
    role = a_role(node, "fn", allow("sqs:GetQueueUrl", f"{QUEUES}:open"), "lambda")
    lambda_ = node.client("lambda")
    code = {"ZipFile": zipped({"app.py": ASKS})}
    untrusting = a_role(node, "not-fn", allow("sqs:*"))
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        lambda_.create_function(
            FunctionName="no", Runtime=PYTHON, Handler="app.handler", Role=untrusting, Code=code
        )
    arn = lambda_.create_function(
        FunctionName="asks",
        Runtime=PYTHON,
        Handler="app.handler",
        Role=role,
        Timeout=20,
        Code=code,
    )["FunctionArn"]
    said = {}
    for queue in ("open", "closed"):
        payload = json.dumps({"queue": queue}).encode()
        said[queue] = json.load(lambda_.invoke(FunctionName="asks", Payload=payload)["Payload"])
    assert said == {"open": "found", "closed": "AccessDeniedException"}
    integration = {
        "type": "AWS",
        "uri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        "requestTemplates": {"application/json": '{"queue": "open"}'},
    }
    api = an_api(node, integration)
    assert ask(node, api)[0] == 500
    lambda_.add_permission(
        FunctionName="asks",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/*/POST/",
    )
    end = time.monotonic() + 5
    while (found := ask(node, api)) != (200, "found"):
        assert time.monotonic() < end, found
    person = a_user(node, "invoker")
    with pytest.raises(ClientError, match="lambda:InvokeFunction"):
        node.client("lambda", person).invoke(FunctionName="asks", Payload=b"{}")
    lambda_.add_permission(
        FunctionName="asks",
        StatementId="person",
        Action="lambda:InvokeFunction",
        Principal=f"arn:aws:iam::{ACCOUNT}:user/invoker",
    )
    time.sleep(0.3)
    answer = node.client("lambda", person).invoke(FunctionName="asks", Payload=b'{"queue": "x"}')
    assert json.load(answer["Payload"]) == "AccessDeniedException"


class Issuer:
    """An OpenID Connect issuer on a real socket."""

    def __init__(self) -> None:
        self._key = generate_private_key(65537, 2048)
        public = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys = {"keys": [{**public, "kid": "1", "alg": "RS256", "use": "sig"}]}
                about = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
                body = json.dumps(keys if self.path == "/keys" else about).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, **claims: Any) -> str:
        whole = {"iss": self.url, "exp": int(time.time()) + 60, **claims}
        return jwt.encode(whole, self._key, "RS256", headers={"kid": "1"})


def test_tokens_of_an_issuer_become_a_roles_credentials(node: Running) -> None:
    issuer, iam = Issuer(), node.client("iam")
    provider = iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app"])
    arn = provider["OpenIDConnectProviderArn"]
    name = issuer.url.partition("://")[2]
    trusted = trust(
        {"Federated": arn},
        "sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {f"{name}:sub": "repo:main", f"{name}:aud": "app"}},
    )
    role = iam.create_role(RoleName="ci", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    iam.put_role_policy(RoleName="ci", PolicyName="p", PolicyDocument=allow("sqs:ListQueues"))
    sts = node.client("sts")
    asked = {"RoleArn": role, "RoleSessionName": "build"}
    made = sts.assume_role_with_web_identity(
        **asked, WebIdentityToken=issuer.token(sub="repo:main", aud="app")
    )
    assert made["SubjectFromWebIdentityToken"] == "repo:main"
    node.client("sqs", made["Credentials"]).list_queues()
    for claims, code in (
        ({"sub": "repo:other", "aud": "app"}, "AccessDenied"),
        ({"sub": "repo:main", "aud": "else"}, "InvalidIdentityToken"),
        ({"sub": "repo:main", "aud": "app", "exp": 1}, "ExpiredTokenException"),
    ):
        with pytest.raises(ClientError) as refused:
            sts.assume_role_with_web_identity(**asked, WebIdentityToken=issuer.token(**claims))
        assert code in str(refused.value)
    issuer.server.shutdown()
    issuer.server.server_close()


@pytest.mark.skipif(shutil.which("aws") is None, reason="the aws command is not installed")
def test_the_aws_command_makes_users(node: Running) -> None:
    words = ["aws", "iam", "create-user", "--user-name", "cli", "--path", "/cli/"]
    words += ["--endpoint-url", f"http://127.0.0.1:{node.run['management_port']}"]
    told = {
        "AWS_SHARED_CREDENTIALS_FILE": str(node.data / "credentials"),
        "AWS_PROFILE": "torana",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(
        [*words, "--output", "json"], env={**os.environ, **told}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/cli/cli"


def torana(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "torana.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


def test_every_call_and_every_denied_request_is_on_record(node: Running, tmp_path: Path) -> None:
    person = a_user(node, "watched")
    with pytest.raises(ClientError):
        node.client("sqs", person).list_queues()
    api = an_api(node, {"type": "MOCK"}, "AWS_IAM")
    told: list[dict[str, Any]] = []
    paths: list[Path] = []
    end = time.monotonic() + 20
    # Until the hub and both workers are there, and the one that is asked knows who asks.
    while len(paths) != 3 or not any(each.get("api") == f"{api}/live" for each in told):
        assert time.monotonic() < end
        assert ask(node, api, person)[0] == 403
        paths = list((node.data / "audit").glob("*.jsonl"))
        told = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    made = [each for each in told if each.get("operation") == "CreateUser"][-1]
    assert (made["service"], made["status"], len(made["edits"])) == ("iam", 200, 1)
    denied = [each for each in told if each["event"] == "denied"]
    assert any("sqs:ListQueues" in each["denied"] for each in denied)
    done = torana("audit", "verify", "--data", str(node.data))
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(node.data / "audit", tmp_path / "audit")
    shutil.copy(node.data / "audit.key", tmp_path)
    path = next(p for p in (tmp_path / "audit").iterdir() if "CreateUser" in p.read_text())
    path.write_text(path.read_text().replace("CreateUser", "DeleteUser"))
    done = torana("audit", "verify", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "the line was changed" in done.stdout
