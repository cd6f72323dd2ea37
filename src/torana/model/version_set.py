"""Versions of an API below one base path of a domain name, told apart by what a client's headers
say: a header of its own, or a parameter of the media type that it accepts."""

import re
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")


class UnknownVersion(Exception):
    """The client names a version that there is not, or must name one; says which there are."""


class VersionSet(Struct, frozen=True):
    """One set. Either `header` or `parameter` is given."""

    base: str
    """A path without slashes around it; empty: any."""
    stages: Mapping[str, tuple[str, str]]
    """API id and stage name, by version."""
    header: str = ""
    parameter: str = ""
    """Of `Accept`: `version` for `application/json; version=2`."""
    default: str = ""

    @property
    def varies(self) -> str:
        """The header that answers depend on."""
        return self.header or "Accept"

    def wrong(self) -> str | None:
        """Why it cannot be, or None."""
        given = [each for each in (self.header, self.parameter) if each]
        if len(given) != 1 or not _TOKEN.fullmatch(given[0]):
            return "one of a header and a parameter of the media type must be named"
        if not self.stages:
            return "it has no versions"
        if self.default and self.default not in self.stages:
            return f"the default {self.default!r} is none of {', '.join(self.stages)}"
        return None

    def below(self, path: str) -> str | None:
        """The path for the API; None: the set is of others."""
        base = self.base
        if not base:
            return path
        if path[1:] == base:
            return "/"
        return path[len(base) + 1 :] if path.startswith(f"/{base}/") else None

    def choose(self, values: Callable[[str], list[str]]) -> tuple[str, str]:
        """The stage of the version that is asked for; `values` are those of a header, by its name
        in lower case. Raises `UnknownVersion`."""
        if self.header:
            asked = next(iter(values(self.header.lower())), "")
        else:
            asked = _parameter(values("accept"), self.parameter)
        found = self.stages.get(asked.strip() or self.default)
        if found is None:
            where = self.header or f"the parameter {self.parameter!r} of Accept"
            known = ", ".join(self.stages)
            why = f"There is no version {asked[:40]!r}" if asked else "A version must be named"
            raise UnknownVersion(f"{why}: {where} may be {known}")
        return found


def longest_first(sets: Iterable[VersionSet]) -> tuple[VersionSet, ...]:
    """Sets in the order they are tried."""
    return tuple(sorted(sets, key=lambda each: -len(each.base)))


def _parameter(accepts: list[str], name: str) -> str:
    """The first value of a parameter, in any of the media types that are accepted."""
    for media in ",".join(accepts).split(","):
        for part in media.split(";")[1:]:
            key, _, value = part.partition("=")
            if key.strip().lower() == name.lower():
                return value.strip().strip('"')
    return ""
