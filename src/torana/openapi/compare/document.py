"""A document as what clients rely on: operations with what they take, answer and demand.

OpenAPI 3.0, 3.1 and Swagger 2.0 come to the same. Paths whose variables only bear other names are
one path.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from torana.model.lifecycle import moment
from torana.openapi.extensions import ANY
from torana.openapi.lifecycle import OPERATION
from torana.openapi.read import VERBS
from torana.openapi.security import AUTH, AUTHTYPE

Json = dict[str, Any]
_MOST_HOPS = 32
_VARIABLE = re.compile(r"\{[^{}+]+(\+?)\}")


class At(Struct, frozen=True):
    """A value and its JSON pointer."""

    value: Any
    pointer: str
    made: bool = False
    """Whether it stands in no document: it was put together of several places."""

    def part(self, key: str | int) -> "At":
        """A member or an element; None is its value when there is none."""
        escaped = str(key).replace("~", "~0").replace("/", "~1")
        value: Any = None
        if isinstance(self.value, dict):
            value = cast(Json, self.value).get(str(key))
        elif isinstance(self.value, list) and isinstance(key, int):
            elements = cast(list[Any], self.value)
            value = elements[key] if key < len(elements) else None
        return At(value, f"{self.pointer}/{escaped}", self.made)

    @property
    def is_list(self) -> bool:
        """Whether it has elements."""
        return isinstance(self.value, list)

    def members(self) -> Iterator[tuple[str, "At"]]:
        """The members of a mapping."""
        if isinstance(self.value, dict):
            for key in cast(Json, self.value):
                yield str(key), self.part(str(key))

    def elements(self) -> Iterator["At"]:
        """The elements of a list."""
        if isinstance(self.value, list):
            for index in range(len(cast(list[Any], self.value))):
                yield self.part(index)

    def text(self, key: str) -> str:
        """A member that is text, or nothing."""
        found = self.part(key).value
        return found if isinstance(found, str) else ""


class Tree:
    """A document, whose references can be followed."""

    def __init__(self, root: Any) -> None:
        self.root = At(root, "")
        self.old = str(self.root.part("swagger").value or "").startswith("2")

    def follow(self, at: At) -> At:
        """What a reference refers to, or the same. A circle of references is nothing."""
        for _ in range(_MOST_HOPS):
            reference = at.part("$ref").value
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return at
            at = self.root
            for part in reference[2:].split("/"):
                name = unquote(part).replace("~1", "/").replace("~0", "~")
                key = int(name) if isinstance(at.value, list) and name.isdecimal() else name
                at = at.part(key)
        return At(None, at.pointer)


class Parameter(Struct, frozen=True):
    """Of a path, a query or a header."""

    where: str
    name: str
    required: bool
    schema: At
    at: At
    style: str
    """How values are written, as one text."""


class Answer(Struct, frozen=True):
    """What an operation may answer under a status."""

    content: Mapping[str, At]
    headers: Mapping[str, At]
    at: At


Demand = frozenset[str]
"""What a caller must show, all of it; each as the canonical text of its scheme and a scope."""


class Operation(Struct, frozen=True):
    """Everything of an operation that clients rely on."""

    name: str
    at: At
    parameters: Mapping[tuple[str, str], Parameter]
    body_required: bool
    body: Mapping[str, At]
    answers: Mapping[str, Answer]
    demands: frozenset[Demand]
    """Any of these; empty: nothing is demanded."""
    deprecated: bool
    sunset: str


class Definition(Struct, frozen=True):
    """An API."""

    tree: Tree
    version: str
    operations: Mapping[str, Operation]
    """By verb and path, with the names of variables left out."""


def definition(root: Any) -> Definition:
    """`root`: a parsed document."""
    tree = Tree(root)
    found: dict[str, Operation] = {}
    for path, declared in tree.root.part("paths").members():
        item = tree.follow(declared)
        for verb, at in item.members():
            if path.startswith("/") and (verb == ANY or verb in VERBS):
                said = "ANY" if verb == ANY else verb.upper()
                route = _VARIABLE.sub(r"{\1}", path.rstrip("/") or "/")
                found[f"{said} {route}"] = _operation(tree, f"{said} {path}", item, at)
    return Definition(tree, tree.root.part("info").text("version"), found)


def _operation(tree: Tree, name: str, item: At, at: At) -> Operation:
    declared = [tree.follow(each) for each in item.part("parameters").elements()]
    declared += [tree.follow(each) for each in at.part("parameters").elements()]
    variables = re.findall(r"\{([^{}+]+)\+?\}", name)
    parameters: dict[tuple[str, str], Parameter] = {}
    for each in declared:
        where, given = each.text("in"), each.text("name")
        if where in ("path", "query", "header", "cookie"):
            key = given.lower() if where == "header" else given
            if where == "path" and given in variables:
                key = f"{variables.index(given) + 1}"
            parameters[where, key] = _parameter(tree, where, given, each)
    required, body = _body(tree, at, declared)
    deprecation = at.part(OPERATION)
    return Operation(
        name,
        at,
        parameters,
        required,
        body,
        {
            status: _answer(tree, at, tree.follow(each))
            for status, each in at.part("responses").members()
            if not status.startswith("x-")
        },
        _demands(tree, at),
        at.part("deprecated").value is True or deprecation.value is not None,
        deprecation.text("sunset"),
    )


def _parameter(tree: Tree, where: str, name: str, at: At) -> Parameter:
    schema = at if tree.old else at.part("schema")
    if not tree.old and schema.value is None:
        schema = next((each.part("schema") for _, each in at.part("content").members()), schema)
    style = at.text("collectionFormat") or at.text("style")
    usual = {"query": "form", "cookie": "form"}.get(where, "simple")
    explode = at.part("explode").value
    own = (
        "" if style in ("", usual) and explode in (None, usual == "form") else f"{style} {explode}"
    )
    required = where == "path" or at.part("required").value is True
    return Parameter(where, name, required, schema, at, own)


def _body(tree: Tree, at: At, declared: list[At]) -> tuple[bool, dict[str, At]]:
    if not tree.old:
        body = tree.follow(at.part("requestBody"))
        content = {name: each.part("schema") for name, each in body.part("content").members()}
        return body.part("required").value is True, content
    for each in declared:
        if each.text("in") == "body":
            types = _media_types(tree, at, "consumes")
            return each.part("required").value is True, dict.fromkeys(types, each.part("schema"))
    return False, {}


def _media_types(tree: Tree, at: At, key: str) -> list[str]:
    own, usual = at.part(key), tree.root.part(key)
    found = own if own.value is not None else usual
    return [str(each.value) for each in found.elements()] or ["application/json"]


def _answer(tree: Tree, operation: At, at: At) -> Answer:
    if tree.old:
        schema = at.part("schema")
        types = _media_types(tree, operation, "produces") if schema.value is not None else []
        content = dict.fromkeys(types, schema)
    else:
        content = {name: each.part("schema") for name, each in at.part("content").members()}
    headers = {name.lower(): tree.follow(each) for name, each in at.part("headers").members()}
    return Answer(content, headers, at)


def _demands(tree: Tree, at: At) -> frozenset[Demand]:
    own = at.part("security")
    security = own if isinstance(own.value, list) else tree.root.part("security")
    schemes = tree.root.part("securityDefinitions")
    if not tree.old:
        schemes = tree.root.part("components").part("securitySchemes")
    signed = {"AWS_IAM"} if at.part(AUTH).text("type").upper() == "AWS_IAM" else set[str]()
    found: set[Demand] = set()
    for each in security.elements():
        demand = set(signed)
        for name, scopes in each.members():
            scheme = _scheme(tree.follow(schemes.part(name)))
            demand.add(scheme)
            demand |= {f"{scheme} {scope.value}" for scope in scopes.elements()}
        found.add(frozenset(demand))
    if not found and signed:
        found.add(frozenset(signed))
    return frozenset() if frozenset() in found else frozenset(found)


def _scheme(at: At) -> str:
    """What of a scheme clients see: how they show what they have, not who checks it."""
    kept = {
        name: each.value
        for name, each in at.members()
        if name in ("type", "in", "name", "scheme", "openIdConnectUrl", "flow", AUTHTYPE)
    }
    if str(kept.get("in")) == "header":
        kept["name"] = str(kept.get("name")).lower()
    return msgspec.json.encode(dict(sorted(kept.items()))).decode()


def over(sunset: str, now: Any) -> bool:
    """Whether the time that clients were told has come."""
    when = moment(sunset)
    return when is not None and when <= now
