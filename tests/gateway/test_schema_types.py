"""Bodies that are judged while they are read, beside what the validator says of them."""

from random import Random
from typing import Any

import msgspec
import pytest

from torana.gateway.schema_types import fits
from torana.gateway.schemas import body_validator, validator
from torana.model.rest import Model

ORDER: dict[str, Any] = {
    "type": "object",
    "title": "An order",
    "required": ["name", "lines", "note"],
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 4},
        "kind": {"type": "string", "enum": ["new", "old"]},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "count": {"type": "integer", "minimum": 1, "maximum": 9},
                    "price": {"type": "number"},
                    "gift": {"type": "boolean"},
                    "none": {"type": "null"},
                },
            },
        },
        "any": {},
    },
}
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 5, 9, 10, 1.0, 2.5, -3, 10**25, "", "a", "ab", "ünïc", "abcde"),
    *("new", "old", [], {}, [None], {"count": 5}, {"count": 0}, [{}], {"more": None}),
)


def some(random: Random, depth: int = 0) -> Any:
    """An order, or nearly one."""
    line: dict[str, Any] = {"count": 3, "price": 2.5, "gift": True, "none": None}
    order: dict[str, Any] = {
        "name": "abc",
        "kind": "new",
        "lines": [line, {}],
        "any": [1],
        "note": None,
    }
    for place in (order, line):
        for name in [*place]:
            if random.random() < 0.08:
                del place[name]
            elif random.random() < 0.08:
                place[name] = random.choice(VALUES)
    return order


def test_what_fits_is_valid_and_most_of_what_is_valid_fits() -> None:
    read, check, random = fits(ORDER), validator(Model("Order", ORDER), {}), Random(7)
    assert read is not None
    at_once = valid = 0
    for _ in range(4000):
        value = some(random)
        fitting, wrong = read(msgspec.json.encode(value)), check(value)
        assert not (fitting and wrong), value
        at_once += fitting
        valid += wrong is None
    assert 0.9 * valid < at_once < 4000


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "additionalProperties": False},
        {"type": ["string", "null"]},
        {"type": "string", "pattern": "^a"},
        {"type": "number", "maximum": 3},
        {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
        {"type": "object", "properties": {"a": {"$ref": "#/definitions/A"}}},
        {"allOf": [{"type": "object"}]},
        {"enum": [1, 2]},
        {"type": "array", "items": [{"type": "string"}]},
        {"type": "array", "uniqueItems": True},
    ],
)
def test_no_type_stands_for_what_it_cannot_say(schema: dict[str, Any]) -> None:
    assert fits(schema) is None


def test_what_does_not_fit_is_judged_by_the_validator() -> None:
    judge = body_validator(Model("Order", ORDER), {})
    assert judge(b'{"name": 1, "name": "abc", "lines": [{}], "note": 1}') is None
    wrong = judge(b'{"name": "a", "lines": [{}], "note": 1}')
    assert wrong is not None
    assert "too short" in wrong


@pytest.mark.parametrize("body", [b"{", b'{"name": "\xff"}', b'{"more": "\xff", "name": "abc"}'])
def test_what_is_no_json_is_not_valid_at_once(body: bytes) -> None:
    judge = body_validator(Model("Order", ORDER), {})
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        judge(body)
