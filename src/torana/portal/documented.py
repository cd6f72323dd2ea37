"""Documentation parts put into an OpenAPI document, where it says nothing itself.

Source: API Gateway Developer Guide, "Representation of API documentation in API Gateway": a part
has a location, and properties of which `summary` and `description` are words to read.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

import msgspec

from torana.portal.verbs import VERBS
from torana.services.apigateway.book import Json

_PLACES = {"PATH_PARAMETER": "path", "QUERY_PARAMETER": "query", "REQUEST_HEADER": "header"}


def put_words(document: Json, parts: Iterable[Json]) -> None:
    """Parts with `location` and `properties`, which are JSON or its text."""
    for part in parts:
        location: Json = part.get("location") or {}
        words = _words(part.get("properties"))
        put = _PUT.get(str(location.get("type")))
        if put is not None and words:
            put(document, location, words)


def _words(properties: Any) -> Json:
    read: Any = properties
    if isinstance(properties, str):
        try:
            read = msgspec.json.decode(properties)
        except msgspec.DecodeError:
            return {}
    found = cast(Json, read) if isinstance(read, dict) else {}
    kept = {name: found[name] for name in ("summary", "description") if name in found}
    return {name: text for name, text in kept.items() if isinstance(text, str)}


def _say(of: Any, words: Json) -> None:
    if isinstance(of, dict):
        for name, text in words.items():
            cast(Json, of).setdefault(name, text)


def _api(document: Json, location: Json, words: Json) -> None:
    _say(document["info"], {name: words[name] for name in words if name == "description"})


def _model(document: Json, location: Json, words: Json) -> None:
    schemas: Json = document.get("components", {}).get("schemas", {})
    _say(schemas.get(str(location.get("name"))), words)


def _operations(document: Json, location: Json) -> list[Json]:
    """Those that a location means; what it leaves out means all."""
    path, method = location.get("path") or "/", str(location.get("method") or "*").lower()
    items = [document["paths"][path]] if path in document["paths"] else []
    return [
        item[verb]
        for item in items
        for verb in VERBS
        if verb in item and method in ("*", "any", verb)
    ]


def _method(document: Json, location: Json, words: Json) -> None:
    for each in _operations(document, location):
        _say(each, words)


def _parameter(document: Json, location: Json, words: Json) -> None:
    where = _PLACES[str(location["type"])]
    for operation in _operations(document, location):
        for each in operation.get("parameters", []):
            if (each.get("in"), each.get("name")) == (where, location.get("name")):
                _say(each, words)


def _response(document: Json, location: Json, words: Json) -> None:
    status = str(location.get("statusCode") or "*")
    for operation in _operations(document, location):
        for code, each in operation.get("responses", {}).items():
            # The writer says what a document must say, when nobody has.
            if status in ("*", code) and each.get("description") == f"{code} response":
                each["description"] = words.get("description", each["description"])


def _body(document: Json, location: Json, words: Json) -> None:
    for operation in _operations(document, location):
        _say(operation.get("requestBody"), words)


_PUT: dict[str, Callable[[Json, Json, Json], None]] = {
    "API": _api,
    "MODEL": _model,
    "METHOD": _method,
    "RESPONSE": _response,
    "REQUEST_BODY": _body,
    **dict.fromkeys(_PLACES, _parameter),
}
