"""Schemas of OpenAPI as the service's models: JSON Schema draft 4, `$ref` between them by name.

Source: OpenAPI 3.0 "Schema Object", JSON Schema drafts 4 and 2020-12, Developer Guide "Data models
for REST APIs". Annotations that draft 4 does not know are dropped, as the service does.
"""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, cast

import msgspec
from jsonschema import Draft4Validator

from torana.model.rest import Json
from torana.openapi.place import Place, kind

_DROPPED = frozenset(
    re.findall(
        r"\S+",
        "$schema $id id $comment $anchor nullable discriminator xml externalDocs example examples "
        "deprecated readOnly writeOnly contentEncoding contentMediaType contentSchema",
    )
)
_PLAIN = frozenset(
    re.findall(
        r"\S+",
        "title description default multipleOf maximum minimum maxLength minLength maxItems "
        "minItems uniqueItems maxProperties minProperties required enum type format",
    )
)
_LARGEST = 400 * 1024
"""Bytes: the service's limit for a model."""
_ANNOTATIONS = frozenset({"title", "description", "default"})


def draft4(place: Place) -> Json:
    """The schema at a place; what cannot be said in draft 4 is noted as a warning."""
    value = place.value
    if isinstance(value, bool) and place.sheet.version == "3.1":
        return {} if value else {"not": {}}
    if not isinstance(value, dict):
        place.fail("schema", f"a schema must be a mapping, not {kind(value)}")
        return {}
    reference = place.find("$ref")
    if reference is not None:
        return _referring(place, reference)
    made: Json = {}
    for key, part in place.items():
        _keyword(made, key, part)
    if place.sheet.version.startswith("3") and value.get("nullable") is True:  # pyright: ignore[reportUnknownMemberType]
        _allow_null(made)
    return made


def _keyword(made: Json, key: str, part: Place) -> None:
    if key in _DROPPED or key.startswith("x-"):
        return
    if key in _PLAIN:
        made[key] = part.value
    elif key in _CONVERT:
        _CONVERT[key](made, part)
    else:
        part.warn("schema-keyword", f"JSON Schema draft 4 knows no {key!r}; it is ignored")


def _referring(place: Place, reference: Place) -> Json:
    made: Json = {"$ref": refer(reference)}
    if place.sheet.version != "3.1":
        return made
    beside: Json = {}
    for key, part in place.items():
        if key != "$ref" and key not in _ANNOTATIONS:
            _keyword(beside, key, part)
    return {"allOf": [made, beside]} if beside else made


def refer(reference: Place) -> str:
    """A reference to a model, in the spelling that models keep."""
    pointer = reference.as_text() or ""
    name = model_name(pointer)
    if name is None:
        reference.fail(
            "reference",
            f"{pointer[:200]!r} is no reference to a whole schema of this document",
            "name the schema and refer to it by that name",
        )
        return "#/definitions/"
    reference.target()
    return f"#/definitions/{name}"


def model_name(pointer: str) -> str | None:
    """`Pet` of `#/components/schemas/Pet` or `#/definitions/Pet`."""
    match = re.fullmatch(r"#/(?:components/schemas|definitions)/([^/]+)", pointer)
    return match[1] if match else None


def _one(made: Json, part: Place) -> None:
    made[str(part.key)] = draft4(part)


def _one_or_flag(made: Json, part: Place) -> None:
    made[str(part.key)] = part.value if isinstance(part.value, bool) else draft4(part)


def _items(made: Json, part: Place) -> None:
    if part.sheet.version == "3.1" and "additionalItems" in made:
        made["additionalItems"] = draft4(part)
    elif part.is_list:
        made["items"] = [draft4(item) for item in part.elements()]
    else:
        made["items"] = draft4(part)


def _prefix_items(made: Json, part: Place) -> None:
    if "items" in made:
        made["additionalItems"] = made["items"]
    else:
        made["additionalItems"] = True
    made["items"] = [draft4(item) for item in part.elements()]


def _many(made: Json, part: Place) -> None:
    made[str(part.key)] = [draft4(item) for item in part.elements()]


def _named(made: Json, part: Place) -> None:
    made[str(part.key)] = {name: draft4(schema) for name, schema in part.items()}


def _dependencies(made: Json, part: Place) -> None:
    found = made.setdefault("dependencies", {})
    for name, schema in part.items():
        found[name] = schema.value if schema.is_list else draft4(schema)


def _pattern(made: Json, part: Place) -> None:
    made["pattern"] = part.value
    if not isinstance(part.value, str):
        return
    try:
        re.compile(part.value)
    except (re.error, OverflowError, RecursionError) as error:
        part.fail("schema", f"the pattern {part.value[:100]!r} is no regular expression: {error}")


def _pattern_properties(made: Json, part: Place) -> None:
    for name, schema in part.items():
        _pattern({}, Place(schema.sheet, part, name, name))
    _named(made, part)


def _exclusive(plain: str, exclusive: str) -> "Callable[[Json, Place], None]":
    """Draft 4 has a flag where later drafts have a number."""

    def convert(made: Json, part: Place) -> None:
        value = part.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            made[exclusive] = value
            return
        made[plain], made[exclusive] = value, True

    return convert


def _const(made: Json, part: Place) -> None:
    made["enum"] = [part.value]


_CONVERT: Mapping[str, Callable[[Json, Place], None]] = {
    "items": _items,
    "prefixItems": _prefix_items,
    "additionalItems": _one_or_flag,
    "additionalProperties": _one_or_flag,
    "not": _one,
    "allOf": _many,
    "anyOf": _many,
    "oneOf": _many,
    "properties": _named,
    "patternProperties": _pattern_properties,
    "definitions": _named,
    "dependencies": _dependencies,
    "dependentSchemas": _dependencies,
    "dependentRequired": _dependencies,
    "pattern": _pattern,
    "exclusiveMinimum": _exclusive("minimum", "exclusiveMinimum"),
    "exclusiveMaximum": _exclusive("maximum", "exclusiveMaximum"),
    "const": _const,
}


def _allow_null(made: Json) -> None:
    kinds = made.get("type")
    if isinstance(kinds, str):
        made["type"] = [kinds, "null"]
    if isinstance(made.get("enum"), list) and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]


def _meta() -> Any:
    """The rules of draft 4, but for those on duplicates, which take quadratic time."""
    rules = deepcopy(cast(Json, Draft4Validator.META_SCHEMA))
    for owner in (
        rules["definitions"]["stringArray"],
        rules["properties"]["enum"],
        rules["properties"]["type"]["anyOf"][1],
    ):
        owner.pop("uniqueItems", None)
    return Draft4Validator(rules)


_META = _meta()


def check(schema: Json, place: Place) -> None:
    """Note what makes a schema no JSON Schema of draft 4, or larger than the service takes."""
    size = len(msgspec.json.encode(schema))
    if size > _LARGEST:
        place.fail("schema", f"a model has at most {_LARGEST} bytes, not {size}")
        return
    for error in _META.iter_errors(schema):
        at = place
        for step in error.absolute_path:
            at = at.part(str(step)) or at
        at.fail("schema", f"no JSON Schema (draft 4): {str(error.message)[:200]}")
