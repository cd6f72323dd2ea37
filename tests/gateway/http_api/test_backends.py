"""HTTP backends, private ones, and the actions of AWS services."""

import json
from typing import Any

import msgspec
import pytest

from tests.builders import ports, serving
from tests.gateway.http_api.serving import answer, api, ask, door, proxy
from tests.services.serving import make_router
from torana.gateway.contract import AwsCall, Ports
from torana.gateway.errors import InvalidApi
from torana.message import Headers, Reply, Request, read
from torana.model.http_api import Integration, Stage, TlsConfig
from torana.net.client import HttpClient
from torana.services.router import Invocation

LISTENER = "arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/orders/1/2"


async def echo(request: Request) -> Reply:
    """Says what it was asked; with what status and fields, the query says."""
    said = {
        "verb": request.method,
        "target": request.target,
        "fields": {name.lower(): value for name, value in request.headers},
        "body": (await read(request.body, 1 << 20)).decode(),
    }
    fields = [("X-Up", "1"), ("X-Up", "2"), ("Content-Type", "application/json")]
    status = 500 if "fail" in request.target else 200
    return Reply(status, Headers(fields), msgspec.json.encode(said))


async def asked(
    key: str, uri: str, request: Request, stage: Stage | None = None, **fields: Any
) -> tuple[int, Headers, Any]:
    client = HttpClient()
    async with serving(echo) as up:
        where = uri.replace("UP", f"http://127.0.0.1:{up.port}")
        of = door(api({key: proxy("1", where, **fields)}), stage, ports(client))
        found = await answer(of, request)
        await client.aclose()
        return found


async def test_parameters_of_the_path_fill_the_address() -> None:
    _, _, said = await asked("GET /a/{x}/{rest+}", "UP/b/{x}/{rest}", ask("/a/1%202/3/4?q=%20"))
    assert said["target"] == "/b/1%202/3/4?q=%20"


async def test_default_appends_the_whole_path() -> None:
    _, _, said = await asked("$default", "UP/base/?k=v", ask("/a/b?q=1", "PUT", b"x"))
    assert (said["verb"], said["target"], said["body"]) == ("PUT", "/base/a/b?k=v&q=1", "x")


async def test_backends_learn_who_asked_by_forwarded_alone() -> None:
    request = ask("/", x_forwarded_for="9.9.9.9, 8.8.8.8", x_forwarded_proto="https")
    fields = (await asked("$default", "UP", request))[2]["fields"]
    own = "for=127.0.0.1;host=abc.execute-api.localhost;proto=http"
    assert fields["forwarded"] == f"for=9.9.9.9, for=8.8.8.8, {own}"
    assert fields["via"] == "HTTP/1.1 AmazonAPIGateway"
    assert not any(name.startswith("x-forwarded") for name in fields)
    assert fields["host"].startswith("127.0.0.1:")


async def test_requests_are_changed_as_the_parameters_say() -> None:
    parameters = {
        "append:header.X-Id": "$context.apiId",
        "overwrite:header.X-Own": "'fixed'",
        "remove:header.X-Gone": "''",
        "append:querystring.q": "${request.querystring.q}-${request.path.id}",
        "remove:querystring.gone": "''",
        "overwrite:querystring.body": "$request.body.a.b",
        "overwrite:header.Stage": "v${stageVariables.v}",
        "overwrite:path": "/v2/$request.path.id",
    }
    request = ask("/pets/7?q=1&gone=1", "POST", b'{"a":{"b":"c"}}', x_own="1", x_gone="1")
    stage = Stage(stage_variables={"v": "1"})
    said = (await asked("POST /pets/{id}", "UP", request, stage, request_parameters=parameters))[2]
    fields = said["fields"]
    assert said["target"] == "/v2/7?q=1&q=1-7&body=c"
    assert (fields["x-id"], fields["x-own"], fields["stage"]) == ("abc", "fixed", "v1")
    assert "x-gone" not in fields


async def test_a_query_that_no_parameter_touches_is_handed_on_as_it_came() -> None:
    parameters = {"append:header.a": "1"}
    said = (await asked("$default", "UP", ask("/?q=a%20b&&c"), request_parameters=parameters))[2]
    assert said["target"] == "/?q=a%20b&&c"


async def test_replies_are_changed_by_their_status() -> None:
    parameters = {
        "200": {
            "overwrite:statuscode": "202",
            "append:header.X-Up": "3",
            "overwrite:header.Verb": "$response.body.verb",
            "overwrite:header.Both": "$response.header.X-Up",
        },
        "500": {"remove:header.X-Up": "''", "overwrite:statuscode": "403"},
    }
    good, headers, _ = await asked("$default", "UP", ask("/"), response_parameters=parameters)
    assert (good, headers.all("x-up")) == (202, ["1", "2", "3"])
    assert (headers.get("verb"), headers.get("both")) == ("GET", "1,2")
    bad, headers, _ = await asked("$default", "UP", ask("/fail"), response_parameters=parameters)
    assert (bad, headers.get("x-up")) == (403, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("append:header.Authorization", "x"),
        ("overwrite:header.x-amz-date", "x"),
        ("append:header.a\r\nb", "x"),
        ("append:path", "/x"),
        ("replace:header.a", "x"),
        ("append:header.a", "$request.cookie.a"),
        ("append:header.a", "$request.body..a"),
    ],
)
def test_mappings_that_the_service_refuses_are_refused(key: str, value: str) -> None:
    wrong = api({"$default": proxy("1", "http://a", request_parameters={key: value})})
    with pytest.raises(InvalidApi, match=r"\$default: "):
        door(wrong)


async def test_a_backend_that_is_away_is_service_unavailable() -> None:
    of = door(api({"$default": proxy("1", "http://127.0.0.1:1")}))
    assert (await answer(of, ask("/")))[::2] == (503, {"message": "Service Unavailable"})


async def test_a_body_over_ten_megabytes_is_refused() -> None:
    of = door(api({"$default": proxy("1", "http://127.0.0.1:1")}))
    big = ask("/", "POST", bytes(10 * 1024 * 1024 + 1))
    assert (await answer(of, big))[::2] == (413, {"message": "Request Entity Too Large"})


@pytest.mark.parametrize("name", ["orders", "link1"])
async def test_private_backends_are_found_by_the_balancers_name_or_the_links(name: str) -> None:
    client = HttpClient()
    async with serving(echo) as up:
        links = {name: f"http://127.0.0.1:{up.port}"}
        own = msgspec.structs.replace(ports(client), vpc_link=links.get)
        private = proxy("1", LISTENER, connection_type="VPC_LINK", connection_id="link1")
        of = door(api({"GET /{all+}": private}), Stage("dev"), own)
        _, _, said = await answer(of, ask("/dev/a/b?q=1"))
        await client.aclose()
    assert said["target"] == "/dev/a/b?q=1"
    assert said["fields"]["host"] == "abc.execute-api.localhost"


def test_private_backends_that_lead_nowhere_are_refused_by_name() -> None:
    private = proxy("1", LISTENER, connection_type="VPC_LINK", connection_id="link1")
    with pytest.raises(InvalidApi, match=r"set \[vpc_links.orders\] target"):
        door(api({"$default": private}))
    links = {"orders": "http://a"}
    own = msgspec.structs.replace(ports(HttpClient()), vpc_link=links.get)
    tls = msgspec.structs.replace(private, tls_config=TlsConfig("a.b"))
    with pytest.raises(InvalidApi, match="needs a target that speaks HTTPS"):
        door(api({"$default": tls}), None, own)


def of_services() -> Ports:
    """Ports to the embedded services."""
    router = make_router()

    async def call(call: AwsCall) -> Reply:
        return await router.dispatch(
            Invocation(
                call.service, call.region, call.action, call.request, call.credentials, call.timeout
            )
        )

    return ports(HttpClient(), aws=call)


def action(subtype: str, **parameters: str) -> Integration:
    role = "arn:aws:iam::000000000000:role/r"
    fields = {"credentials_arn": role, "request_parameters": parameters}
    return Integration("AWS_PROXY", subtype, integration_subtype=subtype, **fields)  # pyright: ignore[reportArgumentType]


async def test_an_action_of_a_service_takes_its_parameters_from_the_request() -> None:
    queue = "http://127.0.0.1/000000000000/q"
    attributes = '{"who":{"DataType":"String","StringValue":"${request.header.who}"}}'
    routes = {
        "POST /": action(
            "SQS-SendMessage",
            QueueUrl=queue,
            MessageBody="$request.body.text",
            MessageAttributes=attributes,
        ),
        "GET /": action(
            "SQS-ReceiveMessage", QueueUrl=queue, MessageAttributeNames="All", WaitTimeSeconds="1"
        ),
    }
    own = of_services()
    create = Request(
        "POST",
        "/",
        Headers(
            [
                ("X-Amz-Target", "AmazonSQS.CreateQueue"),
                ("Content-Type", "application/x-amz-json-1.0"),
            ]
        ),
        json.dumps({"QueueName": "q"}).encode(),
    )
    assert (await own.aws(AwsCall("sqs", "us-east-1", "", create, None, 5))).status == 200
    of = door(api(routes), None, own)
    status, _, sent = await answer(of, ask("/", "POST", b'{"text":"hello"}', who="ada"))
    assert (status, len(sent["MessageId"])) == (200, 36)
    _, _, got = await answer(of, ask("/"))
    message = got["Messages"][0]
    assert message["Body"] == "hello"
    assert message["MessageAttributes"]["who"]["StringValue"] == "ada"


async def test_what_a_service_says_is_what_the_client_gets() -> None:
    missing = action("SQS-PurgeQueue", QueueUrl="http://127.0.0.1/000000000000/none")
    status, _, said = await answer(door(api({"$default": missing}), None, of_services()), ask("/"))
    assert status == 400
    assert said["__type"].endswith("QueueDoesNotExist")


async def test_a_required_parameter_that_is_not_there_is_a_bad_request() -> None:
    lacking = action("SQS-SendMessage", QueueUrl="http://a/1/q", MessageBody="$request.body.text")
    of = door(api({"$default": lacking}), None, of_services())
    status, _, said = await answer(of, ask("/", "POST", b"{}"))
    assert (status, said) == (400, {"message": "Bad Request"})
