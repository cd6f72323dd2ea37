"""A deployed API as an MCP server: each tool's call is a request that walks the compiled plan, with
the credentials of whoever calls the tool."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import msgspec
from msgspec import Struct

from torana.gateway.contract import PAYLOAD_LIMIT
from torana.gateway.errors import InvalidApi
from torana.gateway.locate import LOCAL, LOCAL_HTTP, USER_REQUEST
from torana.gateway.schemas import Check, validator
from torana.gateway.serve import Plan
from torana.mcp import protocol as p
from torana.mcp.tools import Call, Tool, call_of, tools_of
from torana.message import BodyTooLarge, Headers, Reply, Request, Sent, read
from torana.model.http_api import DEFAULT
from torana.model.rest import Model, RestApi

VERSION = "1"
_KEPT_BACK = frozenset(
    {"accept", "accept-encoding", "connection", "content-encoding", "content-length"}
    | {"content-type", "expect", "origin", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers of the tool's call that say nothing of the request it becomes."""


class Tools(Struct, frozen=True, eq=False):
    """What an API offers, made once for each of its deployments."""

    of: RestApi
    """As it was deployed."""
    base: str
    """Where a `{stage}` of it is."""
    api: RestApi
    by_name: Mapping[str, Tool]
    checks: Mapping[str, Check]
    """Of outputs, by tool."""


def made(plan: Plan) -> Tools:
    """Its tools. An output whose model is no JSON Schema is not promised. Routes of HTTP APIs
    declare neither queries nor bodies; `$default` is no tool."""
    api = of = plan.to.api
    base = f"{LOCAL}{of.id}/{{stage}}/{USER_REQUEST}"
    if plan.http:
        routes = tuple(each.to.method for each in plan.routes if each.to.route_key != DEFAULT)
        api, base = msgspec.structs.replace(of, methods=routes), f"{LOCAL_HTTP}{of.id}/{{stage}}"
    found, checks = tools_of(api, open=plan.http), dict[str, Check]()
    for name, tool in found.items():
        if tool.output is None:
            continue
        try:
            checks[name] = validator(Model(name, tool.output), {})
        except InvalidApi:
            found[name] = msgspec.structs.replace(tool, output=None)
    return Tools(of, base, api, found, checks)


class ApiServer:
    """Answers one API's messages. No session: nothing is kept between two of them."""

    def __init__(
        self,
        tools: Tools,
        stage: str,
        ask: Callable[[Request], Awaitable[Reply]],
        holds: Callable[[str, str, str], bool],
        *,
        tokens: bool = False,
    ) -> None:
        """`ask`: the front door; `holds`: whether a key is good for an API and a stage; `tokens`:
        clients know where to get another token when theirs is refused."""
        self._tokens, self.api = tokens, tools.api
        self._tools, self._stage, self._ask, self._holds = tools, stage, ask, holds

    async def __call__(self, message: p.Message, request: Request, stateless: bool) -> p.Json:
        """The result. Raises `McpError`."""
        name = self._tools.api.name
        match message.method:
            case "initialize" if not stateless:
                return p.initialized(message, name, self._tools.api.version or VERSION)
            case "server/discover":
                return p.discovered(name, self._tools.api.version or VERSION)
            case "ping":
                return {}
            case "tools/list":
                return {"tools": [each.shown() for each in self._seen(request)]}
            case "tools/call":
                return await self._call(message.params, request)
            case _:
                raise p.McpError(p.NO_METHOD, f"Method not found: {message.method[:100]}")

    def _seen(self, request: Request) -> list[Tool]:
        """Tools that want an API key are shown to those who have one."""
        api = self._tools.api
        key = request.headers.get("x-api-key") or ""
        known = bool(key) and self._holds(key, api.id, self._stage)
        return [
            tool
            for tool in self._tools.by_name.values()
            if known or not tool.method.api_key_required or api.api_key_source == "AUTHORIZER"
        ]

    async def _call(self, params: p.Json, request: Request) -> p.Json:
        tool = self._tools.by_name.get(str(params.get("name")))
        if tool is None:
            raise p.McpError(p.BAD_PARAMS, f"Unknown tool: {str(params.get('name'))[:128]}")
        given: Any = params.get("arguments") or {}
        if not isinstance(given, dict):
            raise p.McpError(p.BAD_PARAMS, "arguments must be an object")
        call = call_of(tool, cast(dict[str, Any], given))
        reply = await self._ask(self._request(call, request))
        refused = reply.status == 401 and self._tokens
        try:
            body = await read(reply.body, PAYLOAD_LIMIT)
        except (BodyTooLarge, TimeoutError, ConnectionError) as error:
            return _failed(f"The answer did not come whole: {error or type(error).__name__}")
        if reply.sent is not None:
            reply.sent(Sent(len(body), True))
        if refused:
            raise p.McpError(p.INVALID, "Unauthorized: this token is not good", status=401)
        return self._result(tool, reply, body)

    def _request(self, call: Call, by: Request) -> Request:
        target = self._tools.base.format(stage=self._stage) + call.target
        fields = [
            (name, value)
            for name, value in by.headers.items
            if name.lower() not in _KEPT_BACK and not name.lower().startswith("mcp-")
        ]
        fields += [("Accept", "application/json, */*;q=0.5"), *call.headers]
        fields.append(("Content-Length", str(len(call.body))))
        return Request(
            call.verb, target, Headers(fields), call.body, by.peer, by.version, by.received
        )

    def _result(self, tool: Tool, reply: Reply, body: bytes) -> p.Json:
        kind = (reply.headers.get("content-type") or "application/json").partition(";")[0]
        if reply.status >= 400:
            return _failed(f"HTTP {reply.status}: {body.decode('utf-8', 'replace')}")
        result: p.Json = {"content": [_content(kind.strip().lower(), body, tool.name)]}
        check = self._tools.checks.get(tool.name)
        if "json" not in kind and check is None:
            return result
        try:
            value = msgspec.json.decode(body) if body else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = None
        wrong = check(value) if check is not None else None
        if wrong is not None:
            text = body.decode("utf-8", "replace")
            return _failed(f"The answer is not as the API's model says: {wrong}\n{text}")
        if isinstance(value, dict):
            result["structuredContent"] = value
        return result


def _failed(text: str) -> p.Json:
    """What went wrong is told the model, which may do better at the next try."""
    return {"content": [{"type": "text", "text": text}], "isError": True}


def _content(kind: str, body: bytes, name: str) -> p.Json:
    family = kind.partition("/")[0]
    if family in ("image", "audio"):
        return {"type": family, "data": base64.b64encode(body).decode(), "mimeType": kind}
    try:
        return {"type": "text", "text": body.decode()}
    except UnicodeDecodeError:
        blob = base64.b64encode(body).decode()
        resource = {"uri": f"torana://tools/{name}", "mimeType": kind, "blob": blob}
        return {"type": "resource", "resource": resource}
