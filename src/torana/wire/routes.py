"""Which operation a REST request means: method, path template, and what tells like ones apart."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from msgspec import Struct

from torana.message import Headers
from torana.wire.bindings import Query
from torana.wire.model import Operation, Shape

Rank = tuple[int, int, int, int, bool]


class Route(Struct, frozen=True):
    """One operation's address."""

    operation: str
    segments: tuple[str, ...]
    literals: tuple[tuple[str, str], ...]
    """Query parameters that are part of the template, as `?acl` or `?list-type=2`."""
    queries: frozenset[str]
    """Required query parameters."""
    headers: frozenset[str]
    """Required headers, in lower case."""
    deprecated: bool

    def fits(self, query: Query) -> bool:
        """Whether the template's query parameters are there."""
        return all(
            name in query and (not value or query[name][0] == value)
            for name, value in self.literals
        )

    def rank(self, query: Query, headers: Headers) -> Rank:
        """How well a request that fits means this operation: more is better."""
        missing = sum(name not in query for name in self.queries)
        missing += sum(name not in headers for name in self.headers)
        named = len(self.queries) + len(self.headers)
        fixed = sum(not segment.startswith("{") for segment in self.segments)
        return fixed, len(self.literals), -missing, 0 if missing else named, not self.deprecated


_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")


class Routes:
    """The addresses of one service, as a tree of path segments for each method."""

    def __init__(self, operations: Mapping[str, Operation], shapes: Mapping[str, Shape]) -> None:
        self._roots: dict[str, _Node] = {}
        for operation in operations.values():
            route = _route(operation, shapes)
            node = self._roots.setdefault(operation.http.method, _Node())
            for segment in route.segments:
                node = node.child(segment)
            node.routes.append(route)

    def find(
        self, method: str, path: str, query: Query, headers: Headers
    ) -> tuple[Route, dict[str, str]] | None:
        """The operation and its decoded labels, or None."""
        root = self._roots.get(method)
        if root is None:
            return None
        best: tuple[Rank, Route, tuple[str, ...]] | None = None
        for routes, values in root.walk(path.split("/")[1:], ()):
            for route in routes:
                if route.fits(query):
                    rank = route.rank(query, headers)
                    if best is None or rank > best[0]:
                        best = rank, route, values
        if best is None:
            return None
        _, route, values = best
        names = [match[1] for segment in route.segments if (match := _LABEL.fullmatch(segment))]
        return route, {name: unquote(value) for name, value in zip(names, values, strict=True)}


class _Node:
    """The routes that end here, and what may follow."""

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self.fixed: dict[str, _Node] = {}
        self.label: _Node | None = None
        self.greedy: _Node | None = None

    def child(self, segment: str) -> "_Node":
        match = _LABEL.fullmatch(segment)
        if match is None:
            return self.fixed.setdefault(segment, _Node())
        if match[2]:
            self.greedy = self.greedy or _Node()
            return self.greedy
        self.label = self.label or _Node()
        return self.label

    def walk(
        self, segments: list[str], values: tuple[str, ...]
    ) -> Iterable[tuple[list[Route], tuple[str, ...]]]:
        """Every end that the path reaches, the most fixed first."""
        if self.routes and (not segments or segments == [""]):
            yield self.routes, values
        if not segments:
            return
        first, rest = segments[0], segments[1:]
        if first in self.fixed:
            yield from self.fixed[first].walk(rest, values)
        if self.label is not None and first:
            yield from self.label.walk(rest, (*values, first))
        if self.greedy is not None and any(segments):
            for end in range(len(segments), 0, -1):
                taken = "/".join(segments[:end])
                if end == len(segments) or self.greedy.fixed:
                    yield from self.greedy.walk(segments[end:], (*values, taken))


def _route(operation: Operation, shapes: Mapping[str, Shape]) -> Route:
    path, _, query = operation.http.request_uri.partition("?")
    queries: set[str] = set()
    headers: set[str] = set()
    if operation.input is not None:
        shape = shapes[operation.input.shape]
        for name in shape.required:
            ref = shape.members[name]
            if ref.location == "querystring":
                queries.add(ref.location_name or name)
            elif ref.location == "header":
                headers.add((ref.location_name or name).lower())
    return Route(
        operation.name,
        tuple(path.strip("/").split("/")) if path.strip("/") else (),
        literals(query),
        frozenset(queries),
        frozenset(headers),
        operation.deprecated,
    )


def literals(query: str) -> tuple[tuple[str, str], ...]:
    """A template's query parameters. `x-id` only tells a reader which operation is meant."""
    pairs = [piece.partition("=") for piece in query.split("&")]
    return tuple((name, value) for name, _, value in pairs if name and name != "x-id")
