"""Which resource a path means: static segments before variables before greedy ones.

Source: Developer Guide, "Set up a proxy resource": the most specific resource wins. A trailing
slash is not significant; empty segments are.
"""

from typing import Generic, TypeVar
from urllib.parse import unquote

from torana.gateway.errors import InvalidApi

Leaf = TypeVar("Leaf")


class Node(Generic[Leaf]):
    """One segment of the tree."""

    __slots__ = ("children", "greedy", "greedy_leaf", "leaf", "name", "variable")

    def __init__(self) -> None:
        self.children: dict[str, Node[Leaf]] = {}
        self.variable: Node[Leaf] | None = None
        self.name = ""
        self.greedy = ""
        self.greedy_leaf: Leaf | None = None
        self.leaf: Leaf | None = None


class Match(Generic[Leaf]):
    """A resource and its path parameters, raw and decoded."""

    __slots__ = ("leaf", "parameters", "raw")

    def __init__(self, leaf: Leaf, raw: dict[str, str]) -> None:
        self.leaf = leaf
        self.raw = raw
        self.parameters = {name: unquote(value) for name, value in raw.items()} if raw else raw


class Routes(Generic[Leaf]):
    """Resources by path. Built once, then only read."""

    def __init__(self) -> None:
        self._root: Node[Leaf] = Node()
        self._static: dict[str, Match[Leaf]] = {}

    def add(self, path: str, leaf: Leaf) -> None:
        """Add a resource path such as `/pets/{id}` or `/{proxy+}`. Raises `InvalidApi`."""
        if "{" not in path:
            match = Match(leaf, {})
            self._static[path.rstrip("/") or "/"] = match
            self._static[path.rstrip("/") + "/"] = match
        node = self._root
        segments = [] if path == "/" else path.strip("/").split("/")
        for place, segment in enumerate(segments):
            if segment.startswith("{") and segment.endswith("+}"):
                if place != len(segments) - 1:
                    raise InvalidApi(f"{path}: a greedy path variable must be the last segment")
                node.greedy, node.greedy_leaf = segment[1:-2], leaf
                return
            node = _step(node, segment, path)
        node.leaf = leaf

    def find(self, path: str) -> Match[Leaf] | None:
        """The most specific resource for a raw path (below the stage), or None."""
        static = self._static.get(path)
        if static is not None:
            return static
        trimmed = path[1:-1] if path.endswith("/") else path[1:]
        segments = trimmed.split("/") if trimmed else []
        raw: dict[str, str] = {}
        leaf = _walk(self._root, segments, 0, raw)
        if leaf is None:
            return None
        return Match(leaf, raw)


def _step(node: Node[Leaf], segment: str, path: str) -> Node[Leaf]:
    if segment.startswith("{") and segment.endswith("}"):
        if node.variable is None:
            node.variable = Node()
            node.variable.name = segment[1:-1]
        elif node.variable.name != segment[1:-1]:
            raise InvalidApi(
                f"{path}: a sibling ({{{node.variable.name}}}) of this resource already has a "
                "variable path part -- only one is allowed"
            )
        return node.variable
    return node.children.setdefault(segment, Node())


def _walk(node: Node[Leaf], segments: list[str], at: int, raw: dict[str, str]) -> Leaf | None:
    """Depth is the resource tree's, so a long path cannot exhaust the stack."""
    if at == len(segments):
        return node.leaf
    segment = segments[at]
    child = node.children.get(segment)
    if child is None and "%" in segment:
        child = node.children.get(unquote(segment))
    if child is not None and (leaf := _walk(child, segments, at + 1, raw)) is not None:
        return leaf
    if node.variable is not None and segment:
        leaf = _walk(node.variable, segments, at + 1, raw)
        if leaf is not None:
            raw[node.variable.name] = segment
            return leaf
    if node.greedy_leaf is not None:
        raw[node.greedy] = "/".join(segments[at:])
        return node.greedy_leaf
    return None
