"""`x-torana-lifecycle`: the state, the owners and the changelog of a version; operations that are
`deprecated`, with the dates of `x-torana-deprecation`."""

from typing import Any

import msgspec

from torana.model.lifecycle import Deprecation, Lifecycle, wrong, wrong_deprecation
from torana.openapi.place import Place
from torana.openapi.shape import make

EXTENSION = "x-torana-lifecycle"
OPERATION = "x-torana-deprecation"

Json = dict[str, Any]
Deprecated = dict[str, Deprecation]
"""By operation, as `Lifecycle.operations`."""


def note_deprecated(into: Deprecated, key: str, operation: Place) -> None:
    """Look whether an operation is deprecated."""
    place = operation.extension(OPERATION)
    if place is None:
        if operation.flag("deprecated"):
            into[key] = Deprecation()
        return
    found: Deprecation | None = make(place, Deprecation, strict=True)
    if found is not None:
        for path, why in wrong_deprecation(found):
            _at(place, path).fail("lifecycle", why)
        into[key] = found


def read_lifecycle(root: Place, operations: Deprecated) -> Lifecycle | None:
    """What the document says of its version; None when it says nothing."""
    place = root.extension(EXTENSION)
    if place is None:
        return Lifecycle(operations=operations) if operations else None
    found: Lifecycle | None = make(place, Lifecycle, skip=("operations",), strict=True)
    if found is None:
        return None
    for path, why in wrong(found):
        _at(place, path).fail("lifecycle", why)
    return msgspec.structs.replace(found, operations=operations)


def _at(place: Place, path: tuple[str | int, ...]) -> Place:
    """The part that is meant, or the nearest one around it."""
    for key in path:
        found = place.part(str(key))
        if found is None:
            break
        place = found
    return place


def write_lifecycle(document: Json, given: Lifecycle | None) -> None:
    """Put it into a document, but for its operations."""
    if given is not None:
        whole = plain(msgspec.structs.replace(given, operations={}))
        if whole:
            document[EXTENSION] = whole


def write_deprecated(operation: Json, given: Deprecation | None, *, dates: bool) -> None:
    """Put it into an operation; `dates`: with the extension."""
    if given is not None:
        operation["deprecated"] = True
        if dates and given != Deprecation():
            operation[OPERATION] = plain(given)


def plain(given: msgspec.Struct) -> Json:
    """What differs from its default, as documents say it."""
    found: Json = {}
    for field in msgspec.structs.fields(type(given)):
        value = getattr(given, field.name)
        if value != field.default and value not in ((), {}):
            found[field.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return plain(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value
