"""Which route a request means."""

import pytest

from tests.gateway.http_api.serving import Lambda, answer, api, ask, door, function, with_functions
from torana.gateway.http_api.routing import Routing
from torana.model.http_api import Stage

ROUTES = (
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "GET /pets/{proxy+}",
    "ANY /pets/dog/2",
    "GET /pets/dog/2",
    "ANY /{proxy+}",
    "GET /a/{x}/c",
    "GET /a/{y}/d",
    "GET /",
    "GET /slash/",
)


def found(path: str, verb: str = "GET") -> tuple[str, dict[str, str]] | None:
    routing: Routing[str] = Routing()
    for key in ROUTES:
        verb_of, path_of = key.split(" ")
        routing.add(verb_of, path_of, key)
    match = routing.find(path, verb)
    return None if match is None else (match[0], match[1])


@pytest.mark.parametrize(
    ("path", "verb", "key", "parameters"),
    [
        ("/pets/dog/1", "GET", "GET /pets/dog/1", {}),
        ("/pets/dog/3", "GET", "GET /pets/dog/{id}", {"id": "3"}),
        ("/pets/cat/1", "GET", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("/test/5", "POST", "ANY /{proxy+}", {"proxy": "test/5"}),
        ("/pets/dog/2", "GET", "GET /pets/dog/2", {}),
        ("/pets/dog/2", "PUT", "ANY /pets/dog/2", {}),
        ("/pets/dog/1", "POST", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
        ("/a/1/d", "GET", "GET /a/{y}/d", {"y": "1"}),
        ("/pets/dog/a%20b", "GET", "GET /pets/dog/{id}", {"id": "a b"}),
        ("/slash/", "GET", "GET /slash/", {}),
        ("/slash", "GET", "ANY /{proxy+}", {"proxy": "slash"}),
        ("/", "GET", "GET /", {}),
    ],
)
def test_the_most_specific_route_that_takes_the_verb_wins(
    path: str, verb: str, key: str, parameters: dict[str, str]
) -> None:
    assert found(path, verb) == (key, parameters)


def test_a_greedy_parameter_takes_at_least_something() -> None:
    assert found("/", "POST") is None


async def test_what_no_route_takes_goes_to_default_and_else_is_not_found() -> None:
    functions = Lambda(f="f", d="d")
    routes = {"GET /a": function("1"), "$default": function("2", "d")}
    of = door(api(routes), None, with_functions(functions))
    assert (await answer(of, ask("/a")))[2] == "f"
    assert (await answer(of, ask("/a", "POST")))[2] == "d"
    alone = door(api({"GET /a": function("1")}), None, with_functions(functions))
    status, headers, body = await answer(alone, ask("/b"))
    assert (status, body) == (404, {"message": "Not Found"})
    assert len(headers.get("apigw-requestid") or "") == 16


@pytest.mark.parametrize(
    ("target", "host", "raw"),
    [
        ("/dev/pets", "abc.execute-api.localhost", "/dev/pets"),
        ("/apis/abc/dev/pets", "localhost", "/dev/pets"),
        ("/dev", "abc.execute-api.eu-west-1.localhost:80", "/dev"),
    ],
)
async def test_a_named_stage_is_a_segment_of_the_path(target: str, host: str, raw: str) -> None:
    functions = Lambda(f="f")
    of = door(api({"$default": function("1")}), Stage("dev"), with_functions(functions))
    await answer(of, ask(target, host=host))
    assert functions.asked[0]["rawPath"] == raw
    assert functions.asked[0]["requestContext"]["stage"] == "dev"


@pytest.mark.parametrize("target", ["/apis/abc/pets", "/apis/abc/$default/pets"])
async def test_the_default_stage_needs_no_segment(target: str) -> None:
    functions = Lambda(f="f")
    of = door(api({"$default": function("1")}), None, with_functions(functions))
    await answer(of, ask(target, host="localhost"))
    assert functions.asked[0]["rawPath"] == "/pets"


async def test_a_stage_that_there_is_not_is_not_found() -> None:
    of = door(api({"$default": function("1")}), Stage("dev"), with_functions(Lambda()))
    assert (await answer(of, ask("/prod/x")))[::2] == (404, {"message": "Not Found"})
    assert (await answer(of, ask("/x", host="other.execute-api.localhost")))[0] == 403


async def test_an_api_without_its_own_endpoint_is_reached_by_domain_names_alone() -> None:
    closed = api({"$default": function("1")}, disable_execute_api_endpoint=True)
    of = door(closed, None, with_functions(Lambda(f="f")))
    assert (await answer(of, ask("/x")))[0] == 404
    assert (await answer(of, ask("/apis/abc/x", host="localhost")))[0] == 404
