"""Makers of HTTP APIs, and a front door for one."""

import json
from typing import Any

import msgspec

from tests.builders import ports
from torana.gateway.contract import AwsCall, Context, Ports
from torana.gateway.front_door import FrontDoor
from torana.gateway.http_api.plan import compile
from torana.gateway.locate import Live, Table
from torana.message import Headers, Reply, Request, Sent, read
from torana.model.http_api import Authorizer, HttpApi, Integration, Route, Stage
from torana.net.client import HttpClient

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


class Lambda:
    """Stands where the Lambda service stands: keeps what functions are asked, answers in turn by
    the function's name, so that a test can hold what crosses against the documentation."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []
        self.calls: list[AwsCall] = []

    async def __call__(self, call: AwsCall) -> Reply:
        self.calls.append(call)
        body = call.request.body
        assert isinstance(body, bytes)
        self.asked.append(json.loads(body))
        name = call.request.target.rpartition("%3A")[2].partition("/")[0]
        answer = self.answers[name]
        if isinstance(answer, Reply):
            return msgspec.structs.replace(answer, headers=answer.headers.copy())
        return Reply(200, Headers(), json.dumps(answer).encode())


def proxy(id: str, uri: str, **fields: Any) -> Integration:
    return Integration("HTTP_PROXY", id, uri, fields.pop("verb", "ANY"), **fields)


def function(id: str, name: str = "f", version: Any = "2.0", **fields: Any) -> Integration:
    uri = FUNCTION[:-1] + name
    return Integration("AWS_PROXY", id, uri, "POST", payload_format_version=version, **fields)


def api(
    routes: dict[str, Integration] | list[tuple[Route, Integration]],
    *authorizers: Authorizer,
    **fields: Any,
) -> HttpApi:
    """An API with the id `abc`; a route is its key, or has settings of its own."""
    pairs = routes if isinstance(routes, list) else _pairs(routes)
    return HttpApi(
        "abc",
        "test",
        tuple(
            msgspec.structs.replace(route, target=f"integrations/{each.integration_id}")
            for route, each in pairs
        ),
        tuple(each for _, each in pairs),
        authorizers,
        **fields,
    )


def _pairs(routes: dict[str, Integration]) -> list[tuple[Route, Integration]]:
    return [(Route(key), each) for key, each in routes.items()]


def door(of: HttpApi, stage: Stage | None = None, of_ports: Ports | None = None) -> FrontDoor:
    stage = stage or Stage()
    plan = compile(of, stage, of_ports or ports(HttpClient()))
    return FrontDoor(Table({(of.api_id, stage.stage_name): Live(plan)}))


def with_functions(functions: Lambda, seen: list[Context] | None = None) -> Ports:
    return ports(HttpClient(), aws=functions, seen=seen)


def ask(path: str, verb: str = "GET", body: bytes = b"", **headers: str) -> Request:
    """A request to the API `abc`, by its host name."""
    fields = {"host": "abc.execute-api.localhost", **headers}
    items = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return Request(verb, path, Headers(items), body)


async def answer(of: FrontDoor, request: Request) -> tuple[int, Headers, Any]:
    """Status, headers and body, JSON as what it means."""
    reply = await of(request)
    body = await read(reply.body, 1 << 24)
    if reply.sent is not None:
        reply.sent(Sent(len(body), whole=True))
    try:
        return reply.status, reply.headers, json.loads(body)
    except ValueError:
        return reply.status, reply.headers, body
