"""APIs as developers outside read them: OpenAPI without anything of what is behind it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.locate import Live
from torana.openapi import write, write_http
from torana.portal.documented import put_words
from torana.portal.verbs import VERBS
from torana.services.apigateway.book import Json

_ANY = "x-amazon-apigateway-any-method"


def consumers(live: Live) -> bool:
    """Whether a stage is for clients yet, and its address is not closed to them."""
    life = live.plan.lifecycle
    closed = live.plan.to.api.disable_execute_api_endpoint
    return not closed and (life is None or life.state != "design")


def definition(
    live: Live, address: str, endpoints: list[Json], parts: Iterable[Json], *, whole: bool
) -> Json:
    """OpenAPI 3.0 of a stage: of all its operations, or of those that are `endpoints` alone, whose
    own words win over those of the documentation's `parts`. Where an operation cannot be tried,
    `x-try-it` is false."""
    compiled = live.plan.to
    if isinstance(compiled, HttpCompiled):
        text = write_http(compiled.http, extensions=False)
    else:
        text = write(compiled.api, compiled.stage, extensions=())
    document: Json = msgspec.json.decode(text)
    document["servers"] = [{"url": address}]
    document["paths"] = {
        path: {**{k: v for k, v in item.items() if k == "parameters"}, **_operations(item)}
        for path, item in document.get("paths", {}).items()
    }
    own = compiled.api.documentation or {}
    put_words(document, [*parts, *own.get("documentationParts", [])])
    document["paths"] = _paths(document["paths"], endpoints, whole=whole)
    _deprecate(document, live)
    _drop_unused(document)
    return document


def _paths(paths: Json, endpoints: Iterable[Json], *, whole: bool) -> Json:
    told = {
        (parts["Method"].lower(), parts["Path"]): each
        for each in endpoints
        for parts in (each["RestEndpointIdentifier"]["IdentifierParts"],)
    }
    kept: Json = {}
    for path, item in paths.items():
        own: Json = {}
        for verb, operation in item.items():
            if verb not in VERBS:
                continue
            page = told.get((verb, path)) or told.get(("any", path))
            if page is not None:
                own[verb] = {**operation, **_words(page)}
            elif whole:
                own[verb] = operation
        if own:
            kept[path] = {**{k: v for k, v in item.items() if k == "parameters"}, **own}
    return kept


def _operations(item: Json) -> Json:
    """By verb; what takes any takes each."""
    own = {verb: item[verb] for verb in VERBS if verb in item}
    any_verb = item.get(_ANY)
    if any_verb is None:
        return own
    spread: Json = {}
    for verb in VERBS:
        named = any_verb.get("operationId")
        spread[verb] = {**any_verb, **({"operationId": f"{verb}_{named}"} if named else {})}
    return {**spread, **own}


def _words(page: Json) -> Json:
    own: Json = page["Overrides"]
    told: Json = {"x-try-it": page["TryItState"] == "ENABLED"}
    if own.get("OperationName"):
        told["summary"] = own["OperationName"]
    if own.get("Body"):
        told["description"] = own["Body"]
    if own.get("Endpoint"):
        told["servers"] = [{"url": own["Endpoint"]}]
    return told


def _deprecate(document: Json, live: Live) -> None:
    """Say of operations what clients are told when they call them."""
    life = live.plan.lifecycle
    if life is None:
        return
    for path, item in document["paths"].items():
        for verb in VERBS:
            found = item.get(verb)
            told = found and life.of(f"{verb.upper()} {path}")
            if told:
                found["deprecated"] = True
                found["x-deprecation"] = {
                    name: value for name, value in msgspec.to_builtins(told).items() if value
                }


def _drop_unused(document: Json) -> None:
    """Models that no operation names would tell of operations that are not shown."""
    components: Json = document.get("components", {})
    schemas: Json = components.get("schemas", {})
    used: set[str] = set()
    waiting = list(_references(document["paths"]))
    while waiting:
        name = waiting.pop()
        if name in schemas and name not in used:
            used.add(name)
            waiting += _references(schemas[name])
    if schemas:
        components["schemas"] = {name: schemas[name] for name in schemas if name in used}


def _references(value: Any) -> list[str]:
    """The models that something names."""
    if isinstance(value, dict):
        found: Json = value  # pyright: ignore[reportUnknownVariableType]
        own = found.get("$ref")
        here = [own.rpartition("/")[2]] if isinstance(own, str) else []
        return here + [name for each in found.values() for name in _references(each)]
    if isinstance(value, list):
        listed: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return [name for each in listed for name in _references(each)]
    return []
