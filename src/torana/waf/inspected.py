"""What a rule may look at of a request.

Source: WAF Developer Guide, "Request components in AWS WAF".
"""

from collections.abc import Callable, Iterable

from msgspec import Struct, field

from torana.message import Headers

HEADERS_LIMIT, HEADERS_BYTES = 200, 8 * 1024
"""What is inspected of headers and of cookies; the rest is oversize."""


class Inspected(Struct):
    """A request on its way through the rules of a web ACL."""

    method: str
    path: str
    """As on the wire."""
    query: str
    """Without the question mark."""
    headers: Headers
    body: bytes
    address: str
    """The client's."""
    body_limit: int = 16 * 1024
    """Bytes of the body that are inspected."""
    labels: set[str] = field(default_factory=set[str])
    now: float = 0.0
    """Seconds, of any clock that only goes forward."""
    memo: dict[object, object] = field(default_factory=dict[object, object])
    """What several rules need, worked out once."""

    def once(self, key: object, work: Callable[[], object]) -> object:
        """What `work` gives, the first time it is asked for."""
        memo = self.memo
        if key not in memo:
            memo[key] = work()
        return memo[key]

    def arguments(self) -> list[tuple[str, str]]:
        """The query's names and values, as on the wire."""

        def split() -> list[tuple[str, str]]:
            pairs = (part.partition("=") for part in self.query.split("&") if part)
            return [(name, value) for name, _, value in pairs]

        return self.once("arguments", split)  # type: ignore[return-value]

    def cookies(self) -> list[tuple[str, str]]:
        """Names and values of the Cookie headers."""

        def split() -> list[tuple[str, str]]:
            crumbs = (c for line in self.headers.all("cookie") for c in line.split(";"))
            pairs = (crumb.strip().partition("=") for crumb in crumbs if crumb.strip())
            return [(name, value) for name, _, value in pairs]

        return self.once("cookies", split)  # type: ignore[return-value]


def within(pairs: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], bool]:
    """What is inspected of headers or cookies, and whether there was more."""
    kept: list[tuple[str, str]] = []
    size = 0
    for name, value in pairs:
        size += len(name) + len(value)
        if len(kept) >= HEADERS_LIMIT or size > HEADERS_BYTES:
            return kept, True
        kept.append((name, value))
    return kept, False
