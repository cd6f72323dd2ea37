"""`TestInvokeMethod` and `TestInvokeAuthorizer`: methods and authorizers as they are now, called
without being deployed.

As in the service, authorization, keys and throttles are left out. Source: Developer Guide, "Use the
API Gateway console to test a REST API method".
"""

from time import gmtime, perf_counter, strftime

import msgspec

from torana.message import Headers, Request, read
from torana.model.rest import RestApi, Stage
from torana.services.apigateway.apis import the_api
from torana.services.apigateway.assemble import assemble
from torana.services.apigateway.book import PART, Book, Json, Sheet
from torana.services.apigateway.faults import bad, missing
from torana.services.apigateway.methods import Place
from torana.services.apigateway.plane import Authorize, Try
from torana.services.ports import Call

_STAGE = "test-invoke-stage"
_DOORS_OWN = frozenset({"x-amzn-requestid", "x-amz-apigw-id"})
_BODY_LIMIT = 10 * 1024 * 1024


class Trying:
    """The operations that try."""

    def __init__(self, book: Book, serve: Try, authorize: Authorize) -> None:
        self._book, self._serve, self._authorize = book, serve, authorize

    async def TestInvokeAuthorizer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> tuple[RestApi, Json]:
            document = await the_api(sheet, call, params["restApiId"])
            place = f"{document['id']}/authorizer/{params['authorizerId']}"
            part = await sheet.get(PART, place)
            if part is None:
                raise missing("Authorizer")
            return await assemble(sheet, document, whole=False), part

        api, part = await self._book.read(work)
        stage = Stage(_STAGE, variables=params.get("stageVariables") or {})
        request = _request(params, "/", "GET")
        started = perf_counter()
        try:
            found = await self._authorize(api, stage, part["name"], request)
        except ValueError as error:
            raise bad(str(error)) from error
        latency = round((perf_counter() - started) * 1000)
        answer: Json = {
            "clientStatus": found.status,
            "log": _log(list(found.log)),
            "latency": latency,
        }
        if found.principal:
            answer["principalId"] = found.principal
        if found.policy:
            answer["policy"] = found.policy
        if found.claims:
            answer["claims"] = found.claims
        return answer

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
            reply, lines = await self._serve(alone, stage, request)
        except ValueError as error:
            raise bad(str(error)) from error
        body = (await read(reply.body, _BODY_LIMIT)).decode("utf-8", "replace")
        latency = round((perf_counter() - started) * 1000)
        named = _named(reply.headers)
        return {
            "status": reply.status,
            "body": body,
            "headers": {name: values[-1] for name, values in named.items()},
            "multiValueHeaders": named,
            "latency": latency,
            "log": _log(lines),
        }


def _request(params: Json, path: str, verb: str) -> Request:
    headers = Headers()
    single: dict[str, str] | None = params.get("headers")
    several: dict[str, list[str]] | None = params.get("multiValueHeaders")
    for name, value in (single or {}).items():
        headers.add(name, value)
    for name, values in (several or {}).items():
        for value in values:
            headers.add(name, value)
    target = params.get("pathWithQueryString") or path
    return Request(verb, target, headers, (params.get("body") or "").encode())


def _named(headers: Headers) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers.items:
        if name.lower() not in _DOORS_OWN:
            found.setdefault(name, []).append(value)
    return found


def _log(lines: list[str]) -> str:
    """The lines of the execution log, with the service's dates."""
    id = lines[0].rpartition(" ")[2] if lines else ""
    now = strftime("%a %b %d %H:%M:%S UTC %Y", gmtime())
    dated = "".join(f"{now} : {line}\n" for line in lines)
    return f"Execution log for request {id}\n{dated}"
