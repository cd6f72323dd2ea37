"""The conformance cases of `cases/*.yaml`: a definition, requests to it, what the backend sees and
what the client gets, each with its rule and its source. Run over real sockets, from documents and
through the control plane."""

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

import httpx
import pytest
import yaml

from tests.builders import ports, serving
from tests.services.apigateway.making import Asking, gateway, until
from torana.app.definitions import Source, compile_table, parse
from torana.gateway.contract import AwsCall, Grant
from torana.gateway.front_door import FrontDoor
from torana.message import Headers, Reply, Request, read
from torana.model.usage import ApiStage, QuotaSettings, ThrottleSettings, UsagePlan
from torana.net.client import HttpClient

Json = dict[str, Any]
_FOLDER = Path(__file__).parent / "cases"


def _groups() -> list[Json]:
    found: list[Json] = []
    for file in sorted(_FOLDER.glob("*.yaml")):
        found += yaml.safe_load(file.read_text("utf-8"))["groups"]
    return found


GROUPS = _groups()


FUNCTION = {
    "httpMethod": "POST",
    "uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:us-east-1:000000000000:function:f/invocations",
}


class Backend:
    """Answers as the row says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.row: Json = {}
        self.got: Request | None = None

    async def __call__(self, request: Request) -> Reply:
        request.body = await read(request.body, 1 << 20)
        self.got = request
        answer = self.row.get("backend", {})
        fields = Headers(pairs(answer.get("headers", {})))
        return Reply(answer.get("status", 200), fields, payload(answer))

    async def function(self, call: AwsCall) -> Reply:
        """The Lambda API, as the row says."""
        return await self(call.request)


def pairs(given: Json | list[list[str]]) -> list[tuple[str, str]]:
    """Headers as a mapping, or as a list where one comes several times."""
    if isinstance(given, list):
        return [(name, value) for name, value in given]
    return [(name, str(value)) for name, value in given.items()]


def payload(given: Json) -> bytes:
    if "base64" in given:
        return base64.b64decode(given["base64"])
    if "packed" in given:
        coder = zlib.compressobj(wbits=31)
        return coder.compress(given["packed"].encode()) + coder.flush()
    return str(given.get("body", "")).encode() or b"x" * given.get("repeat", 0)


def document(group: Json, backend: int) -> Json:
    """The group's API as an OpenAPI document."""
    made: Json = {"openapi": "3.0.1", "info": {"title": "case", "version": "1"}, "paths": {}}
    for name, value in group.get("api", {}).items():
        key = re.sub(r"[A-Z]", lambda found: "-" + found[0].lower(), name)
        made[f"x-amazon-apigateway-{key}"] = value
    if "stage" in group:
        made["x-torana-stage"] = {"name": "prod", **group["stage"]}
    if "routes" in group:
        for route in group["routes"]:
            verb, _, path = route.partition(" ")
            _add(made, path, verb, {"x-amazon-apigateway-integration": told(route)})
        return made
    operation: Json = {"parameters": [_parameter(each) for each in group.get("parameters", ())]}
    operation.update(group.get("method", {}))
    if "keys" in group:
        key = {"type": "apiKey", "name": "x-api-key", "in": "header"}
        made["components"] = {"securitySchemes": {"api_key": key}}
    if "model" in group:
        made["components"] = {"schemas": {"Body": group["model"]}}
        reference = {"schema": {"$ref": "#/components/schemas/Body"}}
        operation["requestBody"] = {"content": {"application/json": reference}}
    integration = {**FUNCTION, "type": group["function"]} if "function" in group else {}
    integration.update(group.get("integration", {}))
    text = json.dumps(integration).replace("{backend}", f"http://127.0.0.1:{backend}")
    operation["x-amazon-apigateway-integration"] = json.loads(text)
    returned: Json = {name: {"schema": {"type": "string"}} for name in group.get("returns", ())}
    operation["responses"] = {
        status: {"description": "", "headers": returned}
        for status in group.get("promises", ["200"])
    }
    _add(made, group.get("path", "/m"), group.get("verb", "post"), operation)
    return made


def grants(group: Json) -> dict[str, Grant]:
    """What the group's keys are worth, by their values."""
    made: dict[str, Grant] = {}
    for value, given in group.get("keys", {}).items():
        place = ("case", given.get("stage", "prod"))
        throttle = ThrottleSettings(given["rate"], given["burst"]) if "rate" in given else None
        quota = QuotaSettings(given["quota"], "DAY") if "quota" in given else None
        plan = UsagePlan(value, value, (ApiStage(*place),), (value,), throttle, quota)
        made[value] = Grant(value, value, {place: plan})
    return made


def _add(made: Json, path: str, verb: str, operation: Json) -> None:
    key = "x-amazon-apigateway-any-method" if verb.lower() == "any" else verb.lower()
    operation.setdefault("responses", {"200": {"description": ""}})
    parameters: list[Json] = operation.setdefault("parameters", [])
    known = {each["name"] for each in parameters}
    for name in re.findall(r"\{(\w+)\+?\}", path):
        if name not in known:
            parameters.append(_parameter(f"path {name}"))
    made["paths"].setdefault(path, {})[key] = operation


def _parameter(text: str) -> Json:
    """`query q!`: where, the name, and whether it is required."""
    where, _, name = text.partition(" ")
    needed = name.endswith("!") or where == "path"
    return {
        "in": where,
        "name": name.rstrip("!"),
        "required": needed,
        "schema": {"type": "string"},
    }


def told(route: str) -> Json:
    """An integration that answers the route's name."""
    return {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {
            "default": {"statusCode": "200", "responseTemplates": {"application/json": route}}
        },
    }


async def run(group: Json, base: str, backend: Backend) -> list[str]:
    """What is not as the rows say."""
    wrong: list[str] = []
    async with httpx.AsyncClient() as client:
        client.headers.clear()
        for row in group["rows"]:
            backend.row, backend.got = row, None
            request = client.build_request(
                row.get("verb", "POST"),
                base + row.get("path", "/m"),
                headers=pairs(row.get("headers", {})),
                content=payload(row),
            )
            reply = await client.send(request, stream=True)
            body = b"".join([piece async for piece in reply.aiter_raw()])
            found = [*_of_reply(row.get("reply", {}), reply, body), *_of_got(row, backend.got)]
            wrong += [f"{row['rule']}: {each}" for each in found]
    return wrong


def _of_reply(expected: Json, reply: httpx.Response, body: bytes) -> Iterable[str]:
    status = expected.get("status")
    if status is not None and reply.status_code != status:
        yield f"status {reply.status_code}, not {status}: {body!r}"
    elif status is None and reply.status_code >= 400:
        yield f"status {reply.status_code}: {body!r}"
    yield from _fields(expected, reply.headers.get_list)
    if "unpacked" in expected:
        window = 31 if reply.headers.get("content-encoding") == "gzip" else 15
        body = zlib.decompress(body, window)
        expected = {"body": expected["unpacked"]}
    if ("body" in expected or "base64" in expected) and body != payload(expected):
        yield f"body {body!r}"
    if len(body) != expected.get("length", len(body)):
        yield f"{len(body)} bytes"


def _of_got(row: Json, got: Request | None) -> Iterable[str]:
    expected = row.get("got")
    if expected is None:
        return
    if got is None:
        yield "the backend was not asked"
        return
    headers = got.headers

    def values(name: str) -> list[str]:
        return headers.all(name.lower())

    path, _, query = got.target.partition("?")
    yield from _fields(expected, values)
    if expected.get("path", path) != path or expected.get("verb", got.method) != got.method:
        yield f"{got.method} {path}"
    asked = parse_qs(query, keep_blank_values=True)
    for name, values in expected.get("query", {}).items():
        if asked.get(name) != values:
            yield f"query {query}"
    if ("body" in expected or "base64" in expected) and got.body != payload(expected):
        yield f"the backend got {got.body!r}"
    if "event" in expected and not _within(expected["event"], json.loads(cast(bytes, got.body))):
        yield f"the function got {got.body!r}"


def _within(expected: Any, found: Any) -> bool:
    """Whether what is expected is there, member by member."""
    if isinstance(expected, dict) and isinstance(found, dict):
        there = cast(Json, found)
        members = cast(Json, expected).items()
        return all(key in there and _within(value, there[key]) for key, value in members)
    return bool(expected == found)


def _fields(expected: Json, values: Callable[[str], list[str]]) -> Iterable[str]:
    for name, value in expected.get("headers", {}).items():
        found = values(name)
        if found != ([] if value is None else [value]):
            yield f"{name}: {found}, not {value!r}"
    for name, several in expected.get("all", {}).items():
        if values(name) != several:
            yield f"{name}: {values(name)}"
    for name, pattern in expected.get("matches", {}).items():
        found = values(name)
        if len(found) != 1 or not re.fullmatch(pattern, found[0]):
            yield f"{name}: {found}, not {pattern}"


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["name"])
async def test_a_document_is_served_as_the_service_does(group: Json) -> None:
    backend, client = Backend(), HttpClient()
    async with serving(backend) as upstream:
        text = json.dumps(document(group, upstream.port))
        documents = parse([Source("case.json", text)])
        door = FrontDoor(
            compile_table(documents, ports(client, grants(group), backend.function), {})
        )
        async with serving(door) as front:
            base = f"http://127.0.0.1:{front.port}/restapis/case/prod/_user_request_"
            assert await run(group, base, backend) == []
    await client.aclose()


async def test_the_same_apis_imported_and_deployed_serve_the_same(tmp_path: Path) -> None:
    backend = Backend()
    wrong: list[str] = []
    async with serving(backend) as upstream, gateway(tmp_path) as running:
        ask = Asking(running.client())
        for group in (each for each in GROUPS if not each.get("local")):
            body = json.dumps(document(group, upstream.port)).encode()
            api = (await ask.import_rest_api(body=body))["id"]
            variables = group.get("stage", {}).get("variables", {})
            await ask.create_deployment(restApiId=api, stageName="prod", variables=variables)
            base = f"{running.door}/restapis/{api}/prod/_user_request_"
            if "routes" in group:
                await until(base + group["routes"][0].partition(" ")[2], 200)
            else:
                await until(f"{base}/none/such", 403, "Missing")
            wrong += [f"{group['name']}: {each}" for each in await run(group, base, backend)]
    assert wrong == []


def test_every_case_names_its_rule_and_its_source() -> None:
    assert all(group["source"] and row["rule"] for group in GROUPS for row in group["rows"])
    assert sum(len(group["rows"]) for group in GROUPS) > 200
