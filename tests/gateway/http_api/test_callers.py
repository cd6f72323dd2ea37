"""Who may call a route: tokens, functions, signatures; CORS, limits and logs around it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.builders import ports, serving
from tests.gateway.authorizers.test_aws_iam import SECRET, identities, statement
from tests.gateway.authorizers.test_cognito import Desk
from tests.gateway.http_api.serving import (
    FUNCTION,
    Lambda,
    answer,
    api,
    ask,
    door,
    function,
    proxy,
    with_functions,
)
from torana.gateway.access_line import access_line
from torana.gateway.front_door import FrontDoor
from torana.gateway.issuers import Issuers
from torana.message import Headers, Request
from torana.model.http_api import (
    Authorizer,
    Cors,
    JwtConfiguration,
    Route,
    RouteSettings,
    Stage,
)
from torana.net.client import HttpClient

AUTH = f"{FUNCTION[:-1]}auth"
INVOCATION = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{AUTH}/invocations"
FORBIDDEN, UNAUTHORIZED = (403, {"message": "Forbidden"}), (401, {"message": "Unauthorized"})
FAULT = (500, {"message": "Internal Server Error"})


@asynccontextmanager
async def issuing(*scopes: str) -> AsyncGenerator[tuple[Desk, Lambda, FrontDoor]]:
    desk, client, functions = Desk(), HttpClient(), Lambda(f={"ok": True})
    async with serving(desk) as listener:
        desk.url = f"http://127.0.0.1:{listener.port}/pool"
        tokens = Authorizer(
            "tokens",
            "JWT",
            "t",
            identity_source=("$request.header.Authorization",),
            jwt_configuration=JwtConfiguration(desk.url, ("app",)),
        )
        route = Route("$default", "1", "", "JWT", "t", scopes)
        own = msgspec.structs.replace(with_functions(functions), issuers=Issuers(client))
        yield desk, functions, door(api([(route, function("1"))], tokens), None, own)
        await client.aclose()


async def test_a_token_of_the_issuer_for_the_audience_is_let_in() -> None:
    async with issuing() as (desk, functions, of):
        token = desk.token(aud="app", n=5, groups=["a", "b"])
        assert (await answer(of, ask("/", authorization=f"Bearer {token}")))[0] == 200
        assert (await answer(of, ask("/", authorization=token)))[0] == 200
        said = functions.asked[0]["requestContext"]["authorizer"]["jwt"]
        assert said["scopes"] is None
        assert said["claims"]["n"] == "5"
        assert said["claims"]["groups"] == "[a b]"
        assert desk.asked == 1


async def test_client_id_stands_for_an_audience() -> None:
    async with issuing() as (desk, _, of):
        token = desk.token(client_id="app")
        assert (await answer(of, ask("/", authorization=token)))[0] == 200


@pytest.mark.parametrize(
    ("claims", "challenge"),
    [
        ({"aud": "other"}, 'error="invalid_token" error_description="the token does not have a'),
        ({"aud": "app", "exp": 1}, 'error="invalid_token" error_description="the token has exp'),
        ({"aud": "app", "iss": "http://other"}, 'error="invalid_token"'),
    ],
)
async def test_a_refused_client_is_told_why(claims: dict[str, Any], challenge: str) -> None:
    async with issuing() as (desk, _, of):
        status, headers, body = await answer(of, ask("/", authorization=desk.token(**claims)))
        assert (status, body) == UNAUTHORIZED
        assert challenge in (headers.get("www-authenticate") or "")


async def test_without_a_token_nobody_is_let_in() -> None:
    async with issuing() as (_, _, of):
        status, headers, body = await answer(of, ask("/"))
        assert (status, body, headers.get("www-authenticate")) == (*UNAUTHORIZED, "Bearer")


async def test_a_route_with_scopes_wants_one_of_them() -> None:
    async with issuing("read", "write") as (desk, functions, of):
        good = desk.token(aud="app", scope="write other")
        assert (await answer(of, ask("/", authorization=good)))[0] == 200
        said = functions.asked[0]["requestContext"]["authorizer"]["jwt"]
        assert said["scopes"] == ["write", "other"]
        bad = desk.token(aud="app", scope="other")
        status, headers, body = await answer(of, ask("/", authorization=bad))
        assert (status, body) == FORBIDDEN
        assert 'error="insufficient_scope"' in (headers.get("www-authenticate") or "")


def authorized(functions: Lambda, version: str = "2.0", **fields: Any) -> FrontDoor:
    given = Authorizer(
        "asks",
        "REQUEST",
        "a",
        INVOCATION,
        authorizer_payload_format_version=version,  # pyright: ignore[reportArgumentType]
        **fields,
    )
    route = Route("GET /{id}", "1", "", "CUSTOM", "a")
    return door(api([(route, function("1"))], given), Stage("dev"), with_functions(functions))


YES = {"isAuthorized": True, "context": {"n": 1, "deep": {"a": [1]}}}


async def test_a_function_says_yes_or_no() -> None:
    functions = Lambda(f={}, auth=YES)
    of = authorized(functions, enable_simple_responses=True, identity_source=("$request.header.a",))
    assert (await answer(of, ask("/dev/1", a="x")))[0] == 200
    said = functions.asked[1]["requestContext"]["authorizer"]
    assert said == {"lambda": {"n": 1, "deep": {"a": [1]}}}
    functions.answers["auth"] = {"isAuthorized": False}
    assert (await answer(of, ask("/dev/1", a="x")))[::2] == FORBIDDEN


async def test_format_two_of_an_authorizers_event() -> None:
    functions = Lambda(f={}, auth=YES)
    sources = ("$request.header.a", "$request.querystring.b")
    of = authorized(functions, enable_simple_responses=True, identity_source=sources)
    await answer(of, ask("/dev/1?b=2", a="x"))
    event = functions.asked[0]
    assert (event["version"], event["type"]) == ("2.0", "REQUEST")
    assert event["routeArn"].endswith(":abc/dev/GET/1")
    assert event["identitySource"] == ["x", "2"]
    assert (event["routeKey"], event["pathParameters"]) == ("GET /{id}", {"id": "1"})
    assert "body" not in event


async def test_format_one_answers_with_a_policy() -> None:
    allow = {"Version": "2012-10-17", "Statement": [statement("Allow", "*")]}
    functions = Lambda(
        f={}, auth={"principalId": "me", "policyDocument": allow, "context": {"k": 1}}
    )
    of = authorized(functions, "1.0", identity_source=("$request.header.a",))
    assert (await answer(of, ask("/dev/1", a="x")))[0] == 200
    event = functions.asked[0]
    assert (event["version"], event["authorizationToken"]) == ("1.0", "x")
    assert event["methodArn"].endswith(":abc/dev/GET/1")
    allow["Statement"][0]["Resource"] = "arn:aws:execute-api:*:*:abc/dev/GET/2"  # pyright: ignore
    assert (await answer(of, ask("/dev/1", a="x")))[::2] == FORBIDDEN


async def test_without_its_identity_sources_a_function_is_not_asked() -> None:
    functions = Lambda(f={}, auth=YES)
    of = authorized(functions, enable_simple_responses=True, identity_source=("$request.header.a",))
    assert (await answer(of, ask("/dev/1")))[::2] == UNAUTHORIZED
    assert functions.asked == []


@pytest.mark.parametrize("said", ["yes", {"isAuthorized": "yes"}, {"context": 1}])
async def test_an_answer_that_is_none_is_an_internal_server_error(said: Any) -> None:
    functions = Lambda(f={}, auth=said)
    of = authorized(functions, enable_simple_responses=True)
    assert (await answer(of, ask("/dev/1")))[::2] == FAULT


async def test_an_answer_is_kept_by_the_identity_sources() -> None:
    functions = Lambda(f={}, auth=YES)
    of = authorized(
        functions,
        enable_simple_responses=True,
        identity_source=("$request.header.a",),
        authorizer_result_ttl_in_seconds=60,
    )
    for value in ("x", "x", "y"):
        await answer(of, ask("/dev/1", a=value))
    asked = [event for event in functions.asked if event.get("type") == "REQUEST"]
    assert [event["identitySource"] for event in asked] == [["x"], ["y"]]


def signed(path: str, key: str = "AKIAALICE") -> Request:
    request = AWSRequest("GET", f"http://abc.execute-api.localhost{path}", {}, b"")
    SigV4Auth(Credentials(key, SECRET), "execute-api", "us-east-1").add_auth(request)
    fields: list[tuple[str, str]] = [("Host", "abc.execute-api.localhost")]
    fields += [(name, str(value)) for name, value in request.headers.items()]
    return Request("GET", path, Headers(fields))


async def test_signatures_of_those_who_may_are_let_in() -> None:
    functions = Lambda(f={})
    known = identities(statement("Allow", "arn:aws:execute-api:*:*:abc/*/GET/a"))
    own = msgspec.structs.replace(with_functions(functions), identify=known.get)
    route = Route("$default", "1", "", "AWS_IAM")
    of = door(api([(route, function("1"))]), None, own)
    assert (await answer(of, signed("/a")))[0] == 200
    said = functions.asked[0]["requestContext"]["authorizer"]["iam"]
    assert said["userArn"].endswith(":user/alice")
    assert (await answer(of, signed("/b")))[::2] == FORBIDDEN
    assert (await answer(of, ask("/a")))[::2] == FORBIDDEN


CORS = Cors(
    allow_origins=("https://a.b", "https://*"),
    allow_methods=("GET", "POST"),
    allow_headers=("authorization",),
    expose_headers=("date",),
    max_age=300,
)


def preflight(path: str = "/x", origin: str = "https://a.b") -> Any:
    return ask(path, "OPTIONS", origin=origin, access_control_request_method="GET")


async def test_a_preflight_is_answered_whatever_the_routes() -> None:
    of = door(api({"GET /x": function("1")}, cors_configuration=CORS), None, ports(HttpClient()))
    status, headers, _ = await answer(of, preflight())
    assert status == 204
    assert headers.get("access-control-allow-origin") == "https://a.b"
    assert headers.get("access-control-allow-methods") == "GET,POST"
    assert headers.get("access-control-allow-headers") == "authorization"
    assert headers.get("access-control-max-age") == "300"
    status, headers, _ = await answer(of, preflight(origin="http://evil"))
    assert (status, headers.get("access-control-allow-origin")) == (204, None)
    assert (await answer(of, ask("/x", "OPTIONS")))[0] == 404


async def test_a_route_that_takes_options_authorizes_preflights_first() -> None:
    async with issuing() as (_, _, of):
        live = of.table.stages["abc", "$default"]
        assert str(live.plan.routes[0]) == "authorize > aws_proxy > request_id"
    functions = Lambda(f={}, auth={"isAuthorized": False})
    given = Authorizer("a", "REQUEST", "a", INVOCATION, None, "2.0", 0, True)
    route = Route("$default", "1", "", "CUSTOM", "a")
    closed = api([(route, function("1"))], given, cors_configuration=CORS)
    of = door(closed, None, with_functions(functions))
    assert (await answer(of, preflight()))[0] == 403


async def test_replies_say_who_may_read_them_in_place_of_the_backends_own() -> None:
    said = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*", "A": "1"}}
    of = door(
        api({"$default": function("1")}, cors_configuration=CORS),
        None,
        with_functions(Lambda(f=said)),
    )
    _, headers, _ = await answer(of, ask("/", origin="https://any.where"))
    assert headers.all("access-control-allow-origin") == ["https://any.where"]
    assert headers.get("access-control-expose-headers") == "date"
    _, headers, _ = await answer(of, ask("/", origin="http://evil"))
    assert headers.get("access-control-allow-origin") is None


async def test_each_route_has_a_bucket_of_its_own() -> None:
    stage = Stage(
        default_route_settings=RouteSettings(throttling_burst_limit=1, throttling_rate_limit=0.001),
        route_settings={
            "GET /b": RouteSettings(throttling_burst_limit=2, throttling_rate_limit=0.001)
        },
    )
    routes = {f"GET /{name}": function(name) for name in "abc"}
    of = door(api(routes), stage, with_functions(Lambda(f={})))
    found = [(await answer(of, ask(f"/{name}")))[0] for name in "aabbbc"]
    assert found == [200, 429, 200, 200, 429, 200]
    assert (await answer(of, ask("/a")))[2] == {"message": "Too Many Requests"}


async def test_access_logs_know_the_variables_of_http_apis() -> None:
    seen: list[Any] = []
    of = door(
        api({"GET /{id}": function("1")}),
        Stage("dev"),
        with_functions(Lambda(f={"statusCode": 201}), seen),
    )
    _, headers, _ = await answer(of, ask("/dev/1"))
    names = ("routeKey", "stage", "status", "path", "httpMethod", "integrationStatus", "requestId")
    line = access_line(" ".join(f"$context.{name}" for name in names), seen[0].to)(seen[0])
    id = headers.get("apigw-requestid")
    assert line == f"GET /{{id}} dev 201 /dev/1 GET 200 {id}"


def test_a_route_pays_only_for_what_it_needs() -> None:
    of = door(api({"$default": proxy("1", "http://127.0.0.1:1")}))
    plan = of.table.stages["abc", "$default"].plan
    assert str(plan.routes[0]) == "http_proxy > request_id"
    assert plan.routes[0].needs_body is False
