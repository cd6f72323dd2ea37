"""Fill the model's structs from a place, field by field, saying everything that does not fit.

The structs are the table: their field names and types are the service's.
"""

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

from torana.openapi.place import Place, kind

BAD = object()
"""Stands for a value that did not fit; the mistake is noted."""


@lru_cache
def _fields(struct: type) -> Mapping[str, inspect.Field]:
    shape = inspect.type_info(struct)
    assert isinstance(shape, inspect.StructType)
    return {_spelled(field.encode_name): field for field in shape.fields}


def _spelled(name: str) -> str:
    """Documents begin every name small, whatever the model's services do."""
    return name[:1].lower() + name[1:]


def fill(
    place: Place,
    struct: type,
    *,
    skip: Collection[str] = (),
    renamed: Mapping[str, str] | None = None,
    strict: bool = False,
) -> dict[str, Any]:
    """The fields that a mapping gives, by their Python names.

    `skip` names fields (as documents write them) that somebody else reads; `renamed` maps a
    document's spelling to the struct's. An unknown field is a mistake when `strict`, else a
    warning, as the service ignores it.
    """
    fields, found = _fields(struct), dict[str, Any]()
    for key, part in place.items():
        name = (renamed or {}).get(key, key)
        if key in skip:
            continue
        field = fields.get(name)
        if field is None:
            _unknown(part, [name for name in fields if name not in skip], strict)
            continue
        value = convert(part, field.type)
        if value is not BAD and not (value is None and not _optional(field.type)):
            found[field.name] = value
    return found


def make(place: Place, struct: type, **options: Any) -> Any:
    """The struct, or None when what it needs is missing. Raises nothing."""
    values = fill(place, struct, **options)
    missing = [
        name
        for name, field in _fields(struct).items()
        if field.required and field.name not in values
    ]
    for name in missing:
        if not place.is_mapping or place.part(name) is None:
            place.fail("missing", f"{place.name()} has no {name}")
    return None if missing else struct(**values)


def _optional(type_: inspect.Type) -> bool:
    return isinstance(type_, inspect.UnionType) and type_.includes_none


def _unknown(part: Place, known: list[str], strict: bool) -> None:
    key = str(part.key)
    if key.startswith("x-"):
        return
    if part.sheet.is_full(strict):
        return
    near = get_close_matches(key, known, 1)
    mend = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
    owner = part.parent.name() if part.parent else ""
    if strict:
        part.fail("unknown-field", f"{owner} has no field {key!r}", mend)
    else:
        part.warn("unknown-field", f"{owner} has no field {key!r}; it is ignored", mend)


def convert(place: Place, type_: inspect.Type) -> Any:
    """A value as the type wants it, or `BAD`."""
    if place.value is None:
        return None
    return _CONVERT[type(type_)](place, type_)


def _text(place: Place, type_: Any) -> Any:
    value = place.as_text()
    return BAD if value is None else value


def _flag(place: Place, type_: Any) -> Any:
    value = place.as_flag()
    return BAD if value is None else value


def _integer(place: Place, type_: Any) -> Any:
    value = place.value
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) < 19:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    place.fail("type", f"{place.name()} must be a whole number, not {kind(value)}")
    return BAD


def _number(place: Place, type_: Any) -> Any:
    value = place.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            place.fail("type", f"{place.name()} is too large")
            return BAD
    place.fail("type", f"{place.name()} must be a number, not {kind(value)}")
    return BAD


def _literal(place: Place, type_: inspect.LiteralType) -> Any:
    """Also in lower case, as the service's own exports write some of them."""
    value = place.as_text()
    if value is None:
        return BAD
    for spelled in (value, value.upper()):
        if spelled in type_.values:
            return spelled
    allowed = ", ".join(str(name) for name in type_.values)
    place.fail("value", f"{place.name()} cannot be {value[:80]!r}", f"one of {allowed}")
    return BAD


def _mapping(place: Place, type_: inspect.DictType) -> Any:
    made: dict[str, Any] = {}
    for key, part in place.items():
        value = convert(part, type_.value_type)
        if value is None and isinstance(type_.value_type, inspect.StrType):
            part.fail("type", f"{key} must be text, not null")
        elif value is not BAD:
            made[key] = value
    return made if isinstance(place.value, dict) else BAD


def _sequence(place: Place, type_: inspect.VarTupleType) -> Any:
    values: list[Any] = []
    for part in place.elements():
        value = convert(part, type_.item_type)
        if value is not BAD and value is not None:
            values.append(value)
    return tuple(values) if isinstance(place.value, list) else BAD


def _struct(place: Place, type_: inspect.StructType) -> Any:
    made = make(place, type_.cls, strict=True)
    return BAD if made is None else made


def _union(place: Place, type_: inspect.UnionType) -> Any:
    inner = next(part for part in type_.types if not isinstance(part, inspect.NoneType))
    return convert(place, inner)


def _as_is(place: Place, type_: Any) -> Any:
    return place.value


_CONVERT: dict[type, Callable[[Place, Any], Any]] = {
    inspect.StrType: _text,
    inspect.BoolType: _flag,
    inspect.IntType: _integer,
    inspect.FloatType: _number,
    inspect.LiteralType: _literal,
    inspect.DictType: _mapping,
    inspect.VarTupleType: _sequence,
    inspect.StructType: _struct,
    inspect.UnionType: _union,
    inspect.AnyType: _as_is,
}


def given(struct: msgspec.Struct, *, without: Collection[str] = ()) -> dict[str, Any]:
    """The fields that differ from their defaults, as documents write them: `fill` the other way."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(type(struct)):
        value = getattr(struct, field.name)
        if field.name in without or value == _default(field):
            continue
        found[_spelled(field.encode_name)] = _plain(value)
    return found


def _default(field: Any) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return BAD


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return given(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, tuple):
        return [_plain(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return value
