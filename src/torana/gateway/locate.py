"""Which stage of which API a request is for, and what path is left for it.

Three kinds of address: `http://{api-id}.execute-api.{suffix}/{stage}/{path}`, custom domain names
with base path mappings and routing rules, and, with no DNS,
`/restapis/{api-id}/{stage}/_user_request_/{path}` or `/apis/{api-id}/{stage}/{path}` (for HTTP
APIs, whose stage `$default` needs no segment).
"""

from collections.abc import Mapping
from random import random

from msgspec import Struct, structs

from torana.gateway.domain_rules import Rules
from torana.gateway.serve import Plan
from torana.message import Headers
from torana.model.http_api import DEFAULT
from torana.model.version_set import VersionSet

LOCAL = "/restapis/"
LOCAL_HTTP = "/apis/"
USER_REQUEST = "_user_request_"
_MOST_SEEN = 4096


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
    varies: str = ""
    """The header that the stage was chosen by."""


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
    rules: Mapping[str, Rules] = {}
    """By domain name."""
    sets: Mapping[str, tuple[VersionSet, ...]] = {}
    """Of versions, by domain name, in the order they are tried."""
    _seen: dict[tuple[str, str], Found] = {}
    """What was found by host and path alone. Bounded, so that clients cannot make it grow."""

    def __post_init__(self) -> None:
        structs.force_setattr(self, "_seen", {})  # A table made from another finds for itself.

    def find(self, host: str, path: str, headers: Headers | None = None) -> Found | None:
        """None: no API answers there. `headers` are for routing rules and sets of versions.

        Raises `UnknownVersion`.
        """
        key = (host, path)
        found = self._seen.get(key)
        if found is None:
            found = self._find(host, path, headers)
            if found is not None and len(self._seen) < _MOST_SEEN and not self.by_headers(host):
                self._seen[key] = found
        return found

    def _find(self, host: str, path: str, headers: Headers | None) -> Found | None:
        if path.startswith(LOCAL):
            return self._local(path)
        if path.startswith(LOCAL_HTTP) and (found := self._local_http(path)) is not None:
            return found
        name = host.partition(":")[0].lower()
        if name in self.sets and (found := self._chosen(name, path, headers or Headers())):
            return found
        rules = self.rules.get(name)
        if rules is not None:
            return self._ruled(rules, name, path, headers or Headers())
        bases = self.domains.get(name)
        if bases is not None:
            return self._mapped(bases, path)
        api_id, _, rest = name.partition(".")
        if rest.startswith("execute-api.") and rest.endswith("." + self.suffix):
            return self._stage(api_id, path)
        return None

    def by_headers(self, host: str) -> bool:
        """Whether it is not host and path alone that say what is found."""
        name = host.partition(":")[0].lower()
        return name in self.sets or name in self.rules

    def misses(self, host: str, path: str) -> bool:
        """Whether an address that leads nowhere is one of an HTTP API, which says so otherwise."""
        if path.startswith(LOCAL_HTTP):
            api_id = path[len(LOCAL_HTTP) :].partition("/")[0]
        else:
            api_id = host.partition(":")[0].partition(".")[0].lower()
        return any(id == api_id and live.plan.http for (id, _), live in self.stages.items())

    def _local(self, path: str) -> Found | None:
        parts = path.split("/", 5)
        if len(parts) < 5 or parts[4] != USER_REQUEST:
            return None
        live = _open(self.stages.get((parts[2], parts[3])))
        if live is None:
            return None
        rest = "/" + parts[5] if len(parts) == 6 else "/"
        return Found(live, rest, f"/{parts[3]}{rest}")

    def _stage(self, api_id: str, path: str) -> Found | None:
        stage, _, rest = path[1:].partition("/")
        live = self.stages.get((api_id, stage)) if stage != DEFAULT else None
        if live is not None:
            return Found(live, "/" + rest, path) if _open(live) else None
        live = _open(self.stages.get((api_id, DEFAULT)))
        return Found(live, path, path) if live else None

    def _local_http(self, path: str) -> Found | None:
        api_id, _, rest = path[len(LOCAL_HTTP) :].partition("/")
        if rest == DEFAULT or rest.startswith(DEFAULT + "/"):
            live = _open(self.stages.get((api_id, DEFAULT)))
            below = rest[len(DEFAULT) :] or "/"
            return Found(live, below, below) if live else None
        return self._stage(api_id, "/" + rest)

    def _chosen(self, name: str, path: str, headers: Headers) -> Found | None:
        """The version that a client asks for, below the first base path that fits."""
        for each in self.sets[name]:
            below = each.below(path)
            if below is not None:
                live = self.stages.get(each.choose(headers.all))
                return Found(live, below, path, each.varies) if live else None
        return None

    def _ruled(self, rules: Rules, name: str, path: str, headers: Headers) -> Found | None:
        """The first rule that holds, else the mappings where those count too."""
        for rule in rules.rules:
            below = rule.below(path, headers)
            if below is not None:
                live = self.stages.get((rule.api_id, rule.stage))
                return Found(live, below, path) if live else None
        return self._mapped(self.domains.get(name, {}), path) if rules.mappings_too else None

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


def local_address(api_id: str, stage: str, live: Live) -> str:
    """The path under which a stage is reached with no DNS."""
    if not live.plan.http:
        return f"{LOCAL}{api_id}/{stage}/{USER_REQUEST}/"
    return f"{LOCAL_HTTP}{api_id}/" + ("" if stage == DEFAULT else f"{stage}/")


def _open(live: Live | None) -> Live | None:
    """Not those that are reached through their own domain names alone."""
    if live is not None and live.plan.to.api.disable_execute_api_endpoint:
        return None
    return live


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
