"""Every surface that says no has it in the audit trail, through a whole gateway."""
# pyright: basic

import base64
import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.app.lambdas import PYTHON, zipped
from tests.app.test_serve_command import Running, gateway

CONFIG = """
[llm.providers.up]
type = "openai"
base_url = "http://127.0.0.1:1/v1"
api_key = "k"
[llm.models.fast]
targets = [{ provider = "up", model = "m" }]
[llm.models.dear]
targets = [{ provider = "up", model = "m" }]
[llm.keys.ann]
secret = "sk-ann"
models = ["fast"]
mcp = ["notes/read_*"]
[mcp.servers.notes]
url = "http://127.0.0.1:1/mcp"
"""
API = """
openapi: 3.0.1
info: {title: hidden, version: '1'}
x-torana-id: hidden
x-amazon-apigateway-gateway-responses: {INVALID_API_KEY: {statusCode: 404}}
paths:
  /keyed:
    get:
      security: [{api_key: []}]
      x-amazon-apigateway-integration: {type: mock}
components:
  securitySchemes: {api_key: {type: apiKey, name: x-api-key, in: header}}
"""
CHAT = {"model": "dear", "messages": [{"role": "user", "content": "hi"}]}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "erase"}}
CALL_SAID = {"MCP-Protocol-Version": "2025-06-18", "Authorization": "Bearer sk-ann"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    folder = tmp_path_factory.mktemp("audit")
    (folder / "torana.toml").write_text(CONFIG)
    (folder / "api.yaml").write_text(API)
    config = ("--config", str(folder / "torana.toml"))
    with gateway(folder / "data", str(folder / "api.yaml"), *config) as running:
        yield running


def trail(node: Running) -> list[dict[str, Any]]:
    paths = sorted((node.data / "audit").glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def denied(node: Running, **fields: Any) -> list[dict[str, Any]]:
    """Lines of denied requests with these fields; written after the answer was sent."""
    end = time.monotonic() + 10
    while True:
        found = [each for each in trail(node) if each["event"] == "denied"]
        found = [each for each in found if fields.items() <= each.items()]
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def a_url(node: Running) -> str:
    """The path of a function's URL that wants a signature."""
    functions = node.client("lambda")
    code = {"ZipFile": zipped({"f.py": "def handler(event, context): return 1"})}
    functions.create_function(
        FunctionName="shut",
        Runtime=PYTHON,
        Handler="f.handler",
        Role="arn:aws:iam::000000000000:role/x",
        Code=code,
    )
    made = functions.create_function_url_config(FunctionName="shut", AuthType="AWS_IAM")
    return "/lambda-url/" + made["FunctionUrl"].partition("://")[2].partition(".")[0] + "/"


def a_pool(node: Running) -> str:
    """A client of a pool with pages at `audited` and one user."""
    idp = node.client("cognito-idp")
    pool = idp.create_user_pool(PoolName="p")["UserPool"]["Id"]
    idp.create_user_pool_domain(Domain="audited", UserPoolId=pool)
    idp.admin_create_user(UserPoolId=pool, Username="ann", MessageAction="SUPPRESS")
    idp.admin_set_user_password(
        UserPoolId=pool, Username="ann", Password="Right-0-one", Permanent=True
    )
    made = idp.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    return made["UserPoolClient"]["ClientId"]


def test_every_surface_of_the_front_door(node: Running) -> None:
    url = a_url(node)
    asked: list[tuple[str, object, dict[str, str]]] = [
        (url, None, {}),
        ("/restapis/nobody/prod/_user_request_/", None, {}),
        ("/v1/chat/completions", CHAT, {"Authorization": "Bearer sk-wrong"}),
        ("/v1/messages", CHAT, {"x-api-key": "sk-ann"}),
        ("/v1/models", None, {}),
        ("/v1/files", None, {}),
        ("/v1/batches", None, {"Authorization": "Bearer sk-wrong"}),
        ("/mcp/notes", CALL, {"Authorization": "Bearer sk-wrong"}),
        ("/mcp/notes", CALL, CALL_SAID),
        ("/mcp/notes", CALL, {**CALL_SAID, "Origin": "http://evil"}),
        ("/cognito-idp/", {}, {"X-Amz-Target": "AWSCognitoIdentityProviderService.ListUserPools"}),
    ]
    for path, body, fields in asked:
        before = (
            len(denied(node, path=path)) if any(e.get("path") == path for e in trail(node)) else 0
        )
        node.ask(path, body, **fields)
        key = {"service": "cognito-idp"} if path == "/cognito-idp/" else {"path": path}
        lines = denied(node, **key)
        assert len(lines) == before + 1, path
        assert lines[-1]["denied"], path
        assert lines[-1]["address"] == "127.0.0.1"
    written = "".join(path.read_text() for path in (node.data / "audit").glob("*.jsonl"))
    assert "sk-wrong" not in written


def test_an_apis_own_status_hides_nothing(node: Running) -> None:
    status, _ = node.ask("/restapis/hidden/prod/_user_request_/keyed")
    assert status == 404
    assert denied(node, api="hidden/prod")[0]["denied"].startswith("INVALID_API_KEY")


def test_wrong_passwords_and_client_secrets_of_user_pools(node: Running) -> None:
    client = a_pool(node)
    words = {"USERNAME": "ann", "PASSWORD": "Wrong-0-one"}
    given = {"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": client, "AuthParameters": words}
    target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth"}
    kind = {"Content-Type": "application/x-amz-json-1.1"}
    assert node.ask("/cognito-idp/", given, **target, **kind)[0] == 400
    assert denied(node, operation="InitiateAuth")[0]["denied"] == "NotAuthorizedException"
    given["AuthParameters"] = {**words, "PASSWORD": "Right-0-one"}
    assert node.ask("/cognito-idp/", given, **target, **kind)[0] == 200
    calls = [each for each in trail(node) if each["event"] == "call"]
    assert [each["status"] for each in calls if each["operation"] == "InitiateAuth"] == [200]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert node.ask("/cognito/audited/oauth2/token", "x", **form)[0] == 400
    assert node.ask("/cognito/audited/oauth2/userInfo", None, Authorization="Bearer x")[0] == 401
    assert denied(node, path="/cognito/audited/oauth2/userInfo")


def test_the_management_listener_beside_its_services(node: Running) -> None:
    at: dict[str, Any] = {"port": "management_port"}
    wrong = {"Authorization": "Basic " + base64.b64encode(b"a:b").decode()}
    for path, body in (
        ("/metrics", None),
        ("/llm/v1/keys", None),
        ("/user-pools/v1/x/keys", {}),
        ("/console/desk/keys", None),
        ("/console/session", {"accessKeyId": "a", "secretAccessKey": "b"}),
    ):
        assert node.ask(path, body, **at, **wrong)[0] == 401, path
        assert len(denied(node, path=path)) == 1, path
    id, secret = node.credentials()
    right = {"Authorization": "Basic " + base64.b64encode(f"{id}:{secret}".encode()).decode()}
    assert node.ask("/llm/v1/keys", None, **at, **right)[0] == 200
    signing_in = {"accessKeyId": id, "secretAccessKey": secret}
    assert node.ask("/console/session", signing_in, **at)[0] == 200
    done = [each["service"] for each in trail(node) if each["event"] == "call" and "path" in each]
    assert done == ["torana", "console"]
    written = "".join(path.read_text() for path in Path(node.data / "audit").glob("*.jsonl"))
    assert secret not in written
