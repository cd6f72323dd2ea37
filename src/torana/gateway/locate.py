"""Which stage of which API a request is for, and what path is left for it.

Three kinds of address: `http://{api-id}.execute-api.{suffix}/{stage}/{path}`, custom domain names
with base path mappings, and `/restapis/{api-id}/{stage}/_user_request_/{path}`.
"""

from collections.abc import Mapping
from random import random

from msgspec import Struct

from torana.gateway.serve import Plan

LOCAL = "/restapis/"
USER_REQUEST = "_user_request_"


class Live(Struct, frozen=True):
    """A stage's plans: the deployed one and, with a canary, the other."""

    plan: Plan
    canary: Plan | None = None
    percent: float = 0.0

    def pick(self) -> Plan:
        """By chance, as the canary's share of traffic says."""
        if self.canary is not None and random() * 100 < self.percent:  # noqa: S311
            return self.canary
        return self.plan


class Found(Struct, frozen=True):
    """A stage, and the path below it."""

    live: Live
    path: str
    full_path: str


Domains = Mapping[str, Mapping[str, tuple[str, str]]]
"""Domain name to base path (`` for none) to API id and stage name, see `by_length`."""


def by_length(bases: Mapping[str, tuple[str, str]]) -> Mapping[str, tuple[str, str]]:
    """Base paths in the order they are tried."""
    return {base: bases[base] for base in sorted(bases, key=len, reverse=True)}


class Table(Struct, frozen=True):
    """Every stage that is live. Replaced whole by a deployment."""

    stages: Mapping[tuple[str, str], Live]
    domains: Domains = {}
    suffix: str = "localhost"
    """Of `{api-id}.execute-api.{suffix}`; a region may stand before it."""

    def find(self, host: str, path: str) -> Found | None:
        """None: no API answers there."""
        if path.startswith(LOCAL):
            return self._local(path)
        name = host.partition(":")[0].lower()
        bases = self.domains.get(name)
        if bases is not None:
            return self._mapped(bases, path)
        api_id, _, rest = name.partition(".")
        if rest.startswith("execute-api.") and rest.endswith("." + self.suffix):
            return self._stage(api_id, path)
        return None

    def _local(self, path: str) -> Found | None:
        parts = path.split("/", 5)
        if len(parts) < 5 or parts[4] != USER_REQUEST:
            return None
        live = self.stages.get((parts[2], parts[3]))
        if live is None:
            return None
        rest = "/" + parts[5] if len(parts) == 6 else "/"
        return Found(live, rest, f"/{parts[3]}{rest}")

    def _stage(self, api_id: str, path: str) -> Found | None:
        stage, _, rest = path[1:].partition("/")
        live = self.stages.get((api_id, stage))
        return Found(live, "/" + rest, path) if live else None

    def _mapped(self, bases: Mapping[str, tuple[str, str]], path: str) -> Found | None:
        """The longest base path wins; the empty one takes what is left."""
        trimmed = path[1:]
        for base, target in bases.items():
            if base and trimmed != base and not trimmed.startswith(base + "/"):
                continue
            live = self.stages.get(target)
            rest = trimmed[len(base) :] if base else path
            return Found(live, rest or "/", path) if live else None
        return None


def normalise(path: str) -> str:
    """A path without dot segments (RFC 3986, 5.2.4), so that routing, policies and backends see
    the same one. Encoded dots count as dots; encoded slashes stay encoded."""
    if "/." not in path and "%2" not in path:
        return path
    kept: list[str] = []
    segments = path[1:].split("/")
    for place, segment in enumerate(segments):
        plain = segment.replace("%2e", ".").replace("%2E", ".")
        last = place == len(segments) - 1
        if plain == "..":
            if kept:
                kept.pop()
            if last:
                kept.append("")
        elif plain == ".":
            if last:
                kept.append("")
        else:
            kept.append(segment)
    return "/" + "/".join(kept)
