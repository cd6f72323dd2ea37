"""Operations' inputs as msgspec's types, so that a body which fits is read and checked in one go.

Only what can be said exactly is: the others are read by `tree` and checked by `validate`, and so is
every body that does not fit, since those know the services' words for what is wrong with it.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict, cast

import msgspec
from msgspec import Meta

from torana.wire.model import Shape
from torana.wire.validate import scalar_rules

Fit = Callable[[bytes], "dict[str, Any] | None"]
"""The params of a JSON body; None: it does not fit, or not for certain."""

_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
_FLOATS = frozenset({"float", "double", "bigdecimal"})


class _Inexact(Exception):
    """A shape that a type cannot stand for."""


def fit(shapes: Mapping[str, Shape], shape_name: str) -> Fit | None:
    """How to read an input; None where no type says exactly what it takes."""
    try:
        made = _Types(shapes).of(shape_name)
    except _Inexact:
        return None
    decode = msgspec.json.Decoder(made).decode

    def read(body: bytes) -> dict[str, Any] | None:
        try:
            # As text: what a type has no member for would be skipped without a look at its bytes.
            return cast("dict[str, Any]", decode(body.decode()))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    return read


class _Types:
    """The types of one input's shapes."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._made: dict[str, Any] = {}

    def of(self, name: str) -> Any:
        """Raises `_Inexact`."""
        if name not in self._made:
            self._made[name] = None
            self._made[name] = self._make(name, self._shapes[name])
        made = self._made[name]
        if made is None:  # It contains itself, without an end.
            raise _Inexact
        return made

    def _make(self, name: str, shape: Shape) -> Any:
        # Documents and sparse lists may hold nulls.
        if shape.document or shape.sparse or shape.eventstream or shape.streaming:
            raise _Inexact
        if shape.type == "structure":
            return self._structure(name, shape)
        if shape.type == "list" and shape.member is not None:
            return _bounded(list[self.of(shape.member.shape)], shape)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            if scalar_rules(self._shapes[shape.key.shape]):
                raise _Inexact
            return _bounded(dict[str, self.of(shape.value.shape)], shape)
        return _scalar(shape)

    def _structure(self, name: str, shape: Shape) -> Any:
        members: dict[str, Any] = {}
        for member, ref in shape.members.items():
            if ref.location or ref.location_name not in ("", member):
                raise _Inexact
            inner = self.of(ref.shape)
            members[member] = Required[inner] if member in shape.required else NotRequired[inner]
        return TypedDict(name, members)  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues, reportUnknownVariableType]


def _scalar(shape: Shape) -> Any:
    kind = shape.type
    if kind == "boolean":
        return bool
    if kind in _FLOATS:
        return Annotated[float, Meta(ge=shape.min, le=shape.max)]
    if kind in _BITS:
        limit = 1 << (_BITS[kind] - 1)
        low, high = _whole(shape.min), _whole(shape.max)
        least = -limit if low is None else max(-limit, low)
        most = limit - 1 if high is None else min(limit - 1, high)
        return Annotated[int, Meta(ge=least, le=most)]
    if kind == "character":
        return str
    if kind != "string":
        raise _Inexact
    if not shape.enum:
        if shape.pattern:
            raise _Inexact
        return _bounded(str, shape)
    rules = scalar_rules(shape)
    allowed = [each for each in shape.enum if not any(broken(each) for _, broken in rules)]
    if not allowed:
        raise _Inexact
    return Literal[tuple(allowed)]


def _bounded(made: Any, shape: Shape) -> Any:
    """With the shape's bounds of length."""
    low, high = _whole(shape.min), _whole(shape.max)
    if low is None and high is None:
        return made
    return Annotated[made, Meta(min_length=max(low or 0, 0), max_length=high)]


def _whole(bound: float | None) -> int | None:
    """Raises `_Inexact` for a bound that is none of a whole number."""
    if bound is None:
        return None
    if bound != int(bound):
        raise _Inexact
    return int(bound)
