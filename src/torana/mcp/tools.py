"""The methods of an API as tools: names, descriptions and schemas, and the request that a call is.

Source: MCP specification, "Tools".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from torana.mcp.protocol import BAD_PARAMS, Json, McpError, encode
from torana.model.rest import Method, RestApi
from torana.model.schema import closed

_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_BODILESS = _READING | {"DELETE"}
_UNFIT = re.compile(r"[^A-Za-z0-9]+")
_LONGEST = 128
_OWN = frozenset({"authorization", "x-api-key", "content-type", "content-length", "host", "accept"})
"""Headers that are the client's or the connection's, never a tool's."""


class Parameter(Struct, frozen=True):
    """An argument that is no body. `where` is path, querystring or header."""

    argument: str
    name: str
    where: str
    required: bool
    greedy: bool = False


class Tool(Struct, frozen=True):
    """A method as it may be called."""

    name: str
    method: Method
    description: str
    parameters: tuple[Parameter, ...]
    input: Json
    output: Json | None
    body: str = ""
    """The body's media type; empty: there is none."""
    open: bool = False
    """Whether any query may be asked: `query` names its fields."""

    def shown(self) -> Json:
        """As `tools/list` tells it."""
        verb = self.method.http_method.upper()
        told: Json = {
            "name": self.name,
            "description": self.description,
            "inputSchema": self.input,
            "annotations": {
                "readOnlyHint": verb in _READING,
                "destructiveHint": verb in ("DELETE", "PUT", "PATCH", "ANY"),
                "idempotentHint": verb in _READING or verb in ("PUT", "DELETE"),
            },
        }
        if self.output is not None:
            told["outputSchema"] = self.output
        return told


class Call(Struct, frozen=True):
    """What a tool's call asks of the API."""

    verb: str
    target: str
    """Path and query below the stage."""
    headers: tuple[tuple[str, str], ...]
    body: bytes


def tools_of(api: RestApi, *, open: bool = False) -> dict[str, Tool]:
    """By name; `open`: what may be asked is not declared. Methods that answer browsers' preflights,
    and those that want a request signed for their own address, are no tools."""
    found: dict[str, Tool] = {}
    documented = _documented(api)
    for method in api.methods:
        if method.http_method.upper() in ("OPTIONS", "HEAD"):
            continue
        if method.authorization_type == "AWS_IAM":
            continue
        name = _free(_name(method), found)
        found[name] = _tool(name, method, api, documented, open=open)
    return found


def _name(method: Method) -> str:
    if method.operation_name:
        wanted = re.sub(r"[^A-Za-z0-9_.-]+", "_", method.operation_name)
    else:
        place = _UNFIT.sub("_", method.path).strip("_")
        wanted = "_".join(filter(None, (method.http_method.lower(), place)))
    return wanted[:_LONGEST]


def _free(wanted: str, taken: Mapping[str, Tool]) -> str:
    name, number = wanted, 2
    while name in taken:
        name = f"{wanted[: _LONGEST - 5]}_{number}"
        number += 1
    return name


def _tool(
    name: str,
    method: Method,
    api: RestApi,
    documented: Mapping[tuple[str, str], str],
    *,
    open: bool,
) -> Tool:
    parameters = tuple(_parameters(method, {"body", "http_method", *(("query",) if open else ())}))
    properties: Json = {each.argument: {"type": "string"} for each in parameters}
    required = [each.argument for each in parameters if each.required]
    definitions: Json = {}
    verb = method.http_method.upper()
    if open:
        properties["query"] = {"type": "object", "description": "Query parameters"}
    if verb == "ANY":
        properties["http_method"] = {"type": "string", "enum": list(_VERBS)}
        required.append("http_method")
    kind = "" if verb in _BODILESS else next(iter(method.request_models), "application/json")
    if kind:
        schema = _schema(method.request_models.get(kind), api)
        definitions |= schema.pop("definitions", {})
        properties["body"] = schema
        if method.request_models:
            required.append("body")
    told = method.description or documented.get((method.path, verb), "")
    shown: Json = {"type": "object", "properties": properties, "required": required}
    if definitions:
        shown["definitions"] = definitions
    line = f"{verb} {method.path}"
    return Tool(
        name,
        method,
        f"{told}\n\n{line}" if told else line,
        parameters,
        shown,
        _output(method, api),
        kind,
        open,
    )


def _parameters(method: Method, taken: set[str]) -> Iterator[Parameter]:
    """A path's own come with it, whether they are declared or not."""
    for part in re.findall(r"\{([^{}]+)\}", method.path):
        yield Parameter(
            _argument(part.rstrip("+"), taken), part.rstrip("+"), "path", True, part[-1] == "+"
        )
    for place, needed in method.request_parameters.items():
        where, _, name = place.removeprefix("method.request.").partition(".")
        if where == "path" or (where == "header" and name.lower() in _OWN):
            continue
        yield Parameter(_argument(name, taken), name, where, needed)


def _argument(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _schema(model: str | None, api: RestApi) -> Json:
    found = api.models.get(model or "")
    if found is None:
        return {}
    schema = closed(found, api.models)
    schema.pop("$schema", None)
    return schema


def _output(method: Method, api: RestApi) -> Json | None:
    """Of the answer that says it went well; only objects may be declared."""
    for response in method.responses:
        if response.status_code.startswith("2"):
            schema = _schema(response.response_models.get("application/json"), api)
            return schema if schema.get("type") == "object" else None
    return None


def _documented(api: RestApi) -> dict[tuple[str, str], str]:
    """What documentation parts say of methods, by path and verb."""
    found: dict[tuple[str, str], str] = {}
    parts: list[Json] = (api.documentation or {}).get("documentationParts", [])
    for part in parts:
        place = part.get("location", {})
        if place.get("type") != "METHOD":
            continue
        said = part.get("properties")
        if isinstance(said, str):
            try:
                said = msgspec.json.decode(said)
            except msgspec.DecodeError:
                continue
        if isinstance(said, dict):
            words = cast(Json, said)
            text = str(words.get("description") or words.get("summary") or "")
            found[str(place.get("path", "/")), str(place.get("method", "*")).upper()] = text
    return found


def call_of(tool: Tool, arguments: Mapping[str, Any]) -> Call:
    """Raises `McpError` for arguments that the tool has not, or that are missing."""
    known = {each.argument for each in tool.parameters} | set(tool.input["properties"])
    unknown = [name for name in arguments if name not in known]
    missing = [name for name in tool.input["required"] if name not in arguments]
    if unknown or missing:
        said = [f"{name!r} is no argument" for name in unknown]
        said += [f"{name!r} is missing" for name in missing]
        raise McpError(BAD_PARAMS, f"Invalid arguments of {tool.name}: {', '.join(said)}")
    path, query = tool.method.path, list[tuple[str, str]]()
    headers: list[tuple[str, str]] = []
    for each in tool.parameters:
        if each.argument not in arguments:
            continue
        text = _text(arguments[each.argument])
        if each.where == "path":
            mark = f"{{{each.name}+}}" if each.greedy else f"{{{each.name}}}"
            path = path.replace(mark, _segment(text, each))
        elif each.where == "querystring":
            query.append((each.name, text))
        elif not text.isprintable():
            raise McpError(BAD_PARAMS, f"{each.argument!r} cannot be sent as a header")
        else:
            headers.append((each.name, text))
    if tool.open and "query" in arguments:
        query += _queried(arguments["query"])
    verb = tool.method.http_method.upper()
    verb = str(arguments["http_method"]) if verb == "ANY" else verb
    if verb not in _VERBS:
        raise McpError(BAD_PARAMS, f"http_method must be one of {', '.join(_VERBS)}")
    body = b""
    if "body" in arguments and tool.body and verb not in _BODILESS:
        body = _body(arguments["body"], tool.body)
        headers.append(("Content-Type", tool.body))
    target = f"{path}?{urlencode(query)}" if query else path
    return Call(verb, target, tuple(headers), body)


def _queried(given: Any) -> Iterator[tuple[str, str]]:
    """Fields of a query; a list is a field several times."""
    if not isinstance(given, dict):
        raise McpError(BAD_PARAMS, "'query' must be an object")
    for name, value in cast(Json, given).items():
        for each in cast("list[Any]", value) if isinstance(value, list) else (value,):
            yield name, _text(each)


def _segment(text: str, parameter: Parameter) -> str:
    """Never a way out of its own place in the path."""
    parts = text.split("/") if parameter.greedy else [text]
    if not text or any(part in (".", "..") for part in parts):
        raise McpError(BAD_PARAMS, f"{parameter.argument!r} cannot be {text!r}")
    return "/".join(quote(part, safe="") for part in parts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else encode(value).decode()


def _body(value: Any, kind: str) -> bytes:
    """JSON, unless another media type takes text as it is."""
    if isinstance(value, str) and "json" not in kind:
        return value.encode()
    return encode(value)
