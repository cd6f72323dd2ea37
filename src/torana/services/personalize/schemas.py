"""Schemas of datasets: Avro records that say which columns there are, and of what types.

Source: Amazon Personalize Developer Guide, "Creating schema JSON files".
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from torana.services.personalize.book import Json, invalid

INTERACTIONS, ITEMS, USERS = "INTERACTIONS", "ITEMS", "USERS"
REQUIRED: Mapping[str, tuple[str, ...]] = {
    INTERACTIONS: ("USER_ID", "ITEM_ID", "TIMESTAMP"),
    ITEMS: ("ITEM_ID",),
    USERS: ("USER_ID",),
}
_NUMBERS: Mapping[str, type] = {"int": int, "long": int, "float": float, "double": float}


def fields(text: str) -> dict[str, tuple[str, bool]]:
    """Names to type, and whether null may be. Raises the service's error."""
    try:
        schema: Any = msgspec.json.decode(text)
        assert schema["type"] == "record"
        found = {each["name"].upper(): _type(each["type"]) for each in schema["fields"]}
    except (msgspec.DecodeError, AssertionError, KeyError, TypeError, AttributeError):
        raise invalid("The schema is not an Avro record with fields") from None
    for name, (kind, _) in found.items():
        if kind not in (*_NUMBERS, "string", "boolean"):
            raise invalid(f"The schema's field {name} has the type {kind}, which is not supported")
    return found


def _type(given: Any) -> tuple[str, bool]:
    kinds = cast("list[str]", given) if isinstance(given, list) else [str(given)]
    known = [kind for kind in kinds if kind != "null"]
    return known[0], len(known) < len(kinds)


def check(text: str, kind: str) -> None:
    """Raises the service's error for a schema that lacks what a dataset of a kind needs."""
    missing = [name for name in REQUIRED[kind] if name not in fields(text)]
    if missing:
        raise invalid(f"The schema lacks the field {missing[0]}, which {kind} needs")


class BadRow(ValueError):
    """A row that is not as the schema says."""


def row(schema: Mapping[str, tuple[str, bool]], given: Mapping[str, Any]) -> Json:
    """A row's values, in the schema's types. Raises `BadRow`."""
    found: Json = {}
    for name, (kind, empty) in schema.items():
        value = given.get(name)
        if value is None or (value == "" and empty):
            if not empty:
                raise BadRow(f"{name} is missing")
            continue
        found[name] = _value(name, kind, value)
    return found


def _value(name: str, kind: str, value: Any) -> Any:
    try:
        if kind in _NUMBERS:
            number = float(value)
            return int(number) if _NUMBERS[kind] is int else number
        if kind == "boolean":
            return str(value).lower() == "true"
    except (TypeError, ValueError, OverflowError):
        raise BadRow(f"{name} is {value!r}, no {kind}") from None
    return cast("list[Any]", value) if isinstance(value, list) else str(value)


def properties(text: str | None) -> Json:
    """An item's, user's or event's properties, by the schema's names. Raises the service's error.

    Clients write `numberOfRatings` for the column `NUMBER_OF_RATINGS`.
    """
    if not text:
        return {}
    try:
        given = msgspec.json.decode(text, type=Json)
    except msgspec.MsgspecError:
        raise invalid("properties must be a JSON object") from None
    return {_column(name): value for name, value in given.items()}


def _column(name: str) -> str:
    if name.isupper() or "_" in name:
        return name.upper()
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in name).upper()
