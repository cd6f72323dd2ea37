"""What functions get from an HTTP API, and what becomes of their answers."""

import base64
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.gateway.http_api.serving import Lambda, answer, api, ask, door, function, with_functions
from torana.message import Headers, Peer, Reply
from torana.model.http_api import Stage

TARGET = "/dev/my%20pets/1?parameter1=value1&parameter1=value2&parameter2=a%20b"


async def asked(version: str, key: str = "POST /{name}/{id}") -> dict[str, Any]:
    functions = Lambda(f={})
    stage = Stage("dev", stage_variables={"color": "red"})
    of = door(api({key: function("1", version=version)}), stage, with_functions(functions))
    fields = {"cookie": "a=1; b=2", "X-Two": "v", "user_agent": "curl"}
    await answer(of, ask(TARGET, "POST", b'{"a":1}', content_type="application/json", **fields))
    return functions.asked[0]


async def test_format_two_has_exactly_the_services_fields() -> None:
    event = await asked("2.0")
    context = event.pop("requestContext")
    headers = event.pop("headers")
    assert event == {
        "version": "2.0",
        "routeKey": "POST /{name}/{id}",
        "rawPath": "/dev/my pets/1",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=a%20b",
        "cookies": ["a=1", "b=2"],
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "a b"},
        "pathParameters": {"name": "my pets", "id": "1"},
        "stageVariables": {"color": "red"},
        "body": '{"a":1}',
        "isBase64Encoded": False,
    }
    assert headers["content-length"] == "7"
    assert set(headers) == {
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-amzn-trace-id",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-two",
    }
    time, epoch, id = context.pop("time"), context.pop("timeEpoch"), context.pop("requestId")
    assert (len(time), type(epoch), len(id)) == (26, int, 16)
    assert context == {
        "accountId": "000000000000",
        "apiId": "abc",
        "domainName": "abc.execute-api.localhost",
        "domainPrefix": "abc",
        "http": {
            "method": "POST",
            "path": "/dev/my pets/1",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "curl",
        },
        "routeKey": "POST /{name}/{id}",
        "stage": "dev",
    }


async def test_format_one_has_exactly_the_services_fields() -> None:
    event = await asked("1.0")
    context = event.pop("requestContext")
    headers, every = event.pop("headers"), event.pop("multiValueHeaders")
    assert event == {
        "version": "1.0",
        "resource": "/{name}/{id}",
        "path": "/dev/my pets/1",
        "httpMethod": "POST",
        "queryStringParameters": {"parameter1": "value2", "parameter2": "a b"},
        "multiValueQueryStringParameters": {
            "parameter1": ["value1", "value2"],
            "parameter2": ["a b"],
        },
        "pathParameters": {"name": "my pets", "id": "1"},
        "stageVariables": {"color": "red"},
        "body": '{"a":1}',
        "isBase64Encoded": False,
    }
    assert (headers["Content-Length"], headers["x-two"], every["x-two"]) == ("7", "v", ["v"])
    assert context["requestId"] == context["extendedRequestId"]
    assert context["authorizer"] == {"claims": None, "scopes": None}
    assert context["resourceId"] == "POST /{name}/{id}"
    assert set(context["identity"]) >= {"sourceIp", "userAgent", "userArn", "caller"}
    assert (context["path"], context["stage"]) == ("/dev/my pets/1", "dev")


async def test_what_is_absent_is_left_out_of_format_two_and_null_in_format_one() -> None:
    functions = Lambda(f={})
    routes = {"GET /one": function("1", version="1.0"), "GET /two": function("2")}
    of = door(api(routes), None, with_functions(functions))
    await answer(of, ask("/one"))
    await answer(of, ask("/two"))
    one, two = functions.asked
    for name in ("queryStringParameters", "pathParameters", "stageVariables", "body"):
        assert one[name] is None
        assert name not in two
    assert "cookies" not in two


async def test_a_body_that_is_no_text_travels_in_base64() -> None:
    functions = Lambda(f={})
    of = door(api({"$default": function("1")}), None, with_functions(functions))
    await answer(of, ask("/", "POST", b"a=1", content_type="application/x-www-form-urlencoded"))
    assert functions.asked[0]["isBase64Encoded"] is True
    assert base64.b64decode(functions.asked[0]["body"]) == b"a=1"


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        ("Hello", 200, "Hello"),
        ({"message": "Hello"}, 200, {"message": "Hello"}),
        ({"statusCode": 201, "body": "text"}, 201, b"text"),
        ({"statusCode": "204"}, 204, b""),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, b"hi"),
        ({"statusCode": "no"}, 500, {"message": "Internal Server Error"}),
        ({"statusCode": 200, "body": 1}, 500, {"message": "Internal Server Error"}),
    ],
)
async def test_format_two_infers_what_a_function_means(said: Any, status: int, body: Any) -> None:
    of = door(api({"$default": function("1")}), None, with_functions(Lambda(f=said)))
    got = await answer(of, ask("/"))
    assert got[::2] == (status, body)


async def test_cookies_of_an_answer_become_fields() -> None:
    said = {"statusCode": 200, "cookies": ["a=1", "b=2"], "headers": {"X-A": "1"}, "body": ""}
    of = door(api({"$default": function("1")}), None, with_functions(Lambda(f=said)))
    _, headers, _ = await answer(of, ask("/"))
    assert headers.all("set-cookie") == ["a=1", "b=2"]
    assert headers.get("x-a") == "1"


@pytest.mark.parametrize("said", ["Hello", {"statusCode": 200, "body": 5}, {"body": "hi"}])
async def test_format_one_takes_nothing_but_its_form(said: Any) -> None:
    routes = {"$default": function("1", version="1.0")}
    of = door(api(routes), None, with_functions(Lambda(f=said)))
    assert (await answer(of, ask("/")))[::2] == (500, {"message": "Internal Server Error"})


async def test_a_function_that_fails_is_an_internal_server_error() -> None:
    failed = Reply(200, Headers([("X-Amz-Function-Error", "Unhandled")]), b"{}")
    of = door(api({"$default": function("1")}), None, with_functions(Lambda(f=failed)))
    assert (await answer(of, ask("/")))[::2] == (500, {"message": "Internal Server Error"})


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_a_function_learns_what_certificate_a_client_showed(version: str) -> None:
    issued = trustme.CA().issue_cert("who@example.com", common_name="who")
    pem = issued.cert_chain_pems[0].bytes()
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    functions = Lambda(f={"statusCode": 200})
    of = door(api({"$default": function("1", version=version)}), None, with_functions(functions))
    request = ask("/")
    request.peer = Peer("127.0.0.1", certificate=der)
    await answer(of, request)
    context = functions.asked[0]["requestContext"]
    found = context["identity" if version == "1.0" else "authentication"]["clientCert"]
    assert found["clientCertPem"].encode() == pem
    assert "CN=who" in found["subjectDN"]
    assert set(found) == {"clientCertPem", "subjectDN", "issuerDN", "serialNumber", "validity"}
    assert found["validity"]["notAfter"].endswith(" GMT")


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_a_body_of_no_type_is_plain_text_and_an_inferred_one_json(version: str) -> None:
    functions = Lambda(f={"statusCode": 200, "body": "hi"}, g="hi")
    routes = {"GET /f": function("1", version=version), "GET /g": function("2", "g")}
    of = door(api(routes), None, with_functions(functions))
    _, headers, _ = await answer(of, ask("/f"))
    assert headers.get("content-type") == "text/plain; charset=utf-8"
    _, headers, _ = await answer(of, ask("/g"))
    assert headers.get("content-type") == "application/json"
