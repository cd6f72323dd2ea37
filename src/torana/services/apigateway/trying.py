"""`TestInvokeMethod`: a method as it is now, called without being deployed.

As in the service, authorization, keys and throttles are left out. Source: Developer Guide, "Use the
API Gateway console to test a REST API method".
"""

from time import perf_counter, strftime
from uuid import uuid4

import msgspec

from torana.message import Headers, Reply, Request, read
from torana.model.rest import RestApi, Stage
from torana.services.apigateway.apis import the_api
from torana.services.apigateway.assemble import assemble
from torana.services.apigateway.book import Book, Json, Sheet
from torana.services.apigateway.faults import bad
from torana.services.apigateway.methods import Place
from torana.services.apigateway.plane import Try
from torana.services.ports import Call

_STAGE = "test-invoke-stage"
_BODY_LIMIT = 10 * 1024 * 1024


class Trying:
    """The operation that tries a method."""

    def __init__(self, book: Book, serve: Try) -> None:
        self._book, self._serve = book, serve

    async def TestInvokeMethod(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> tuple[RestApi, str]:
            place = await Place.find(sheet, params)
            place.integration(params["httpMethod"])
            api = await assemble(sheet, await the_api(sheet, call, params["restApiId"]))
            return api, place.resource["path"]

        api, path = await self._book.read(work)
        verb = params["httpMethod"]
        methods = tuple(
            msgspec.structs.replace(
                each, authorization_type="NONE", authorizer=None, api_key_required=False
            )
            for each in api.methods
            if (each.path, each.http_method) == (path, verb)
        )
        alone = msgspec.structs.replace(api, methods=methods, policy=None)
        stage = Stage(_STAGE, variables=params.get("stageVariables") or {})
        request = _request(params, path, "GET" if verb == "ANY" else verb)
        started = perf_counter()
        try:
            reply = await self._serve(alone, stage, request)
        except ValueError as error:
            raise bad(str(error)) from error
        body = (await read(reply.body, _BODY_LIMIT)).decode("utf-8", "replace")
        latency = round((perf_counter() - started) * 1000)
        return {
            "status": reply.status,
            "body": body,
            "headers": {name: values[-1] for name, values in _named(reply.headers).items()},
            "multiValueHeaders": _named(reply.headers),
            "latency": latency,
            "log": _log(request, reply, body, latency),
        }


def _request(params: Json, path: str, verb: str) -> Request:
    headers = Headers([("Host", "testPrefix.testDomainName")])
    single: dict[str, str] | None = params.get("headers")
    several: dict[str, list[str]] | None = params.get("multiValueHeaders")
    for name, value in (single or {}).items():
        headers.add(name, value)
    for name, values in (several or {}).items():
        for value in values:
            headers.add(name, value)
    if "content-type" not in headers:
        headers.add("Content-Type", "application/json")
    target = params.get("pathWithQueryString") or path
    return Request(verb, target, headers, (params.get("body") or "").encode())


def _named(headers: Headers) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers.items:
        found.setdefault(name, []).append(value)
    return found


def _log(request: Request, reply: Reply, body: str, latency: int) -> str:
    """The lines of the service's execution log that say what came, what went and how long."""
    id, path = str(uuid4()), request.target.partition("?")
    sent = ", ".join(f"{name}={value}" for name, value in request.headers.items)
    back = ", ".join(f"{name}={value}" for name, value in reply.headers.items)
    asked = request.body.decode("utf-8", "replace") if isinstance(request.body, bytes) else ""
    lines = (
        f"Starting execution for request: {id}",
        f"HTTP Method: {request.method}, Resource Path: {path[0]}",
        f"Method request query string: {{{path[2]}}}",
        f"Method request headers: {{{sent}}}",
        f"Method request body before transformations: {asked}",
        f"Method response body after transformations: {body}",
        f"Method response headers: {{{back}}}",
        f"Successfully completed execution, {latency} ms",
        f"Method completed with status: {reply.status}",
    )
    now = strftime("%a %b %d %H:%M:%S UTC %Y")
    first = f"Execution log for request {id}\n"
    return first + "".join(f"{now} : {line}\n" for line in lines)
