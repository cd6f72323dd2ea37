"""JSON Schemas as msgspec's types, so that a body which fits is judged while it is read.

Only schemas that a type says exactly have one. A body that does not fit its type is looked at by
the validator, which has the last word and the words.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict, cast

import msgspec
from msgspec import Meta

Schema = Mapping[str, Any]
Fits = Callable[[bytes], bool]
"""Whether a body is valid for certain."""

_REMARKS = frozenset({"$schema", "title", "description", "default", "example", "definitions"})
"""Keywords that say nothing about values; definitions are reached by references only."""


class _Inexact(Exception):
    """A schema that a type cannot stand for."""


def fits(schema: Schema) -> Fits | None:
    """What tells valid bodies at once; None for a schema that no type says exactly."""
    try:
        decode = msgspec.json.Decoder(_type(schema)).decode
    except (_Inexact, TypeError, ValueError, OverflowError):
        return None

    def read(body: bytes) -> bool:
        try:
            # As text: what a type has no member for would be skipped without a look at its bytes.
            decode(body.decode())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    return read


def _type(schema: Schema) -> Any:
    said = {name: value for name, value in schema.items() if name not in _REMARKS}
    if not said:
        return Any
    kind = said.pop("type", None)
    make = _MAKERS.get(kind) if isinstance(kind, str) else None
    if make is None:
        raise _Inexact
    made = make(said)
    if said:  # A keyword that nobody has taken.
        raise _Inexact
    return made


def _object(said: dict[str, Any]) -> Any:
    if said.pop("additionalProperties", True) is not True:
        raise _Inexact
    required = cast("list[str]", said.pop("required", []))
    properties = cast("dict[str, Schema]", said.pop("properties", {}))
    members = {name: _type(each) for name, each in properties.items()}
    members = {name: members.get(name, Any) for name in [*members, *required]}
    fields = {
        name: Required[each] if name in required else NotRequired[each]
        for name, each in members.items()
    }
    return TypedDict("Object", fields)  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues, reportUnknownVariableType]


def _array(said: dict[str, Any]) -> Any:
    items = said.pop("items", {})
    if not isinstance(items, dict):
        raise _Inexact
    return _sized(list[_type(cast("dict[str, Any]", items))], said, "minItems", "maxItems")


def _string(said: dict[str, Any]) -> Any:
    allowed = cast("list[object] | None", said.pop("enum", None))
    if allowed is None:
        return _sized(str, said, "minLength", "maxLength")
    if not allowed or not all(isinstance(each, str) for each in allowed):
        raise _Inexact
    return Literal[tuple(allowed)]


def _integer(said: dict[str, Any]) -> Any:
    low, high = _whole(said, "minimum"), _whole(said, "maximum")
    return int if low is None and high is None else Annotated[int, Meta(ge=low, le=high)]


def _sized(made: Any, said: dict[str, Any], least: str, most: str) -> Any:
    low, high = _whole(said, least), _whole(said, most)
    if low is None and high is None:
        return made
    return Annotated[made, Meta(min_length=low, max_length=high)]


def _whole(said: dict[str, Any], name: str) -> int | None:
    bound = said.pop(name, None)
    if bound is not None and type(bound) is not int:
        raise _Inexact
    return bound


_MAKERS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    # Bounds of numbers are not said: as a float, a large integer may pass one.
    "number": lambda said: float,
    "boolean": lambda said: bool,
    "null": lambda said: None,
}
