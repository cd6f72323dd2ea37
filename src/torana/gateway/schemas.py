"""Models compiled to validators, and violations in the words of the service's validator.

Validation runs as generated Python (fastjsonschema); only a body that fails is looked at again,
with jsonschema, to say everything that is wrong with it.
"""
# A schema and the values it describes are of any type by nature.
# pyright: basic

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

import fastjsonschema
import jsonschema
import msgspec

from torana.gateway.errors import InvalidApi
from torana.gateway.schema_types import fits
from torana.model.rest import Model
from torana.model.schema import closed

Check = Callable[[Any], "str | None"]
"""None for a valid value, else what is wrong with it."""
BodyCheck = Callable[[bytes], "str | None"]

_DRAFT = "http://json-schema.org/draft-04/schema#"


def validator(model: Model, models: Mapping[str, Model]) -> Check:
    """Compile a model with what it refers to. Raises `InvalidApi`."""
    schema = {**closed(model, models), "$schema": _DRAFT}
    return _compiled(msgspec.json.encode(schema, order="deterministic"))


def body_validator(model: Model, models: Mapping[str, Model]) -> BodyCheck:
    """The same, of bodies. Raises `InvalidApi`; what is made raises `msgspec.DecodeError`."""
    check, at_once = validator(model, models), fits(closed(model, models))

    def judge(body: bytes) -> str | None:
        if at_once is not None and at_once(body):
            return None
        return check(msgspec.json.decode(body))

    return judge


@lru_cache(maxsize=4096)
def _compiled(encoded: bytes) -> Check:
    schema = msgspec.json.decode(encoded)
    try:
        valid = cast(Callable[[Any], Any], fastjsonschema.compile(schema, use_default=False))
    except (fastjsonschema.JsonSchemaDefinitionException, KeyError, ValueError) as error:
        raise InvalidApi(f"a model is no JSON Schema (draft 4): {error}") from error
    explain = jsonschema.Draft4Validator(schema)

    def check(value: Any) -> str | None:
        try:
            valid(value)
        except fastjsonschema.JsonSchemaValueException:
            found = sorted(_violations(explain, value))
            return "[" + ", ".join(found) + "]"
        return None

    return check


def _violations(explain: Any, value: Any) -> Iterator[str]:
    missing: list[str] = []
    for error in explain.iter_errors(value):
        if error.validator == "required":
            missing.extend(name for name in error.validator_value if name not in error.instance)
        else:
            yield _words(error)
    if missing:
        yield f"object has missing required properties ({_list(sorted(set(missing)))})"


def _words(error: Any) -> str:
    say = _WORDS.get(str(error.validator))
    return say(error) if say else str(error.message)


def _list(values: Any) -> str:
    return msgspec.json.encode(values).decode()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _type(error: Any) -> str:
    allowed = error.validator_value
    names = sorted([allowed] if isinstance(allowed, str) else allowed)
    return (
        f"instance type ({_primitive(error.instance)}) does not match any allowed primitive type "
        f"(allowed: {_list(names)})"
    )


def _primitive(value: Any) -> str:
    for kind, name in _PRIMITIVES:
        if isinstance(value, kind):
            return name
    return "null"


_PRIMITIVES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def _extra(error: Any) -> str:
    known = set(error.schema.get("properties", {})) if isinstance(error.schema, dict) else set()
    extra = sorted(name for name in error.instance if name not in known)
    return f"object instance has properties which are not allowed by the schema: {_list(extra)}"


# The messages of the schema validator that the service uses (json-schema-validator for Java).
_WORDS: dict[str, Callable[[Any], str]] = {
    "type": _type,
    "additionalProperties": _extra,
    "enum": lambda e: (
        f"instance value ({_json(e.instance)}) not found in enum "
        f"(possible values: {_list(e.validator_value)})"
    ),
    "minimum": lambda e: (
        "numeric instance is lower than the required minimum "
        f"(minimum: {_json(e.validator_value)}, found: {_json(e.instance)})"
    ),
    "maximum": lambda e: (
        "numeric instance is greater than the required maximum "
        f"(maximum: {_json(e.validator_value)}, found: {_json(e.instance)})"
    ),
    "minLength": lambda e: (
        f"string {_json(e.instance)} is too short "
        f"(length: {len(e.instance)}, required minimum: {e.validator_value})"
    ),
    "maxLength": lambda e: (
        f"string {_json(e.instance)} is too long "
        f"(length: {len(e.instance)}, maximum allowed: {e.validator_value})"
    ),
    "pattern": lambda e: (
        f"ECMA 262 regex {_json(e.validator_value)} does not match input string {_json(e.instance)}"
    ),
    "minItems": lambda e: (
        f"array is too short: must have at least {e.validator_value} elements "
        f"but instance has {len(e.instance)} elements"
    ),
    "maxItems": lambda e: (
        f"array is too long: must have at most {e.validator_value} elements "
        f"but instance has {len(e.instance)} elements"
    ),
    "uniqueItems": lambda e: "array must not contain duplicate elements",
    "multipleOf": lambda e: (
        f"remainder of division is not zero ({_json(e.instance)} / {_json(e.validator_value)})"
    ),
    "minProperties": lambda e: (
        f"object has too few properties (found {len(e.instance)} but schema requires "
        f"at least {e.validator_value})"
    ),
    "maxProperties": lambda e: (
        f"object has too many properties (found {len(e.instance)} but schema requires "
        f"at most {e.validator_value})"
    ),
    "oneOf": lambda e: (
        "instance failed to match exactly one schema "
        f"(matched {_matches(e)} out of {len(e.validator_value)})"
    ),
    "anyOf": lambda e: (
        f"instance failed to match at least one required schema among {len(e.validator_value)}"
    ),
    "allOf": lambda e: "instance failed to match all required schemas",
    "not": lambda e: "instance matched a schema which it should not have",
}


def _matches(error: Any) -> int:
    failed = {entry.schema_path[0] for entry in error.context or ()}
    return len(error.validator_value) - len(failed)
