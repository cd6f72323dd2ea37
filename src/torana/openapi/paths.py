"""Resource paths: what the service lets a path be, alone and beside its siblings.

Source: Developer Guide, "Important notes for REST APIs" (path segments), and the answers of
`CreateResource`.
"""

import re

from torana.openapi.place import Place

_SEGMENT = re.compile(r"[A-Za-z0-9._\-:,~*]+|\{[A-Za-z0-9._\-:]+\+?\}")


class Resources:
    """The tree of the paths so far."""

    def __init__(self) -> None:
        self._variables: dict[str, str] = {}
        """Parent path to the variable segment below it."""
        self._seen: set[str] = set()

    def add(self, path: str, at: Place) -> str | None:
        """The path without a trailing slash, or None when it cannot be; the mistake is noted."""
        path = path.rstrip("/") or "/"
        if path in self._seen:
            at.fail("path-twice", f"the path {path} stands twice")
            return None
        segments = path[1:].split("/") if path != "/" else []
        if not path.startswith("/") or not self._segments(segments, at):
            if not path.startswith("/"):
                at.fail("path", f"the path {path!r} must begin with /")
            return None
        self._seen.add(path)
        return path if self._siblings(segments, at) else None

    def _segments(self, segments: list[str], at: Place) -> bool:
        names: set[str] = set()
        for place, segment in enumerate(segments):
            if not _SEGMENT.fullmatch(segment):
                at.fail(
                    "path",
                    f"a path part cannot be {segment!r}",
                    "use a-z A-Z 0-9 . _ - : , or one whole {variable} or {greedy+}",
                )
                return False
            if segment.endswith("+}") and place != len(segments) - 1:
                at.fail(
                    "path-greedy",
                    f"cannot create a child of a resource with a greedy path variable: {segment}",
                )
                return False
            if segment.startswith("{"):
                name = segment.strip("{+}")
                if name in names:
                    at.fail("path-variable", f"the path variable {name!r} stands twice in a path")
                    return False
                names.add(name)
        return True

    def _siblings(self, segments: list[str], at: Place) -> bool:
        parent = ""
        for segment in segments:
            if segment.startswith("{"):
                other = self._variables.setdefault(parent, segment)
                if other != segment:
                    at.fail(
                        "path-sibling",
                        f"a sibling ({other}) of this resource already has a variable path part "
                        "-- only one is allowed",
                    )
                    return False
            parent += "/" + segment
        return True


def variables(path: str) -> list[str]:
    """The names of a path's variables."""
    return [part.strip("{+}") for part in path.split("/") if part.startswith("{")]
