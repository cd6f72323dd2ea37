"""Routing rules of custom domain names: a stage by the request's headers and base path.

Source: Developer Guide, "Routing rules to connect API stages to a custom domain name".
"""

from collections.abc import Callable

from msgspec import Struct

from torana.message import Headers

Match = Callable[[str], bool]


class Rule(Struct, frozen=True):
    """One rule. Every condition must hold."""

    api_id: str
    stage: str
    headers: tuple[tuple[str, Match], ...] = ()
    """Names in lower case."""
    base: str = ""
    """A path without slashes around it; empty: any."""
    strip: bool = False
    """Whether the API gets the path without the base."""

    def below(self, path: str, headers: Headers) -> str | None:
        """The path for the API; None: the rule does not hold."""
        base = self.base
        if base and path[1:] != base and not path.startswith(f"/{base}/"):
            return None
        for name, matches in self.headers:
            if not any(matches(value) for value in headers.all(name)):
                return None
        return path[len(base) + 1 :] or "/" if base and self.strip else path


class Rules(Struct, frozen=True):
    """The rules of a domain name, in the order they are tried."""

    rules: tuple[Rule, ...]
    mappings_too: bool
    """Whether what no rule takes goes by the API mappings."""


def glob(pattern: str) -> Match:
    """`*` may stand at either end for any text."""
    if pattern == "*":
        return lambda value: True
    first, last = pattern.startswith("*"), pattern.endswith("*")
    text = pattern[first : len(pattern) - last]
    if first and last:
        return lambda value: text in value
    if first:
        return lambda value: value.endswith(text)
    return (lambda value: value.startswith(text)) if last else (lambda value: value == text)
