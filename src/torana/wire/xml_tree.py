"""Between params and XML: shapes compiled to closures that read elements or write text."""

from collections.abc import Callable, Mapping
from typing import Any

from torana.wire import text
from torana.wire.faults import Malformed
from torana.wire.model import Ref, Shape, XmlNamespace
from torana.wire.xml import Element, write_attribute, write_text

Read = Callable[[Element], Any]
Write = Callable[[Any, str, list[str]], None]
"""Value, element name, and where to append the text."""


def _xmlns(namespace: XmlNamespace | None) -> str:
    if namespace is None or not namespace.uri:
        return ""
    name = f"xmlns:{namespace.prefix}" if namespace.prefix else "xmlns"
    return write_attribute(name, namespace.uri)


class XmlReaders:
    """From elements to params."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._made: dict[tuple[str, str], Read] = {}

    def of(self, ref: Ref) -> Read:
        """The reader of a use of a shape."""
        key = ref.shape, ref.timestamp_format
        made = self._made.get(key)
        if made is None:

            def later(element: Element) -> Any:
                return self._made[key](element)

            self._made[key] = later
            made = self._made[key] = self._make(self._shapes[ref.shape], ref)
        return made

    def _make(self, shape: Shape, ref: Ref) -> Read:
        if shape.type == "structure":
            return self.structure(shape.members)
        if shape.type == "list" and shape.member is not None:
            item = self.of(shape.member)
            return lambda element: [item(child) for child in element.children]
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            return self._map(shape.key, shape.value)
        scalar = text.reader(shape, ref)
        keeps_space = shape.type == "string"

        def leaf(element: Element) -> Any:
            if element.children:
                raise Malformed(f"{element.name} holds elements where text is expected")
            value = element.text()
            return scalar(value if keeps_space else value.strip())

        return leaf

    def structure(self, members: Mapping[str, Ref]) -> Read:
        """The reader of these members alone."""
        single: dict[str, tuple[str, Read]] = {}
        repeated: dict[str, tuple[str, Read, bool]] = {}
        attributes: list[tuple[str, str]] = []
        for name, ref in members.items():
            shape = self._shapes[ref.shape]
            wire = ref.location_name or name
            flat = shape.flattened or ref.flattened
            if ref.xml_attribute:
                attributes.append((wire, name))
            elif flat and shape.member is not None:
                repeated[wire] = name, self.of(shape.member), False
                repeated[shape.member.location_name or wire] = repeated[wire]
            elif flat and shape.key is not None and shape.value is not None:
                repeated[wire] = name, self._entry(shape.key, shape.value), True
            else:
                single[wire] = name, self.of(ref)
        return _structure(single, repeated, attributes)

    def _entry(self, key: Ref, value: Ref) -> Read:
        key_name, value_name = key.location_name or "key", value.location_name or "value"
        read = self.of(value)

        def entry(element: Element) -> tuple[str, Any]:
            parts = {child.name: child for child in element.children}
            if key_name not in parts or value_name not in parts:
                raise Malformed(f"{element.name} needs {key_name} and {value_name}")
            return parts[key_name].text(), read(parts[value_name])

        return entry

    def _map(self, key: Ref, value: Ref) -> Read:
        entry = self._entry(key, value)
        return lambda element: dict(entry(child) for child in element.children)


def _structure(
    single: dict[str, tuple[str, Read]],
    repeated: dict[str, tuple[str, Read, bool]],
    attributes: list[tuple[str, str]],
) -> Read:
    def structure(element: Element) -> dict[str, Any]:
        params: dict[str, Any] = {
            name: element.attributes[wire]
            for wire, name in attributes
            if wire in element.attributes
        }
        for child in element.children:
            if child.name in single:
                name, read = single[child.name]
                params[name] = read(child)
            elif child.name in repeated:
                name, read, keyed = repeated[child.name]
                if keyed:
                    params.setdefault(name, {}).update((read(child),))
                else:
                    params.setdefault(name, []).append(read(child))
        return params

    return structure


class XmlWriters:
    """From params to text."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._made: dict[tuple[str, str, bool], Write] = {}

    def of(self, ref: Ref) -> Write:
        """The writer of a use of a shape."""
        shape = self._shapes[ref.shape]
        flat = shape.flattened or ref.flattened
        key = ref.shape, ref.timestamp_format, flat
        made = self._made.get(key)
        if made is None:

            def later(value: Any, name: str, out: list[str]) -> None:
                self._made[key](value, name, out)

            self._made[key] = later
            made = self._made[key] = self._make(shape, ref, flat)
        return made

    def _make(self, shape: Shape, ref: Ref, flat: bool) -> Write:
        if shape.type == "structure":
            return self._element(shape, ref)
        if shape.type == "list" and shape.member is not None:
            return _list(shape.member, self.of(shape.member), flat)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            return _map(shape.key, shape.value, self.of(shape.value), flat)
        scalar = text.writer(shape, ref, "iso8601")

        def leaf(value: Any, name: str, out: list[str]) -> None:
            out.append(f"<{name}>{write_text(scalar(value))}</{name}>")

        return leaf

    def _element(self, shape: Shape, ref: Ref) -> Write:
        xmlns = _xmlns(ref.xml_namespace or shape.xml_namespace)
        attributes = {
            name: member.location_name or name
            for name, member in shape.members.items()
            if member.xml_attribute
        }
        inside = self.structure(
            {name: member for name, member in shape.members.items() if name not in attributes}
        )

        def element(value: Any, name: str, out: list[str]) -> None:
            given = "".join(
                write_attribute(wire, str(value[member]))
                for member, wire in attributes.items()
                if value.get(member) is not None
            )
            out.append(f"<{name}{xmlns}{given}>")
            inside(value, out)
            out.append(f"</{name}>")

        return element

    def structure(self, members: Mapping[str, Ref]) -> Callable[[Any, list[str]], None]:
        """Writes these members, without an element around them."""
        fields = {
            name: (_name(ref, name, self._shapes), self.of(ref)) for name, ref in members.items()
        }

        def structure(params: Mapping[str, Any], out: list[str]) -> None:
            for name, (wire, write) in fields.items():
                value = params.get(name)
                if value is not None:
                    write(value, wire, out)

        return structure


def _name(ref: Ref, name: str, shapes: Mapping[str, Shape]) -> str:
    """A flattened list goes by its items' name, where they have one."""
    shape = shapes[ref.shape]
    if (shape.flattened or ref.flattened) and shape.type == "list" and shape.member is not None:
        return shape.member.location_name or ref.location_name or name
    return ref.location_name or name


def _list(member: Ref, write: Write, flat: bool) -> Write:
    if flat:

        def flattened(value: Any, name: str, out: list[str]) -> None:
            for item in value:
                write(item, name, out)

        return flattened
    item_name = member.location_name or "member"

    def nested(value: Any, name: str, out: list[str]) -> None:
        out.append(f"<{name}>")
        for item in value:
            write(item, item_name, out)
        out.append(f"</{name}>")

    return nested


def _map(key: Ref, value: Ref, write: Write, flat: bool) -> Write:
    key_name, value_name = key.location_name or "key", value.location_name or "value"

    def entries(params: Any, name: str, out: list[str]) -> None:
        for entry, item in params.items():
            out.append(f"<{name}><{key_name}>{write_text(str(entry))}</{key_name}>")
            write(item, value_name, out)
            out.append(f"</{name}>")

    if flat:
        return entries

    def nested(params: Any, name: str, out: list[str]) -> None:
        out.append(f"<{name}>")
        entries(params, "entry", out)
        out.append(f"</{name}>")

    return nested
