"""An OpenAPI document as what clients are written from: operations, and models with types.

Types are kept in the document's own words; a `Grammar` says them in a language.
"""

import re
from collections.abc import Iterable
from typing import Any, Protocol, cast

from msgspec import Struct

from torana.portal.verbs import VERBS
from torana.services.apigateway.book import Json

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PLACES = ("path", "query", "header")
_JSON = "application/json"
_DEPTH = 20


class Parameter(Struct, frozen=True):
    """Of an operation."""

    name: str
    where: str
    """`path`, `query` or `header`."""
    required: bool
    schema: Json
    description: str = ""


class Operation(Struct, frozen=True):
    """A method of the client."""

    words: tuple[str, ...]
    """Of its name, in lower case."""
    verb: str
    path: str
    summary: str
    parameters: tuple[Parameter, ...]
    body: Json | None
    """Its schema."""
    body_required: bool
    answer: Json | None
    deprecated: bool
    keyed: bool


class Sdk(Struct, frozen=True):
    """A client."""

    title: str
    version: str
    slug: str
    base: str
    operations: tuple[Operation, ...]
    models: dict[str, Json]
    """By names that are good in any language."""


class Grammar(Protocol):
    """How a language says types."""

    plain: dict[str, str]
    """Of `string`, `integer`, `number`, `boolean`, `null` and `any`."""

    def model(self, name: str) -> str: ...
    def many(self, of: str) -> str: ...
    def map(self, of: str) -> str: ...
    def either(self, of: Iterable[str]) -> str: ...
    def literal(self, value: Any) -> str: ...


def reading(document: Json) -> Sdk:
    """Read it. References to models are turned into names that are good in any language."""
    info: Json = document.get("info", {})
    schemas: Json = document.get("components", {}).get("schemas", {})
    names = _model_names(schemas)
    operations: list[Operation] = []
    taken: set[tuple[str, ...]] = set()
    for path, item in sorted(document.get("paths", {}).items()):
        shared: list[Json] = item.get("parameters", [])
        for verb in VERBS:
            if verb in item:
                made = _operation(verb, path, item[verb], shared, document, names, taken)
                operations.append(made)
    models = {names[name]: _named(schema, names) for name, schema in schemas.items()}
    for name in list(models):
        models[name] = _lifted(models[name], (*words(name),), models)
    title = str(info.get("title") or "API")
    return Sdk(
        title,
        str(info.get("version") or "0"),
        "-".join(words(title)) or "api",
        str(document["servers"][0]["url"]),
        tuple(operations),
        models,
    )


def words(text: str) -> tuple[str, ...]:
    """The words of a name, in lower case."""
    return tuple(each.lower() for each in _WORD.findall(text))


def pascal(of: Iterable[str]) -> str:
    """`PetOrder`."""
    return "".join(each[:1].upper() + each[1:] for each in of)


def said(schema: Json | None, grammar: Grammar, depth: int = 0) -> str:
    """A schema in a language."""
    if not schema or depth > _DEPTH:
        return grammar.plain["any"]
    found = _said(schema, grammar, depth)
    if schema.get("nullable") and found != grammar.plain["any"]:
        return grammar.either([found, grammar.plain["null"]])
    return found


def _said(schema: Json, grammar: Grammar, depth: int) -> str:
    if "$ref" in schema:
        return grammar.model(str(schema["$ref"]))
    values: list[Any] = schema.get("enum") or []
    if values and all(isinstance(each, str | int | bool) for each in values):
        return grammar.either([grammar.literal(each) for each in values])
    for key in ("oneOf", "anyOf"):
        if schema.get(key):
            return grammar.either([said(each, grammar, depth + 1) for each in schema[key]])
    if len(schema.get("allOf") or ()) == 1:
        return said(schema["allOf"][0], grammar, depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = cast(list[str], kind)
        return grammar.either(
            [said({**schema, "type": each}, grammar, depth + 1) for each in kinds]
        )
    if kind == "array":
        return grammar.many(said(schema.get("items"), grammar, depth + 1))
    if kind == "object" or "properties" in schema:
        values_of = schema.get("additionalProperties")
        inner = cast(Json, values_of) if isinstance(values_of, dict) else None
        return grammar.map(said(inner, grammar, depth + 1))
    return grammar.plain.get(str(kind), grammar.plain["any"])


def members(schema: Json) -> dict[str, tuple[Json, bool]] | None:
    """Properties of an object, and whether each is required; None for what is no such object."""
    if "properties" not in schema:
        return None
    required = set(cast(list[str], schema.get("required") or []))
    properties: dict[str, Json] = schema["properties"]
    return {name: (each, name in required) for name, each in properties.items()}


def _operation(
    verb: str,
    path: str,
    operation: Json,
    shared: list[Json],
    document: Json,
    names: dict[str, str],
    taken: set[tuple[str, ...]],
) -> Operation:
    own = words(str(operation.get("operationId") or "")) or (verb, *words(path))
    name, count = own, 2
    while name in taken:
        name, count = (*own, str(count)), count + 1
    taken.add(name)
    body: Json = operation.get("requestBody") or {}
    return Operation(
        name,
        verb.upper(),
        path,
        str(operation.get("summary") or operation.get("description") or ""),
        tuple(_parameters(path, [*shared, *operation.get("parameters", [])], names)),
        _content(body, names) if body else None,
        bool(body.get("required")),
        _answer(operation, names),
        bool(operation.get("deprecated")),
        _keyed(operation, document),
    )


def _parameters(path: str, given: list[Json], names: dict[str, str]) -> Iterable[Parameter]:
    """Required ones first. What a path names is there, whether it is declared or not."""
    found: dict[tuple[str, str], Parameter] = {}
    for name in re.findall(r"\{([^{}+]+)\+?\}", path):
        found["path", name] = Parameter(name, "path", True, {"type": "string"})
    for each in given:
        where, name = str(each.get("in")), str(each.get("name"))
        if where in _PLACES:
            schema = _named(each.get("schema") or {"type": "string"}, names)
            required = where == "path" or bool(each.get("required"))
            told = str(each.get("description") or "")
            found[where, name] = Parameter(name, where, required, schema, told)
    return sorted(found.values(), key=lambda each: not each.required)


def _content(of: Json, names: dict[str, str]) -> Json:
    """The schema of JSON; `{}` (anything) for what is something else, or says nothing."""
    content: Json = of.get("content") or {}
    for kind, media in content.items():
        if kind.partition(";")[0].strip() == _JSON or kind.endswith("+json"):
            return _named(media.get("schema") or {}, names)
    return {}


def _answer(operation: Json, names: dict[str, str]) -> Json | None:
    responses: Json = operation.get("responses") or {}
    for status, response in sorted(responses.items()):
        if status.startswith("2") and response.get("content"):
            return _content(response, names)
    return None


def _keyed(operation: Json, document: Json) -> bool:
    schemes: Json = document.get("components", {}).get("securitySchemes", {})
    wanted: list[Json] = operation.get("security", document.get("security", []))
    keys = {
        name
        for name, each in schemes.items()
        if each.get("type") == "apiKey" and str(each.get("name")).lower() == "x-api-key"
    }
    return any(keys & each.keys() for each in wanted)


def _model_names(schemas: Json) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in schemas:
        base = pascal(words(name)) or "Model"
        base = base if base[0].isalpha() else f"Model{base}"
        made, count = base, 2
        while made in names.values():
            made, count = f"{base}{count}", count + 1
        names[name] = made
    return names


def _named(schema: Any, names: dict[str, str]) -> Any:
    """With models by their new names."""
    if isinstance(schema, dict):
        found = cast(Json, schema)
        if isinstance(found.get("$ref"), str):
            name = found["$ref"].rpartition("/")[2]
            return {"$ref": names[name]} if name in names else {}
        return {key: _named(each, names) for key, each in found.items()}
    if isinstance(schema, list):
        return [_named(each, names) for each in cast(list[Any], schema)]
    return schema


def _lifted(schema: Json, name: tuple[str, ...], models: dict[str, Json]) -> Json:
    """A model whose own objects are models too, named after where they are."""
    found = members(schema)
    if found is None or len(name) > _DEPTH:
        return schema
    properties: Json = {}
    for key, (own, _) in found.items():
        place = (*name, *words(key))
        items = own.get("items")
        if members(own) is not None:
            properties[key] = _model(own, place, models)
        elif isinstance(items, dict) and members(cast(Json, items)) is not None:
            properties[key] = {**own, "items": _model(cast(Json, items), (*place, "item"), models)}
        else:
            properties[key] = own
    return {**schema, "properties": properties}


def _model(schema: Json, name: tuple[str, ...], models: dict[str, Json]) -> Json:
    """A reference to what becomes a model."""
    base = pascal(name)
    made, count = base, 2
    while made in models:
        made, count = f"{base}{count}", count + 1
    models[made] = {}
    models[made] = _lifted(schema, name, models)
    kept = {"nullable": True} if schema.get("nullable") else {}
    return {"$ref": made, **kept}
