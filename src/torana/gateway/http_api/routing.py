"""Which route a request means: its path before its verb, the most specific first, `$default` last.

Source: Developer Guide, "Create routes for HTTP APIs": a full match, then path parameters, then a
greedy one, then `$default`; ANY takes the verbs that no other route of the path names. Unlike in
REST APIs, a path whose routes do not take the verb leaves the request to less specific ones, and a
trailing slash counts.
"""

from typing import Generic, TypeVar
from urllib.parse import unquote

Leaf = TypeVar("Leaf")
Parameters = dict[str, str]


class _Node(Generic[Leaf]):
    """One segment of the tree."""

    __slots__ = ("children", "greedy", "leaves", "variables")

    def __init__(self) -> None:
        self.children: dict[str, _Node[Leaf]] = {}
        self.variables: _Node[Leaf] | None = None
        self.greedy: dict[str, tuple[Leaf, tuple[str, ...]]] = {}
        self.leaves: dict[str, tuple[Leaf, tuple[str, ...]]] = {}
        """By verb, with the names of the path parameters."""


class Routing(Generic[Leaf]):
    """Routes by path and verb. Built once, then only read."""

    def __init__(self) -> None:
        self._root: _Node[Leaf] = _Node()

    def add(self, verb: str, path: str, leaf: Leaf) -> None:
        """Add a route such as `GET /pets/{id}`."""
        node, names = self._root, list[str]()
        for segment in path[1:].split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1].rstrip("+"))
                if segment.endswith("+}"):
                    node.greedy[verb] = (leaf, tuple(names))
                    return
                node.variables = node = node.variables or _Node()
            else:
                node = node.children.setdefault(segment, _Node())
        node.leaves[verb] = (leaf, tuple(names))

    def find(self, path: str, verb: str) -> tuple[Leaf, Parameters, Parameters] | None:
        """The route for a path as it came, with its parameters, decoded and as they came."""
        values: list[str] = []
        found = _walk(self._root, path[1:].split("/"), 0, verb, values)
        if found is None:
            return None
        leaf, names = found
        if not names:
            return leaf, {}, {}
        raw = dict(zip(names, values, strict=True))
        return leaf, {name: unquote(value) for name, value in raw.items()}, raw


def _walk(
    node: _Node[Leaf], segments: list[str], at: int, verb: str, values: list[str]
) -> tuple[Leaf, tuple[str, ...]] | None:
    """Depth is the routes' own, so a long path cannot exhaust the stack."""
    if at == len(segments):
        return node.leaves.get(verb) or node.leaves.get("ANY")
    segment = segments[at]
    child = node.children.get(segment)
    if child is None and "%" in segment:
        child = node.children.get(unquote(segment))
    if child is not None and (found := _walk(child, segments, at + 1, verb, values)) is not None:
        return found
    if node.variables is not None and segment:
        values.append(segment)
        if (found := _walk(node.variables, segments, at + 1, verb, values)) is not None:
            return found
        values.pop()
    found = node.greedy.get(verb) or node.greedy.get("ANY")
    if found is not None and (segment or at < len(segments) - 1):
        values.append("/".join(segments[at:]))
        return found
    return None
