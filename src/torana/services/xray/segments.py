"""Segment documents, read as the nodes of a trace.

Source: X-Ray Developer Guide, "AWS X-Ray segment documents".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

Json = dict[str, Any]

REMOTE = "remote"
"""The type of a node that only its callers tell of."""


class Node(Struct, frozen=True):
    """A segment, or a call to something that sends no segments of its own."""

    id: str
    name: str
    type: str
    parent: str
    """Id of the segment or subsegment that called; empty for the first."""
    start: float
    end: float | None
    """None while it runs."""
    document: Json
    inferred: bool = False

    @property
    def seconds(self) -> float:
        return 0.0 if self.end is None else max(0.0, self.end - self.start)

    @property
    def fault(self) -> bool:
        return bool(self.document.get("fault"))

    @property
    def error(self) -> bool:
        return bool(self.document.get("error"))

    @property
    def throttle(self) -> bool:
        return bool(self.document.get("throttle"))

    def service(self) -> Json:
        """As answers name it."""
        return {
            "Name": self.name,
            "Names": [self.name],
            "Type": self.type,
        }

    def request(self) -> Json:
        """What is known of the HTTP request."""
        return _mapping(_mapping(self.document, "http"), "request")

    def response(self) -> Json:
        return _mapping(_mapping(self.document, "http"), "response")


class Trace(Struct, frozen=True):
    """Its nodes, the earliest first, and who holds each part of them."""

    id: str
    nodes: tuple[Node, ...]
    holders: Mapping[str, str]
    """By id of a segment or subsegment, the id of the segment that holds it."""

    @property
    def root(self) -> Node | None:
        """What was asked first: a segment whose caller is not known here."""
        return next((node for node in self.nodes if self.caller(node) is None), None)

    def caller(self, node: Node) -> Node | None:
        """Whose call led to a node."""
        holder = self.holders.get(node.parent)
        return next((each for each in self.nodes if each.id == holder), None) if holder else None


def of_trace(id: str, documents: Sequence[str]) -> Trace:
    """Documents of one trace, as they were kept."""
    segments = [cast(Json, msgspec.json.decode(each)) for each in documents]
    segments.sort(key=lambda segment: segment.get("type") == "subsegment")
    holders: dict[str, str] = {}
    for segment in segments:
        holder: str = segment["id"]
        if segment.get("type") == "subsegment":
            parent: str = segment["parent_id"]
            holder = holders.get(parent, parent)
        for part in (segment, *parts(segment)):
            holders[part.get("id", "")] = holder
    nodes = [_segment(each) for each in segments if each.get("type") != "subsegment"]
    answered = {node.parent for node in nodes}
    for segment in segments:
        found = [segment] if segment.get("type") == "subsegment" else []
        for part in (*found, *parts(segment)):
            if part.get("namespace") in ("aws", "remote") and part.get("id") not in answered:
                nodes.append(_inferred(part))
    return Trace(id, tuple(sorted(nodes, key=lambda node: node.start)), holders)


def parts(document: Json) -> Iterator[Json]:
    """Every subsegment within."""
    for part in cast(list[Json], document.get("subsegments") or ()):
        yield part
        yield from parts(part)


def _segment(document: Json) -> Node:
    return Node(
        document["id"],
        document["name"],
        document.get("origin") or "",
        document.get("parent_id") or "",
        document["start_time"],
        document.get("end_time"),
        document,
    )


def _inferred(part: Json) -> Node:
    aws = part.get("namespace") == "aws"
    kind = f"AWS::{part['name']}" if aws else REMOTE
    id = part.get("id", "")
    return Node(
        f"{id}-inferred",
        part["name"],
        kind,
        id,
        part["start_time"],
        part.get("end_time"),
        part,
        True,
    )


def _mapping(of: Json, name: str) -> Json:
    found = of.get(name)
    return cast(Json, found) if isinstance(found, dict) else {}
