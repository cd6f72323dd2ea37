"""APIs whose methods and authorizers are functions that really run."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.app.lambdas import Lambdas, lambdas
from tests.builders import api, ask, door, ports
from tests.services.serving import ROOT, make_router
from torana.gateway.contract import AwsCall
from torana.gateway.errors import InvalidApi
from torana.gateway.front_door import FrontDoor
from torana.message import Reply, Request, read
from torana.model.rest import (
    Authorizer,
    GatewayResponse,
    Integration,
    IntegrationResponse,
    Method,
    RestApi,
    Stage,
)
from torana.net.client import HttpClient
from torana.services.router import Invocation, Router
from torana.settings import Function, Service

ARN = "arn:aws:lambda:us-east-1:000000000000:function"


def uri(name: str) -> str:
    path = f"path/2015-03-31/functions/{ARN}:{name}/invocations"
    return f"arn:aws:apigateway:us-east-1:lambda:{path}"


def proxy(path: str = "/pets/{id}", verb: str = "ANY", name: str = "f", **fields: Any) -> Method:
    return Method(verb, path, Integration("AWS_PROXY", uri(name), "POST"), **fields)


@asynccontextmanager
async def functions(folder: Path, **codes: str) -> AsyncGenerator[Lambdas]:
    """A node with a function of one Python file for each name."""
    defined: dict[str, Function] = {}
    for name, code in codes.items():
        at = folder / name
        at.mkdir()
        (at / "app.py").write_text(code)
        defined[name] = Function(str(at), "app.handler", timeout=10)
    async with lambdas(folder / "data", functions=defined) as node:
        yield node


def serving(node: Lambdas, of: RestApi, through: Router | None = None) -> FrontDoor:
    """The API over the node's functions, or over what another router reaches."""
    router = through or node.router

    async def call(call: AwsCall) -> Reply:
        return await router.dispatch(
            Invocation(
                call.service, call.region, call.action, call.request, call.credentials, call.timeout
            )
        )

    return door(of, Stage("prod", variables={"color": "red"}), ports(HttpClient(), {}, call))


async def answer(of: FrontDoor, request: Request) -> tuple[Reply, bytes]:
    reply = await of(request)
    return reply, await read(reply.body, 1 << 24)


ECHO = "import json\ndef handler(event, context):\n    return {'body': json.dumps(event)}\n"


async def test_proxy_event_has_exactly_the_services_fields(tmp_path: Path) -> None:
    async with functions(tmp_path, f=ECHO) as node:
        of = serving(node, api(proxy()))
        request = ask(
            "/pets/a%20b?x=1&x=2&y=%26", "POST", "grüß".encode(), content_type="text/plain"
        )
        request.headers.add("X-Twice", "one")
        request.headers.add("X-Twice", "two")
        reply, body = await answer(of, request)
    assert (reply.status, reply.headers.get("content-type")) == (200, "application/json")
    event = json.loads(body)
    assert set(event) == {
        "resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters",
        "multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext",
        "body", "isBase64Encoded",
    }  # fmt: skip
    assert (event["resource"], event["path"], event["httpMethod"]) == (
        "/pets/{id}", "/pets/a b", "POST",
    )  # fmt: skip
    assert event["queryStringParameters"] == {"x": "2", "y": "&"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": ["&"]}
    assert event["pathParameters"] == {"id": "a b"}
    assert event["stageVariables"] == {"color": "red"}
    assert (event["body"], event["isBase64Encoded"]) == ("grüß", False)
    assert event["headers"]["X-Twice"] == "two"
    assert event["multiValueHeaders"]["X-Twice"] == ["one", "two"]
    assert event["headers"]["Host"] == "localhost"
    assert {"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Amzn-Trace-Id"} <= set(
        event["headers"]
    )
    context = event["requestContext"]
    assert set(context) == {
        "accountId", "apiId", "deploymentId", "resourceId", "resourcePath", "stage", "httpMethod",
        "extendedRequestId", "requestTime", "path", "protocol", "domainPrefix",
        "requestTimeEpoch", "requestId", "domainName", "identity",
    }  # fmt: skip
    assert (context["path"], context["stage"]) == ("/prod/pets/a%20b", "prod")
    assert set(context["identity"]) == {
        "cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "sourceIp",
        "principalOrgId", "accessKey", "cognitoAuthenticationType",
        "cognitoAuthenticationProvider", "userArn", "userAgent", "user",
    }  # fmt: skip


async def test_absent_parts_of_a_proxy_event_are_null(tmp_path: Path) -> None:
    async with functions(tmp_path, f=ECHO) as node:
        _, body = await answer(serving(node, api(proxy("/"))), ask("/"))
    event = json.loads(body)
    for name in ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters"):
        assert event[name] is None
    assert event["body"] is None


async def test_binary_bodies_travel_as_base64_both_ways(tmp_path: Path) -> None:
    code = (
        "def handler(event, context):\n    return {'body': event['body'], 'isBase64Encoded':"
        " event['isBase64Encoded'], 'headers': {'Content-Type': 'image/png'}}\n"
    )
    async with functions(tmp_path, f=code) as node:
        of = serving(node, api(proxy("/"), binary_media_types=("image/*",)))
        sent = bytes(range(256))
        _, body = await answer(
            of, ask("/", "POST", sent, content_type="image/png", accept="image/png")
        )
        assert body == sent
        _, text = await answer(of, ask("/", "POST", sent, content_type="image/png"))
        assert base64.b64decode(text) == sent


ANSWER = "def handler(event, context):\n    return %s\n"


async def test_status_headers_and_several_values_reach_the_client(tmp_path: Path) -> None:
    said = (
        "{'statusCode': '201', 'headers': {'X-One': 'a', 'X-Two': 'b', 'X-Yes': True},"
        " 'multiValueHeaders': {'X-Two': ['b', 'c']}, 'body': 'made'}"
    )
    async with functions(tmp_path, f=ANSWER % said) as node:
        reply, body = await answer(serving(node, api(proxy("/"))), ask("/"))
    assert (reply.status, body) == (201, b"made")
    assert reply.headers.get("x-one") == "a"
    assert reply.headers.get("x-yes") == "true"
    assert reply.headers.all("x-two") == ["b", "c"]
    assert reply.headers.get("x-amzn-trace-id")


MALFORMED = (
    "'text'", "[1]", "None", "{'status': 200}", "{'statusCode': 'ok'}", "{'statusCode': 99}",
    "{'body': {'a': 1}}", "{'headers': {'n': 1}}", "{'headers': {'x': 'a\\r\\nb: c'}}",
    "{'isBase64Encoded': 'yes'}", "{'multiValueHeaders': {'n': 'v'}}", "1 / 0",
)  # fmt: skip


async def test_malformed_answers_and_failures_are_502(tmp_path: Path) -> None:
    code = ANSWER % "eval(event['body'])"
    async with functions(tmp_path, f=code) as node:
        of = serving(node, api(proxy("/")))
        for said in MALFORMED:
            reply, body = await answer(of, ask("/", "POST", said.encode()))
            assert (said, reply.status) == (said, 502)
            assert body == b'{"message": "Internal server error"}'
        assert (await answer(of, ask("/", "POST", b"{}")))[0].status == 200


async def test_missing_function_is_500_and_a_slow_one_504(tmp_path: Path) -> None:
    slow = "import time\ndef handler(event, context):\n    time.sleep(2)\n"
    async with functions(tmp_path, f=slow) as node:
        late = Method(
            "GET", "/slow", Integration("AWS_PROXY", uri("f"), "POST", timeout_in_millis=300)
        )
        of = serving(node, api(proxy("/none", name="none"), late))
        reply, body = await answer(of, ask("/none"))
        assert (reply.status, body) == (500, b'{"message": "Internal server error"}')
        reply, body = await answer(of, ask("/slow"))
        assert (reply.status, body) == (504, b'{"message": "Endpoint request timed out"}')


def test_proxy_to_something_else_is_refused_when_the_api_is_compiled() -> None:
    other = "arn:aws:apigateway:us-east-1:s3:path/bucket/key"
    with pytest.raises(InvalidApi, match=r"lambda:path/2015-03-31/functions"):
        door(api(Method("GET", "/", Integration("AWS_PROXY", other, "POST"))))


async def test_custom_integration_maps_function_errors_by_message(tmp_path: Path) -> None:
    code = (
        "def handler(event, context):\n    if event['n'] > 9:\n"
        "        raise ValueError('Too large: %d' % event['n'])\n"
        "    return {'twice': event['n'] * 2}\n"
    )
    integration = Integration(
        "AWS",
        uri("f"),
        "POST",
        request_templates={"application/json": '{"n": $input.json("$.n")}'},
        responses=(
            IntegrationResponse(
                "200", response_templates={"application/json": "$input.json('$.twice')"}
            ),
            IntegrationResponse(
                "400", "Too large.*", {}, {"application/json": "$input.json('$.errorMessage')"}
            ),
        ),
    )
    async with functions(tmp_path, f=code) as node:
        of = serving(
            node,
            api(
                Method("POST", "/", integration),
                Method(
                    "POST",
                    "/none",
                    Integration("AWS", uri("none"), "POST", responses=integration.responses),
                ),
            ),
        )
        good = await answer(of, ask("/", "POST", b'{"n": 4}'))
        assert (good[0].status, good[1]) == (200, b"8")
        bad = await answer(of, ask("/", "POST", b'{"n": 40}'))
        assert (bad[0].status, bad[1]) == (400, b'"Too large: 40"')
        assert (await answer(of, ask("/none", "POST", b"{}")))[0].status == 500


async def test_asynchronous_custom_integration_answers_at_once(tmp_path: Path) -> None:
    code = (
        "import time\ndef handler(event, context):\n    time.sleep(0.5)\n    print('RAN', event)\n"
    )
    integration = Integration(
        "AWS",
        uri("f"),
        "POST",
        request_parameters={"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
        responses=(IntegrationResponse("200"),),
    )
    async with functions(tmp_path, f=code) as node:
        of = serving(node, api(Method("POST", "/", integration)))
        reply, _ = await answer(of, ask("/", "POST", b'{"n": 1}'))
        assert reply.status == 200
        log = tmp_path / "data" / "logs" / "_aws_lambda_f.log"
        for _ in range(100):
            await asyncio.sleep(0.05)
            if log.exists() and "RAN {'n': 1}" in log.read_text():
                return
        pytest.fail("it never ran")


STREAM = """
export const handler = awslambda.streamifyResponse(async (event, out) => {
  out = awslambda.HttpResponseStream.from(out, { statusCode: 207, headers: { 'X-Own': 'yes' } });
  for (const word of ['one ', 'two ', 'three']) {
    out.write(word);
    await new Promise((done) => setTimeout(done, 40));
  }
  out.end();
});
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_streamed_proxy_answer_arrives_in_pieces(tmp_path: Path) -> None:
    at = tmp_path / "s"
    at.mkdir()
    (at / "index.mjs").write_text(STREAM)
    defined = {"s": Function(str(at), "index.handler", "nodejs20.x")}
    target = f"path/2021-11-15/functions/{ARN}:s/response-streaming-invocations"
    integration = Integration(
        "AWS_PROXY",
        f"arn:aws:apigateway:us-east-1:lambda:{target}",
        "POST",
        response_transfer_mode="STREAM",
    )
    async with lambdas(tmp_path / "data", functions=defined) as node:
        reply = await serving(node, api(Method("GET", "/", integration)))(ask("/"))
        assert (reply.status, reply.headers.get("x-own")) == (207, "yes")
        assert not isinstance(reply.body, bytes)
        pieces = [piece async for piece in reply.body]
    assert b"".join(pieces) == b"one two three"
    assert len(pieces) > 1


AUTHORIZE = """
import json
def handler(event, context):
    print('ASKED', json.dumps(event))
    token = event.get('authorizationToken') or event['headers'].get('X-Who', '')
    if token == 'nobody':
        raise Exception('Unauthorized')
    if token == 'broken':
        raise Exception('something else')
    if token == 'odd':
        return {'principalId': 'x', 'policyDocument': {'Statement': 'no'}}
    if token == 'nested':
        nested = {'a': {'b': 1}}
    effect = 'Deny' if token == 'denied' else 'Allow'
    resource = event['methodArn'].replace('/pets/1', '/pets/*')
    if token == 'elsewhere':
        resource = event['methodArn'] + '/no'
    return {
        'principalId': 'me',
        'policyDocument': {'Version': '2012-10-17', 'Statement': [
            {'Effect': effect, 'Action': 'execute-api:Invoke', 'Resource': resource}]},
        'context': {'n': 1, 'yes': True, 'text': 't'} if token != 'nested' else nested,
    }
"""
TOKEN = Authorizer(
    "a",
    "TOKEN",
    uri("auth"),
    identity_source="method.request.header.X-Token",
    identity_validation_expression="[a-z]+",
)


def guarded(authorizer: Authorizer, **fields: Any) -> RestApi:
    method = proxy("/pets/{id}", "GET", authorization_type="CUSTOM", authorizer=authorizer.name)
    return api(method, authorizers={authorizer.name: authorizer}, **fields)


def asked(tmp_path: Path) -> list[Any]:
    log = tmp_path / "data" / "logs" / "_aws_lambda_auth.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line.partition("ASKED ")[2]) for line in lines if "ASKED " in line]


async def test_token_authorizer_lets_in_and_hands_its_context_on(tmp_path: Path) -> None:
    async with functions(tmp_path, f=ECHO, auth=AUTHORIZE) as node:
        of = serving(node, guarded(TOKEN))
        reply, body = await answer(of, ask("/pets/1", X_Token="good"))
        assert reply.status == 200
        context = json.loads(body)["requestContext"]["authorizer"]
        latency = context.pop("integrationLatency")
        assert isinstance(latency, int)
        assert context == {"principalId": "me", "n": "1", "yes": "true", "text": "t"}
    assert asked(tmp_path) == [
        {
            "type": "TOKEN",
            "methodArn": "arn:aws:execute-api:us-east-1:000000000000:abc/prod/GET/pets/1",
            "authorizationToken": "good",
        }
    ]


REFUSALS = (
    ("nobody", 401, b'{"message":"Unauthorized"}'),
    ("NOT-VALID", 401, b'{"message":"Unauthorized"}'),
    ("", 401, b'{"message":"Unauthorized"}'),
    ("broken", 500, b'{"message":"Internal server error"}'),
    ("odd", 500, b'{"message":"Internal server error"}'),
    ("nested", 500, b'{"message":"Internal server error"}'),
    ("elsewhere", 403, b'{"Message":"User is not authorized to access this resource"}'),
    (
        "denied",
        403,
        b'{"Message":"User is not authorized to access this resource with an explicit deny"}',
    ),
)


async def test_token_authorizer_refuses_as_the_service_does(tmp_path: Path) -> None:
    async with functions(tmp_path, f=ECHO, auth=AUTHORIZE) as node:
        of = serving(node, guarded(TOKEN))
        for token, status, body in REFUSALS:
            request = ask("/pets/1", X_Token=token) if token else ask("/pets/1")
            reply, said = await answer(of, request)
            assert (token, reply.status, said) == (token, status, body)
        missing = serving(
            node,
            guarded(Authorizer("a", "TOKEN", uri("none"), identity_source=TOKEN.identity_source)),
        )
        reply, _ = await answer(missing, ask("/pets/1", X_Token="good"))
        assert reply.headers.get("x-amzn-errortype") == "AuthorizerConfigurationException"
    assert "NOT-VALID" not in [event["authorizationToken"] for event in asked(tmp_path)]


async def test_kept_result_is_used_but_its_policy_asked_for_every_request(tmp_path: Path) -> None:
    async with functions(tmp_path, f=ECHO, auth=AUTHORIZE) as node:
        once = "arn:aws:execute-api:us-east-1:000000000000:abc/prod/GET/pets/2"
        of = serving(node, guarded(TOKEN))
        assert (await answer(of, ask("/pets/2", X_Token="good")))[0].status == 200
        assert (await answer(of, ask("/pets/2", X_Token="good")))[0].status == 200
        other, _ = await answer(of, ask("/pets/3", X_Token="good"))
        assert other.status == 403
    assert [event["methodArn"] for event in asked(tmp_path)] == [once]


async def test_result_is_asked_anew_when_its_time_is_over_or_none(tmp_path: Path) -> None:
    async with functions(tmp_path, f=ECHO, auth=AUTHORIZE) as node:
        never = Authorizer(
            "a",
            "TOKEN",
            uri("auth"),
            None,
            TOKEN.identity_source,
            authorizer_result_ttl_in_seconds=0,
        )
        of = serving(node, guarded(never))
        for _ in range(2):
            assert (await answer(of, ask("/pets/1", X_Token="good")))[0].status == 200
        soon = Authorizer(
            "a",
            "TOKEN",
            uri("auth"),
            None,
            TOKEN.identity_source,
            authorizer_result_ttl_in_seconds=1,
        )
        of = serving(node, guarded(soon))
        for pause in (0, 0, 1.1):
            await asyncio.sleep(pause)
            assert (await answer(of, ask("/pets/1", X_Token="good")))[0].status == 200
    assert len(asked(tmp_path)) == 4


async def test_request_authorizer_gets_the_request_and_needs_every_source(tmp_path: Path) -> None:
    authorizer = Authorizer(
        "a",
        "REQUEST",
        uri("auth"),
        identity_source="method.request.header.X-Who, method.request.querystring.k,"
        " context.httpMethod",
    )
    async with functions(tmp_path, f=ECHO, auth=AUTHORIZE) as node:
        of = serving(node, guarded(authorizer))
        assert (await answer(of, ask("/pets/1", X_Who="good")))[0].status == 401
        assert asked(tmp_path) == []
        assert (await answer(of, ask("/pets/1?k=v", X_Who="good")))[0].status == 200
        await asyncio.sleep(0.3)
        event = asked(tmp_path)[0]
    assert event["type"] == "REQUEST"
    assert event["methodArn"].endswith(":abc/prod/GET/pets/1")
    assert event["queryStringParameters"] == {"k": "v"}
    assert event["pathParameters"] == {"id": "1"}
    assert event["stageVariables"] == {"color": "red"}
    assert "body" not in event


async def test_refusal_of_an_authorizer_can_be_customised(tmp_path: Path) -> None:
    own = GatewayResponse(
        "UNAUTHORIZED", "418", {}, {"application/json": '{"why": "$context.error.message"}'}
    )
    async with functions(tmp_path, f=ECHO, auth=AUTHORIZE) as node:
        of = serving(node, guarded(TOKEN, gateway_responses={"UNAUTHORIZED": own}))
        reply, body = await answer(of, ask("/pets/1"))
        assert (reply.status, body) == (418, b'{"why": "Unauthorized"}')


async def test_functions_of_another_endpoint_are_called_signed(tmp_path: Path) -> None:
    fails = "def handler(event, context):\n    1 / 0\n"
    async with functions(tmp_path, f=ECHO, g=fails, auth=AUTHORIZE) as node:
        http = HttpClient()
        there = Service("aws", f"http://127.0.0.1:{node.port}", "us-east-1")
        keys = {
            "AWS_ACCESS_KEY_ID": ROOT.access_key_id,
            "AWS_SECRET_ACCESS_KEY": ROOT.secret_access_key,
        }
        router = make_router({"lambda": there}, environment=keys, client=http)
        method = proxy("/pets/{id}", "GET", authorization_type="CUSTOM", authorizer="a")
        of = serving(node, api(method, proxy("/g", name="g"), authorizers={"a": TOKEN}), router)
        reply, body = await answer(of, ask("/pets/1", X_Token="good"))
        assert (reply.status, json.loads(body)["pathParameters"]) == (200, {"id": "1"})
        assert (await answer(of, ask("/g")))[0].status == 502
        await http.aclose()
    assert asked(tmp_path)[0]["authorizationToken"] == "good"
