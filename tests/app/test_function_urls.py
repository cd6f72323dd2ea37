"""Function URLs over real sockets: made through boto3, asked with HTTP, run for real."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import asyncio
import json
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from msgspec import structs

from tests.app.lambdas import PYTHON, Lambdas, lambdas, zipped
from tests.app.test_serve_command import gateway
from tests.services.serving import ROOT
from torana.auth.grants import Grants
from torana.auth.policy import Caller, Policy, parse
from torana.gateway.contract import Identity
from torana.gateway.front_door import FrontDoor
from torana.gateway.locate import Table
from torana.message import Reply, Request
from torana.net.server import listen
from torana.services.lambda_.ports import Place
from torana.services.lambda_.urls import UrlDoor, UrlTable
from torana.services.router import Invocation
from torana.settings import FunctionLimits

EVENT = "def handler(event, context):\n    return event\n"
ADA = ("AKIAADAADAADAADAADAA", "b/secret+of/forty/characters/of/some/sort")


def identity(key: str, secret: str, name: str, **fields: Any) -> Identity:
    arn = f"arn:aws:iam::000000000000:{name}"
    return Identity(key, secret, arn, name, Caller((arn,), "000000000000"), **fields)


class Urls:
    """A node with a front door for its function URLs."""

    def __init__(self, node: Lambdas, table: UrlTable, port: int) -> None:
        self.node, self.table, self.port = node, table, port

    async def make(self, name: str = "f", *, public: bool = True, **fields: Any) -> str:
        """A URL's id; known to the front door once this returns."""
        if public:
            await self.node(
                "add_permission",
                FunctionName=name,
                StatementId="url",
                Action="lambda:InvokeFunctionUrl",
                Principal="*",
                FunctionUrlAuthType="NONE",
            )
        fields = {"AuthType": "NONE", **fields}
        made = await self.node("create_function_url_config", FunctionName=name, **fields)
        id = made["FunctionUrl"].partition("://")[2].partition(".")[0]
        await self.until(lambda: self.table.find(id) is not None)
        return id

    async def until(self, met: Any) -> None:
        for _ in range(200):
            if met():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the front door never learned of it")

    async def ask(
        self, id: str, path: str = "/", method: str = "GET", **fields: Any
    ) -> httpx.Response:
        """A request to the URL's own host."""
        headers = {"Host": f"{id}.lambda-url.localhost:{self.port}", **fields.pop("headers", {})}
        async with httpx.AsyncClient(timeout=10) as client:
            url = f"http://127.0.0.1:{self.port}{path}"
            return await client.request(method, url, headers=headers, **fields)

    async def signed(
        self, id: str, key: str, secret: str, body: bytes = b"", service: str = "lambda"
    ) -> httpx.Response:
        url = f"http://{id}.lambda-url.localhost:{self.port}/signed"
        request = AWSRequest("POST", url, data=body, headers={"Content-Type": "text/plain"})
        SigV4Auth(Credentials(key, secret), service, "us-east-1").add_auth(request)
        return await self.ask(
            id, "/signed", "POST", content=body, headers=dict(request.headers.items())
        )


@asynccontextmanager
async def urls(
    folder: Path, code: str = EVENT, policies: tuple[Policy, ...] = (), **settings: Any
) -> AsyncGenerator[Urls]:
    known = {
        ROOT.access_key_id: identity(
            ROOT.access_key_id, ROOT.secret_access_key, "root", grants=Grants(root=True)
        ),
        ADA[0]: identity(*ADA, "user/ada", grants=Grants(policies)),
    }
    async with lambdas(folder, **settings) as node:
        await node.create(code)
        table = UrlTable(node.host.book.store, Place("us-east-1", "000000000000"))
        await table.load()

        async def invoke(request: Request, timeout: float) -> Reply:
            return await node.router.dispatch(
                Invocation("lambda", "us-east-1", "", request, None, timeout)
            )

        door = FrontDoor(Table({}))
        door.urls = UrlDoor(table, "localhost", lambda key, token: known.get(key), invoke)
        listener = await listen(door)
        try:
            yield Urls(node, table, listener.port)
        finally:
            await listener.close()
            await table.aclose()


async def test_url_is_made_shown_changed_and_deleted(tmp_path: Path) -> None:
    async with urls(tmp_path) as front:
        node = front.node
        made = await node("create_function_url_config", FunctionName="f", AuthType="AWS_IAM")
        assert made["FunctionUrl"].endswith(".lambda-url.localhost:8080/")
        assert (made["AuthType"], made["InvokeMode"]) == ("AWS_IAM", "BUFFERED")
        with pytest.raises(ClientError, match="FunctionUrlConfig exists"):
            await node("create_function_url_config", FunctionName="f", AuthType="NONE")
        cors = {"AllowOrigins": ["https://a.example"], "MaxAge": 60}
        changed = await node(
            "update_function_url_config", FunctionName="f", Cors=cors, InvokeMode="RESPONSE_STREAM"
        )
        assert changed["FunctionUrl"] == made["FunctionUrl"]
        shown = await node("get_function_url_config", FunctionName="f")
        assert (shown["Cors"], shown["InvokeMode"]) == (cors, "RESPONSE_STREAM")
        listed = await node("list_function_url_configs", FunctionName="f")
        assert [each["FunctionUrl"] for each in listed["FunctionUrlConfigs"]] == [
            made["FunctionUrl"]
        ]
        await node("delete_function_url_config", FunctionName="f")
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            await node("get_function_url_config", FunctionName="f")
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            await node(
                "create_function_url_config", FunctionName="f", Qualifier="live", AuthType="NONE"
            )


async def test_event_has_exactly_the_services_fields(tmp_path: Path) -> None:
    async with urls(tmp_path) as front:
        id = await front.make()
        got = await front.ask(
            id,
            "/a%20b/c?x=1&x=2&y=%26",
            "POST",
            content="grüß".encode(),
            headers={
                "Content-Type": "text/plain; charset=utf-8",
                "Cookie": "a=1; b=2",
                "X-One": "1",
            },
        )
        event = got.json()
        assert (got.status_code, got.headers["content-type"]) == (200, "application/json")
        assert got.headers["x-amzn-requestid"] == event["requestContext"]["requestId"]
        assert set(event) == {
            "version", "routeKey", "rawPath", "rawQueryString", "cookies", "headers",
            "queryStringParameters", "requestContext", "body", "isBase64Encoded",
        }  # fmt: skip
        assert (event["version"], event["routeKey"]) == ("2.0", "$default")
        assert (event["rawPath"], event["rawQueryString"]) == ("/a%20b/c", "x=1&x=2&y=%26")
        assert event["queryStringParameters"] == {"x": "1,2", "y": "&"}
        assert event["cookies"] == ["a=1", "b=2"]
        assert (event["headers"]["x-one"], "cookie" in event["headers"]) == ("1", False)
        assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
        assert (event["body"], event["isBase64Encoded"]) == ("grüß", False)
        context = event["requestContext"]
        assert context["accountId"] == "anonymous"
        assert (context["apiId"], context["stage"]) == (id, "$default")
        assert context["domainName"] == f"{id}.lambda-url.localhost"
        http = {key: context["http"][key] for key in ("method", "path", "protocol", "sourceIp")}
        assert http == {
            "method": "POST", "path": "/a%20b/c", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
        }  # fmt: skip
        form = (await front.ask(id, "/", "POST", data={"a": "1"})).json()
        assert (form["body"], form["isBase64Encoded"]) == ("YT0x", True)


async def test_url_answers_without_dns_too(tmp_path: Path) -> None:
    async with urls(tmp_path) as front:
        id = await front.make()
        got = await front.ask("nobody", f"/lambda-url/{id}/x/y?z=1")
        assert (got.json()["rawPath"], got.json()["rawQueryString"]) == ("/x/y", "z=1")
        assert (await front.ask("nobody")).status_code == 403
        await front.node("delete_function_url_config", FunctionName="f")
        await front.until(lambda: front.table.find(id) is None)
        gone = await front.ask(id)
        assert (gone.status_code, gone.json()) == (403, {"Message": "Forbidden"})


ANSWERS = """
import json
def handler(event, context):
    which = event["rawPath"]
    if which == "/head":
        return {"statusCode": 201, "headers": {"X-Own": "1", "Content-Type": "text/html"},
                "cookies": ["a=1; Path=/", "b=2"], "body": "<p>"}
    if which == "/binary":
        return {"statusCode": 200, "body": "AAEC", "isBase64Encoded": True}
    if which == "/text":
        return "plain"
    if which == "/wrong":
        return {"statusCode": "many", "body": "x"}
    if which == "/large":
        return "x" * 7_000_000
    raise ValueError("no")
"""


async def test_answers_follow_the_services_rules(tmp_path: Path) -> None:
    async with urls(tmp_path, ANSWERS) as front:
        id = await front.make()
        head = await front.ask(id, "/head")
        assert (head.status_code, head.text, head.headers["x-own"]) == (201, "<p>", "1")
        assert head.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
        assert head.headers["content-type"] == "text/html"
        assert (await front.ask(id, "/binary")).content == bytes([0, 1, 2])
        text = await front.ask(id, "/text")
        assert (text.content, text.headers["content-type"]) == (b'"plain"', "application/json")
        for path in ("/wrong", "/large", "/raise"):
            failed = await front.ask(id, path)
            assert (failed.status_code, failed.text) == (502, "Internal Server Error")


async def test_public_url_needs_the_functions_permission(tmp_path: Path) -> None:
    async with urls(tmp_path) as front:
        id = await front.make(public=False)
        refused = await front.ask(id)
        assert (refused.status_code, refused.json()) == (403, {"Message": "Forbidden"})
        assert refused.headers["x-amzn-errortype"] == "AccessDeniedException"


async def test_policy_that_cannot_be_read_allows_nothing_and_hinders_no_other(
    tmp_path: Path,
) -> None:
    async with urls(tmp_path) as front:
        await front.node.create(EVENT, "g")
        odd = {"": [{"Sid": "odd", "Effect": "Perhaps"}]}
        await front.node.host.book.edit_known("g", lambda r: structs.replace(r, policies=odd))
        closed = await front.make("g", public=False)
        assert (await front.ask(closed)).status_code == 403
        assert (await front.ask(await front.make())).status_code == 200


async def test_signed_url_asks_for_a_signature_and_the_signers_permission(tmp_path: Path) -> None:
    allow = {"Effect": "Allow", "Action": "lambda:InvokeFunctionUrl", "Resource": "*"}
    own = parse({"Version": "2012-10-17", "Statement": [allow]})
    async with urls(tmp_path) as front:
        id = await front.make(public=False, AuthType="AWS_IAM")
        assert (await front.ask(id)).status_code == 403
        root = await front.signed(id, ROOT.access_key_id, ROOT.secret_access_key, b"hello")
        event = root.json()
        assert event["body"] == "hello"
        assert event["requestContext"]["accountId"] == "000000000000"
        iam = event["requestContext"]["authorizer"]["iam"]
        assert iam["userArn"] == "arn:aws:iam::000000000000:root"
        assert (await front.signed(id, *ADA)).json() == {"Message": "Forbidden"}
        wrong = await front.signed(id, ADA[0], "another secret")
        assert wrong.headers["x-amzn-errortype"] == "InvalidSignatureException"
        assert "signature we calculated" in wrong.json()["message"]
        other = await front.signed(id, *ADA, service="execute-api")
        assert "correct service: 'lambda'" in other.json()["message"]
        await front.node(
            "add_permission",
            FunctionName="f",
            StatementId="ada",
            Action="lambda:InvokeFunctionUrl",
            Principal="arn:aws:iam::000000000000:user/ada",
            FunctionUrlAuthType="AWS_IAM",
        )
        await front.until(lambda: getattr(front.table.find(id), "policy", None) is not None)
        assert (await front.signed(id, *ADA)).status_code == 200
    async with urls(tmp_path / "other", policies=(own,)) as front:
        id = await front.make(public=False, AuthType="AWS_IAM")
        assert (await front.signed(id, *ADA)).status_code == 200


async def test_cors_is_answered_by_the_urls_settings(tmp_path: Path) -> None:
    code = "def handler(e, c):\n    return {'statusCode': 200, 'headers': {'access-control-allow-origin': 'own'}}\n"  # noqa: E501
    async with urls(tmp_path, code) as front:
        id = await front.make(
            Cors={
                "AllowOrigins": ["https://a.example"],
                "AllowMethods": ["GET", "POST"],
                "AllowHeaders": ["x-one"],
                "ExposeHeaders": ["x-two"],
                "AllowCredentials": True,
                "MaxAge": 60,
            }
        )
        asking = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
        before = await front.ask(id, method="OPTIONS", headers=asking)
        assert before.status_code == 200
        assert before.headers["access-control-allow-origin"] == "https://a.example"
        assert before.headers["access-control-allow-methods"] == "GET,POST"
        assert before.headers["access-control-allow-headers"] == "x-one"
        assert before.headers["access-control-max-age"] == "60"
        assert before.headers["access-control-allow-credentials"] == "true"
        got = await front.ask(id, headers={"Origin": "https://a.example"})
        assert got.headers.get_list("access-control-allow-origin") == ["https://a.example"]
        assert got.headers["access-control-expose-headers"] == "x-two"
        other = await front.ask(id, headers={"Origin": "https://b.example"})
        assert other.headers["access-control-allow-origin"] == "own"
        stranger = {**asking, "Origin": "https://b.example"}
        refused = await front.ask(id, method="OPTIONS", headers=stranger)
        assert "access-control-allow-origin" not in refused.headers


async def test_alias_has_its_own_url(tmp_path: Path) -> None:
    async with urls(tmp_path, "def handler(e, c):\n    return c.invoked_function_arn\n") as front:
        await front.node("publish_version", FunctionName="f")
        await front.node("create_alias", FunctionName="f", Name="live", FunctionVersion="1")
        await front.node(
            "add_permission",
            FunctionName="f",
            Qualifier="live",
            StatementId="url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        )
        id = await front.make(public=False, Qualifier="live")
        assert (await front.ask(id)).json().endswith(":function:f:live")


async def test_throttled_function_is_too_many_requests(tmp_path: Path) -> None:
    async with urls(tmp_path, function_limits=FunctionLimits(queue_seconds=0.1)) as front:
        id = await front.make()
        await front.node(
            "put_function_concurrency", FunctionName="f", ReservedConcurrentExecutions=0
        )
        got = await front.ask(id)
        assert got.status_code == 429
        assert got.json()["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


NODE = """
export const head = awslambda.streamifyResponse(async (event, stream) => {
  const out = awslambda.HttpResponseStream.from(stream, {
    statusCode: 203, headers: {'x-own': '1', 'content-type': 'text/plain'}, cookies: ['a=1'] });
  for (const piece of ['one ', 'two ', 'three']) {
    out.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  out.end();
});
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_streamed_answer_arrives_in_pieces(tmp_path: Path) -> None:
    async with urls(tmp_path) as front:
        await front.node(
            "create_function",
            FunctionName="g",
            Runtime="nodejs20.x",
            Handler="index.head",
            Role="arn:aws:iam::000000000000:role/worker",
            Code={"ZipFile": zipped({"index.mjs": NODE})},
        )
        id = await front.make("g", InvokeMode="RESPONSE_STREAM")
        pieces: list[bytes] = []
        async with httpx.AsyncClient(timeout=10) as client:
            url = f"http://127.0.0.1:{front.port}/lambda-url/{id}/"
            async with client.stream("GET", url) as got:
                assert (got.status_code, got.headers["x-own"]) == (203, "1")
                assert got.headers["set-cookie"] == "a=1"
                pieces += [piece async for piece in got.aiter_raw()]
        assert b"".join(pieces) == b"one two three"
        assert len(pieces) > 1
        id = await front.make("f", InvokeMode="RESPONSE_STREAM")
        plain = await front.ask(id)
        assert json.loads(plain.content)["rawPath"] == "/"


def test_url_answers_through_every_worker_of_a_gateway(tmp_path: Path) -> None:
    with gateway(tmp_path, "--workers", "2") as running:
        lambda_ = running.client("lambda")
        lambda_.create_function(
            FunctionName="f",
            Runtime=PYTHON,
            Handler="app.handler",
            Role="arn:aws:iam::000000000000:role/worker",
            Code={"ZipFile": zipped({"app.py": EVENT})},
        )
        made = lambda_.create_function_url_config(FunctionName="f", AuthType="NONE")
        lambda_.add_permission(
            FunctionName="f",
            StatementId="url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        )
        assert f":{running.run['port']}/" in made["FunctionUrl"]
        id = made["FunctionUrl"].partition("://")[2].partition(".")[0]
        # A URL is known to every worker a moment after it was made.
        seen: list[int] = []
        end = time.monotonic() + 10
        while seen[-8:] != [200] * 8:
            assert time.monotonic() < end, seen
            seen.append(running.ask(f"/lambda-url/{id}/x")[0])
