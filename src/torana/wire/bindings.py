"""The members of REST operations that travel outside the body: path, query, headers, status."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct

from torana.message import Headers, Request
from torana.wire import text
from torana.wire.model import Ref, Shape

Query = dict[str, list[str]]
ReadBinding = Callable[[dict[str, str], Query, Headers, dict[str, Any]], None]
"""Labels, query, headers, and the params to add to."""
WriteBinding = Callable[[Any, Headers], None]


class Split(Struct, frozen=True):
    """A structure's members by where they travel."""

    outside: dict[str, Ref]
    body: dict[str, Ref]
    payload: str = ""
    """The member that is the whole body."""


def split(shape: Shape) -> Split:
    """Sorts the members of an operation's input or output, or of an error."""
    outside: dict[str, Ref] = {}
    body: dict[str, Ref] = {}
    for name, ref in shape.members.items():
        if name == shape.payload:
            continue
        (outside if ref.location else body)[name] = ref
    return Split(outside, body, shape.payload)


def query_of(request: Request) -> Query:
    """The request's query string, decoded; names without a value are kept."""
    found: Query = {}
    _, mark, raw = request.target.partition("?")
    if mark and raw:
        for name, value in parse_qsl(raw, keep_blank_values=True):
            found.setdefault(name, []).append(value)
    return found


class Bindings:
    """The bindings of one service's shapes."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes

    def readers(self, members: Mapping[str, Ref], taken: frozenset[str]) -> list[ReadBinding]:
        """How to read each of an input's members. `taken`: query names that the path claims."""
        named = frozenset(ref.location_name for ref in members.values()) | taken
        made: list[ReadBinding] = []
        for name, ref in members.items():
            shape = self._shapes[ref.shape]
            wire = ref.location_name or name
            if ref.location == "uri":
                made.append(_label(name, wire, text.reader(shape, ref)))
            elif ref.location == "querystring":
                made.append(self._query(name, wire, shape, ref, named))
            elif ref.location == "header":
                made.append(self._header(name, wire.lower(), shape, ref))
            elif ref.location == "headers":
                made.append(_prefixed(name, wire.lower()))
        return made

    def _query(
        self, name: str, wire: str, shape: Shape, ref: Ref, named: frozenset[str]
    ) -> ReadBinding:
        if shape.type == "map" and shape.value is not None:
            return _query_map(name, named, self._shapes[shape.value.shape].type == "list")
        if shape.type == "list" and shape.member is not None:
            item = text.reader(self._shapes[shape.member.shape], shape.member)

            def read_list(
                labels: dict[str, str], query: Query, headers: Headers, params: dict[str, Any]
            ) -> None:
                if wire in query:
                    params[name] = [item(value) for value in query[wire]]

            return read_list
        one = text.reader(shape, ref)

        def read_one(
            labels: dict[str, str], query: Query, headers: Headers, params: dict[str, Any]
        ) -> None:
            if wire in query:
                params[name] = one(query[wire][0])

        return read_one

    def _header(self, name: str, wire: str, shape: Shape, ref: Ref) -> ReadBinding:
        if shape.type == "list" and shape.member is not None:
            item_shape = self._shapes[shape.member.shape]
            item = text.reader(item_shape, shape.member)
            dated = item_shape.type == "timestamp"

            def read_list(
                labels: dict[str, str], query: Query, headers: Headers, params: dict[str, Any]
            ) -> None:
                values = headers.all(wire)
                if values:
                    pieces = _list_items(",".join(values), dated)
                    params[name] = [item(piece) for piece in pieces]

            return read_list
        one = text.reader(shape, ref)

        def read_one(
            labels: dict[str, str], query: Query, headers: Headers, params: dict[str, Any]
        ) -> None:
            value = headers.get(wire)
            if value is not None:
                params[name] = one(value)

        return read_one

    def writers(self, members: Mapping[str, Ref]) -> dict[str, WriteBinding]:
        """How to write each of an output's header members, by name."""
        made: dict[str, WriteBinding] = {}
        for name, ref in members.items():
            wire = ref.location_name or name
            shape = self._shapes[ref.shape]
            if ref.location == "headers":
                made[name] = _write_prefixed(ref.location_name)
            elif ref.location == "header" and shape.type == "list" and shape.member is not None:
                item_shape = self._shapes[shape.member.shape]
                item = text.writer(item_shape, shape.member, "rfc822")
                made[name] = _write_list(wire, item, quotes=item_shape.type == "string")
            elif ref.location == "header":
                made[name] = _write_one(wire, text.writer(shape, ref, "rfc822"))
        return made


def _label(name: str, wire: str, read: text.FromText) -> ReadBinding:
    def read_label(
        labels: dict[str, str], query: Query, headers: Headers, params: dict[str, Any]
    ) -> None:
        if wire in labels:
            params[name] = read(labels[wire])

    return read_label


def _query_map(name: str, named: frozenset[str], lists: bool) -> ReadBinding:
    def read_map(
        labels: dict[str, str], query: Query, headers: Headers, params: dict[str, Any]
    ) -> None:
        rest = {
            key: values if lists else values[0]
            for key, values in query.items()
            if key not in named and not key.startswith("X-Amz-")
        }
        if rest:
            params[name] = rest

    return read_map


def _prefixed(name: str, prefix: str) -> ReadBinding:
    def read_prefixed(
        labels: dict[str, str], query: Query, headers: Headers, params: dict[str, Any]
    ) -> None:
        found = {
            key[len(prefix) :]: value
            for key, value in headers.items
            if key.lower().startswith(prefix)
        }
        if found:
            params[name] = found

    return read_prefixed


def _list_items(value: str, dated: bool) -> list[str]:
    """A header's list: split at commas outside quotes; dates hold one comma each."""
    pieces: list[str] = []
    current: list[str] = []
    quoted = escaped = False
    for char in value:
        if escaped:
            current.append(char)
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            pieces.append("".join(current).strip())
            current = []
        else:
            current.append(char)
    pieces.append("".join(current).strip())
    if dated:
        return [", ".join(pieces[at : at + 2]) for at in range(0, len(pieces), 2)]
    return pieces


def _write_one(wire: str, write: text.ToText) -> WriteBinding:
    def write_one(value: Any, headers: Headers) -> None:
        headers.add(wire, write(value))

    return write_one


def _write_list(wire: str, write: text.ToText, *, quotes: bool) -> WriteBinding:
    def quote(item: str) -> str:
        if quotes and ("," in item or '"' in item):
            escaped = item.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        return item

    def write_list(value: Any, headers: Headers) -> None:
        headers.add(wire, ", ".join([quote(write(item)) for item in value]))

    return write_list


def _write_prefixed(prefix: str) -> WriteBinding:
    def write_prefixed(value: Any, headers: Headers) -> None:
        for key, item in value.items():
            headers.add(prefix + key, str(item))

    return write_prefixed
