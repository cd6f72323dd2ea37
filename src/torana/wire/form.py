"""The query protocol's parameters: `Filter.1.Name=x&Filter.1.Value.member.1=y` to params."""

from collections.abc import Callable, Mapping
from typing import Any

from torana.wire import text
from torana.wire.faults import Malformed
from torana.wire.model import Ref, Shape

Node = dict[str, Any]
"""Nested by the dots; the value of a name itself stands under the empty name."""
Read = Callable[[Node], Any]
_DEEPEST = 64


def nest(pairs: Mapping[str, str]) -> Node:
    """The flat names as a tree. Raises `Malformed`."""
    root: Node = {}
    for name, value in pairs.items():
        node = root
        parts = name.split(".")
        if len(parts) > _DEEPEST:
            raise Malformed("A parameter's name is nested too deeply")
        for part in parts:
            node = node.setdefault(part, {})
        node[""] = value
    return root


class FormReaders:
    """From nested names to params."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._made: dict[tuple[str, str, bool], Read] = {}

    def of(self, ref: Ref) -> Read:
        """The reader of a use of a shape."""
        shape = self._shapes[ref.shape]
        flat = shape.flattened or ref.flattened
        key = ref.shape, ref.timestamp_format, flat
        made = self._made.get(key)
        if made is None:

            def later(node: Node) -> Any:
                return self._made[key](node)

            self._made[key] = later
            made = self._made[key] = self._make(shape, ref, flat)
        return made

    def _make(self, shape: Shape, ref: Ref, flat: bool) -> Read:
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list" and shape.member is not None:
            item = self.of(shape.member)
            inner = "" if flat else shape.member.location_name or "member"
            return lambda node: [item(child) for child in _numbered(_inside(node, inner))]
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            return self._map(shape.key, shape.value, "" if flat else "entry")
        scalar = text.reader(shape, ref)

        def leaf(node: Node) -> Any:
            value = node.get("")
            if not isinstance(value, str):
                raise Malformed("A parameter that takes one value was given several")
            return scalar(value)

        return leaf

    def _structure(self, shape: Shape) -> Read:
        fields = {
            wire: (name, self.of(ref))
            for name, ref in shape.members.items()
            for wire in self._names(name, ref)
        }

        def structure(node: Node) -> dict[str, Any]:
            params: dict[str, Any] = {}
            for wire, child in node.items():
                field = fields.get(wire)
                if field is not None:
                    name, read = field
                    params[name] = read(child)
            return params

        return structure

    def _names(self, name: str, ref: Ref) -> set[str]:
        shape = self._shapes[ref.shape]
        names = {ref.location_name or name}
        if (shape.flattened or ref.flattened) and shape.member and shape.member.location_name:
            names.add(shape.member.location_name)
        return names

    def _map(self, key: Ref, value: Ref, inner: str) -> Read:
        key_name, value_name = key.location_name or "key", value.location_name or "value"
        read = self.of(value)

        def entries(node: Node) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for child in _numbered(_inside(node, inner)):
                name = child.get(key_name, {}).get("")
                if not isinstance(name, str) or value_name not in child:
                    raise Malformed(f"A map entry needs {key_name} and {value_name}")
                found[name] = read(child[value_name])
            return found

        return entries


def _inside(node: Node, name: str) -> Node:
    return node.get(name, {}) if name else node


def _numbered(node: Node) -> list[Node]:
    """The children `1`, `2`, … in their order; gaps are closed. Raises `Malformed`."""
    numbered: list[tuple[int, Node]] = []
    for name, child in node.items():
        if name:
            if not name.isascii() or not name.isdigit() or len(name) > 9:
                raise Malformed(f"Unexpected list element termination: {name[:64]}")
            numbered.append((int(name), child))
    return [child for _, child in sorted(numbered, key=lambda entry: entry[0])]
