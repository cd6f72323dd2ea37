"""Statements of rules, compiled to predicates.

Source: WAF Developer Guide, "Using rule statements in AWS WAF"; capacities are those of its
tables.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from torana.waf.components import component
from torana.waf.faults import BadRule
from torana.waf.inspected import Inspected
from torana.waf.patterns import Pattern, pattern
from torana.waf.sqli import is_sqli
from torana.waf.transforms import compile_transforms
from torana.waf.xss import is_xss

Json = dict[str, Any]
Predicate = Callable[[Inspected], bool]
Test = Callable[[bytes], bool]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Window(Protocol):
    """Counts requests by key, see `Rate`."""

    def ask(self, key: str, now: float, /) -> int: ...


class World(Protocol):
    """What statements refer to."""

    def ip_set(self, arn: str) -> Sequence[str]:
        """Addresses in CIDR notation. Raises `BadRule` for a set that there is not."""
        ...

    def regex_set(self, arn: str) -> Sequence[str]:
        """Raises `BadRule`."""
        ...

    def window(self, name: str, seconds: float) -> Window:
        """What counts for a rate-based rule; the same one for the same name."""
        ...

    def country(self, address: str) -> str:
        """Two letters, empty for an address of nowhere. Raises `BadRule` where no database is
        installed, for whatever address."""
        ...


class Scope(Struct, frozen=True):
    """Where a statement stands."""

    world: World
    rule: str
    """The rule's full name, which tells its window from others'."""
    prefix: str
    """Of the labels that the rules around add."""


class Compiled(Struct, frozen=True):
    """A statement, ready to be asked. `cost` is its capacity in WCUs."""

    matches: Predicate
    cost: int


Maker = Callable[[Json, Scope], Compiled]


def compile_statement(statement: Json, scope: Scope) -> Compiled:
    """One statement and all within it. Raises `BadRule`."""
    if len(statement) != 1:
        raise BadRule("STATEMENT", str(sorted(statement)), "Exactly one statement is needed.")
    ((kind, asked),) = statement.items()
    make = STATEMENTS.get(kind)
    if make is None:
        raise BadRule("STATEMENT", kind, "This statement is not evaluated here.")
    return make(asked, scope)


def _looking(asked: Json, test: Test, cost: int) -> Compiled:
    """A test of what a component holds, after its transformations."""
    key, values = component(asked["FieldToMatch"])
    names, transform = compile_transforms(asked["TextTransformations"])
    memo = (key, names)

    def texts(request: Inspected) -> list[bytes] | bool:
        found = values(request)
        return found if isinstance(found, bool) else [transform(text) for text in found]

    def matches(request: Inspected) -> bool:
        found = request.once(memo, lambda: texts(request))
        return found if isinstance(found, bool) else any(test(text) for text in found)  # type: ignore[union-attr]

    kind = next(iter(asked["FieldToMatch"]))
    if kind == "AllQueryArguments":
        cost += 10
    if kind == "JsonBody":
        cost *= 2
    return Compiled(matches, cost + 10 * len(names))


def _word(wanted: bytes) -> Test:
    found = re.compile(rb"(?<![A-Za-z0-9_])" + re.escape(wanted) + rb"(?![A-Za-z0-9_])")
    return lambda text: found.search(text) is not None


_POSITIONS: Mapping[str, tuple[int, Callable[[bytes], Test]]] = {
    "CONTAINS": (10, lambda wanted: lambda text: wanted in text),
    "CONTAINS_WORD": (10, _word),
    "ENDS_WITH": (2, lambda wanted: lambda text: text.endswith(wanted)),
    "EXACTLY": (2, lambda wanted: lambda text: text == wanted),
    "STARTS_WITH": (2, lambda wanted: lambda text: text.startswith(wanted)),
}


def _bytes(asked: Json, scope: Scope) -> Compiled:
    cost, make = _POSITIONS[asked["PositionalConstraint"]]
    if not asked["SearchString"]:
        raise BadRule("BYTE_MATCH_STATEMENT", "", "SearchString must not be empty.")
    return _looking(asked, make(asked["SearchString"]), cost)


def _regex(asked: Json, scope: Scope) -> Compiled:
    return _looking(asked, _any_of([pattern(asked["RegexString"])]), 3)


def _regex_set(asked: Json, scope: Scope) -> Compiled:
    found = [pattern(each) for each in scope.world.regex_set(asked["ARN"])]
    return _looking(asked, _any_of(found), 25)


def _any_of(patterns: list[Pattern]) -> Test:
    if len(patterns) == 1:
        return patterns[0]
    return lambda text: any(each(text) for each in patterns)


_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "EQ": lambda a, b: a == b,
    "GE": lambda a, b: a >= b,
    "GT": lambda a, b: a > b,
    "LE": lambda a, b: a <= b,
    "LT": lambda a, b: a < b,
    "NE": lambda a, b: a != b,
}


def _size(asked: Json, scope: Scope) -> Compiled:
    compare, size = _COMPARISONS[asked["ComparisonOperator"]], asked["Size"]
    return _looking(asked, lambda text: compare(len(text), size), 1)


def _sqli(asked: Json, scope: Scope) -> Compiled:
    sensitive = asked.get("SensitivityLevel") == "HIGH"
    return _looking(asked, lambda text: is_sqli(text, sensitive=sensitive), 30 if sensitive else 20)


def _xss(asked: Json, scope: Scope) -> Compiled:
    return _looking(asked, is_xss, 40)


def _addresses(config: Json | None) -> Callable[[Inspected], list[str] | bool]:
    """Whose addresses count: the client's, or those a proxy tells."""
    if config is None:
        return lambda request: [request.address]
    name, fallback = config["HeaderName"].lower(), config["FallbackBehavior"] == "MATCH"
    position = config.get("Position", "FIRST")

    def forwarded(request: Inspected) -> list[str] | bool:
        line = request.headers.get(name)
        if line is None:
            return False
        found = [part.strip() for part in line.split(",")][:10]
        chosen = {"FIRST": found[:1], "LAST": found[-1:]}.get(position, found)
        try:
            return [str(ipaddress.ip_address(each)) for each in chosen]
        except ValueError:
            return fallback

    return forwarded


def network(text: str) -> Network:
    """A range of addresses. Raises `BadRule`."""
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        raise BadRule("IP_ADDRESS", text, "This is no range of addresses.") from None
    if "/" not in text or found.prefixlen == 0:
        raise BadRule("IP_ADDRESS", text, "CIDR notation is needed, and any range but /0.")
    return found


class Ranges:
    """Ranges of addresses, looked up by their length."""

    def __init__(self, ranges: Sequence[str]) -> None:
        self._by_length: dict[tuple[int, int], set[int]] = {}
        for text in ranges:
            made = network(text)
            size = made.max_prefixlen
            known = self._by_length.setdefault((size, size - made.prefixlen), set())
            known.add(int(made.network_address) >> (size - made.prefixlen))

    def __contains__(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        number, size = int(found), found.max_prefixlen
        return any(
            own == size and number >> shift in known
            for (own, shift), known in self._by_length.items()
        )


def _ip_set(asked: Json, scope: Scope) -> Compiled:
    ranges = Ranges(scope.world.ip_set(asked["ARN"]))
    config = asked.get("IPSetForwardedIPConfig")
    whose = _addresses(config)

    def matches(request: Inspected) -> bool:
        found = whose(request)
        return found if isinstance(found, bool) else any(each in ranges for each in found)

    many = config is not None and config.get("Position") == "ANY"
    return Compiled(matches, 5 if many else 1)


def _geo(asked: Json, scope: Scope) -> Compiled:
    country = scope.world.country
    country("127.0.0.1")
    wanted = frozenset(asked["CountryCodes"])
    config = asked.get("ForwardedIPConfig")
    whose = _addresses(config)
    space = "awswaf:forwardedip:geo:country:" if config else "awswaf:clientip:geo:country:"

    def matches(request: Inspected) -> bool:
        found = whose(request)
        if isinstance(found, bool):
            return found
        places = [country(each) for each in found]
        request.labels.update(space + place for place in places if place)
        return any(place in wanted for place in places)

    return Compiled(matches, 1)


def _label(asked: Json, scope: Scope) -> Compiled:
    key = asked["Key"]
    if not key.startswith("awswaf:"):
        key = scope.prefix + key
    if asked["Scope"] == "LABEL":
        return Compiled(lambda request: key in request.labels, 1)
    space = key if key.endswith(":") else key + ":"
    return Compiled(lambda request: any(one.startswith(space) for one in request.labels), 1)


def _and(asked: Json, scope: Scope) -> Compiled:
    parts = [compile_statement(each, scope) for each in asked["Statements"]]
    tests = tuple(part.matches for part in parts)
    return Compiled(
        lambda request: all(test(request) for test in tests), 1 + sum(p.cost for p in parts)
    )


def _or(asked: Json, scope: Scope) -> Compiled:
    parts = [compile_statement(each, scope) for each in asked["Statements"]]
    tests = tuple(part.matches for part in parts)
    return Compiled(
        lambda request: any(test(request) for test in tests), 1 + sum(p.cost for p in parts)
    )


def _not(asked: Json, scope: Scope) -> Compiled:
    part = compile_statement(asked["Statement"], scope)
    return Compiled(lambda request: not part.matches(request), 1 + part.cost)


Key = Callable[[Inspected], str | None]


def _custom_key(part: Json) -> Key:
    ((kind, asked),) = part.items()
    name = asked.get("Name", "")
    lower = name.lower()
    plain: dict[str, Key] = {
        "HTTPMethod": lambda request: request.method,
        "Header": lambda request: request.headers.get(lower),
        "IP": lambda request: request.address,
        "QueryString": lambda request: request.query or None,
        "UriPath": lambda request: request.path,
        "Cookie": lambda request: next((v for n, v in request.cookies() if n == name), None),
        "QueryArgument": lambda request: next(
            (v for n, v in request.arguments() if n.lower() == lower), None
        ),
        "LabelNamespace": lambda request: next(
            (label for label in sorted(request.labels) if label.startswith(asked["Namespace"])),
            None,
        ),
    }
    get = plain.get(kind)
    if get is None:
        raise BadRule("CUSTOM_KEYS", kind, "Requests cannot be counted by this here.")
    _, transform = compile_transforms(asked.get("TextTransformations", ()))

    def key(request: Inspected) -> str | None:
        found = get(request)
        if found is None:
            return None
        return transform(found.encode("latin-1", "replace")).decode("latin-1")

    return key


def _rate_key(asked: Json) -> Key:
    kind = asked["AggregateKeyType"]
    if kind == "IP":
        return lambda request: request.address
    if kind == "CONSTANT":
        return lambda request: ""
    if kind == "CUSTOM_KEYS":
        keys = [_custom_key(part) for part in asked.get("CustomKeys", ())]
        if not keys:
            raise BadRule("CUSTOM_KEYS", "", "At least one key is needed.")

        def key(request: Inspected) -> str | None:
            parts = [each(request) for each in keys]
            return None if None in parts else "\0".join(part or "" for part in parts)

        return key
    if "ForwardedIPConfig" not in asked:
        raise BadRule("FORWARDED_IP_CONFIG", kind, "ForwardedIPConfig is needed.")
    whose = _addresses(asked["ForwardedIPConfig"])

    def forwarded(request: Inspected) -> str | None:
        found = whose(request)
        if isinstance(found, bool):
            return "" if found else None
        return found[0]

    return forwarded


def _rate(asked: Json, scope: Scope) -> Compiled:
    limit, seconds = asked["Limit"], asked.get("EvaluationWindowSec", 300)
    if seconds not in (60, 120, 300, 600):
        raise BadRule("RATE_BASED_STATEMENT", str(seconds), "60, 120, 300 or 600 seconds.")
    key = _rate_key(asked)
    within = asked.get("ScopeDownStatement")
    down = compile_statement(within, scope) if within else None
    window = scope.world.window(scope.rule, float(seconds))

    def matches(request: Inspected) -> bool:
        if down is not None and not down.matches(request):
            return False
        own = key(request)
        return own is not None and window.ask(own, request.now) > limit

    keys = 30 * len(asked.get("CustomKeys", ()))
    return Compiled(matches, 2 + keys + (down.cost if down else 0))


STATEMENTS: Mapping[str, Maker] = {
    "AndStatement": _and,
    "ByteMatchStatement": _bytes,
    "GeoMatchStatement": _geo,
    "IPSetReferenceStatement": _ip_set,
    "LabelMatchStatement": _label,
    "NotStatement": _not,
    "OrStatement": _or,
    "RateBasedStatement": _rate,
    "RegexMatchStatement": _regex,
    "RegexPatternSetReferenceStatement": _regex_set,
    "SizeConstraintStatement": _size,
    "SqliMatchStatement": _sqli,
    "XssMatchStatement": _xss,
}
"""By the service's name; rule groups, which hold rules, are `acl`'s."""
