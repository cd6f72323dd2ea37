"""Answers that must be JSON of a schema: what is wrong with one, and mending almost JSON."""
# Schemas and values are of any type by nature.
# pyright: basic

import re
from collections.abc import Callable
from typing import Any

import msgspec

from torana.llm.chat import Format

_SHOWN = 10
"""Violations that are told at once."""

Check = Callable[[Any], str]
"""What is wrong with a value; empty: nothing."""


def checker(schema: dict[str, Any]) -> Check:
    """Raises `ValueError` for what is no JSON Schema."""
    import jsonschema
    from jsonschema.validators import validator_for
    from referencing import Registry

    kind = validator_for(schema, jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"no JSON Schema: {error.message}") from error
    # An empty registry: what a schema refers to elsewhere is not fetched.
    validator = kind(schema, registry=Registry())

    def check(value: Any) -> str:
        found = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.path)))
        return "; ".join(f"{error.json_path}: {error.message}" for error in found[:_SHOWN])

    return check


def format_of(name: str, schema: dict[str, Any]) -> Format:
    """What a model is asked for."""
    return Format(re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64], schema)


def value_of(text: str) -> Any:
    """The JSON in an answer. What is almost some, as models write it (in a fence, with a comma too
    many, broken off), is mended; what is none at all becomes a string."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        import json_repair

        return json_repair.loads(text, skip_json_loads=True)
