"""From a resource's properties to an operation's params, by the operation's own model.

Properties of most types are the params of the service's operations in other spelling. What the
operation does not take is refused: nothing of a template is left out in silence.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from botocore.model import ListShape, MapShape, Shape, StructureShape

from torana.services.cloudformation.calls import input_of
from torana.services.cloudformation.faults import Unmade

Json = dict[str, Any]


def shaped(
    service: str,
    operation: str,
    properties: Mapping[str, Any],
    names: Mapping[str, str] = {},
) -> Json:
    """The params of an operation. `names`: what some properties are called there.

    Raises `Unmade` for a property that it does not have.
    """
    shape = cast(StructureShape, input_of(service, operation))
    return _structure(properties, shape, "#", names)


def _structure(value: Any, shape: StructureShape, at: str, names: Mapping[str, str]) -> Json:
    if not isinstance(value, Mapping):
        raise Unmade(f"Properties validation failed: {at}: expected type: JSONObject")
    members = {name.lower(): name for name in shape.members}
    made: Json = {}
    for key, each in cast(Mapping[str, Any], value).items():
        member = members.get(names.get(key, key).lower())
        if member is None:
            raise Unmade(
                f"Properties validation failed: {at}: extraneous key [{key}] is not permitted here"
            )
        made[member] = convert(each, shape.members[member], f"{at}/{key}", names)
    return made


def _pairs(value: Any) -> Any:
    """Tags written as pairs, as a map."""
    several = cast(list[Any], value if isinstance(value, list) else [None])
    if all(isinstance(each, Mapping) and {"Key", "Value"} == {*each} for each in several):  # pyright: ignore[reportUnknownArgumentType]
        return {each["Key"]: each["Value"] for each in several}
    return cast(Any, value)


def convert(value: Any, shape: Shape, at: str = "#", names: Mapping[str, str] = {}) -> Any:
    """A value as a shape has it. Raises `Unmade`."""
    if isinstance(shape, StructureShape):
        if getattr(shape, "is_document_type", False):
            return value
        return _structure(value, shape, at, names)
    if isinstance(shape, ListShape):
        items = cast(list[Any], value if isinstance(value, list) else [value])
        return [convert(e, shape.member, f"{at}/{n}", names) for n, e in enumerate(items)]
    if isinstance(shape, MapShape):
        value = _pairs(value)
        if not isinstance(value, Mapping):
            raise Unmade(f"Properties validation failed: {at}: expected type: JSONObject")
        given = cast(Mapping[str, Any], value)
        return {str(k): convert(e, shape.value, f"{at}/{k}", names) for k, e in given.items()}
    try:
        scalar = _SCALARS.get(shape.type_name)
        return value if scalar is None else scalar(value)
    except (TypeError, ValueError):
        raise Unmade(
            f"Properties validation failed: {at}: {value!r} is not a {shape.type_name}"
        ) from None


def text(value: Any) -> str:
    """A value as a string: documents become JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def boolean(value: Any) -> bool:
    """Raises `ValueError`."""
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise ValueError(value)


def _blob(value: Any) -> bytes:
    return value if isinstance(value, bytes) else text(value).encode()


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "string": text,
    "character": text,
    "boolean": boolean,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "blob": _blob,
}
