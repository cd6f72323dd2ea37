"""The `Condition` element: operators, qualifiers, missing keys.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators", and "Multivalued context
keys".
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from torana.auth.wildcard import Match, Values, matcher, text_of, tokens

Condition = Callable[[Values], bool]
Comparison = Callable[[str], Match]
"""Compiles one value of the policy into a match of one value of the request.

Raises `ValueError` for a value that the operator cannot take."""


def _equals(value: str, *, ignore_case: bool = False) -> Match:
    parts = tokens(value, wildcards=False)

    def match(text: str, context: Values) -> bool:
        wanted = text_of(parts, context)
        if wanted is None:
            return False
        return text.lower() == wanted.lower() if ignore_case else text == wanted

    return match


def _equals_ignoring_case(value: str) -> Match:
    return _equals(value, ignore_case=True)


def _like(value: str) -> Match:
    return matcher(value)


def _numeric(compare: Callable[[float, float], bool]) -> Comparison:
    def compiled(value: str) -> Match:
        wanted = float(value)

        def match(text: str, context: Values) -> bool:
            try:
                return compare(float(text), wanted)
            except ValueError:
                return False

        return match

    return compiled


def _moment(text: str) -> datetime:
    """ISO 8601, or seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _date(compare: Callable[[datetime, datetime], bool]) -> Comparison:
    def compiled(value: str) -> Match:
        wanted = _moment(value)

        def match(text: str, context: Values) -> bool:
            try:
                return compare(_moment(text), wanted)
            except ValueError:
                return False

        return match

    return compiled


def _bool(value: str) -> Match:
    wanted = value.lower()
    if wanted not in ("true", "false") and "${" not in value:
        raise ValueError(f"{value!r} must be true or false")
    if "${" in value:
        return _equals(value, ignore_case=True)
    return lambda text, context: text.lower() == wanted


def _binary(value: str) -> Match:
    try:
        wanted = base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError(f"{value!r} must be base64") from None

    def match(text: str, context: Values) -> bool:
        try:
            return hmac.compare_digest(base64.b64decode(text, validate=True), wanted)
        except binascii.Error:
            return False

    return match


def _ip(value: str) -> Match:
    network: IPv4Network | IPv6Network = ip_network(value, strict=False)

    def match(text: str, context: Values) -> bool:
        try:
            return ip_address(text) in network
        except ValueError:
            return False

    return match


ANYWHERE = "\0"
"""In an ARN that is asked about, in place of the region: whichever a policy names."""


def arn_matcher(value: str) -> Match:
    """Each of an ARN's six parts on its own; fewer than six parts are matched as one text."""
    parts = _arn_parts(value)
    if len(parts) != 6:
        return matcher(value)
    matches = [matcher(part) for part in parts]

    def match(text: str, context: Values) -> bool:
        given = text.split(":", 5)
        return len(given) == 6 and all(
            part == ANYWHERE or each(part, context)
            for each, part in zip(matches, given, strict=True)
        )

    return match


def _arn_parts(value: str) -> list[str]:
    """Split at the first five colons that are outside a variable."""
    parts = [""]
    inside = False
    for at, char in enumerate(value):
        if char == "{" and value[at - 1 : at] == "$":
            inside = True
        elif char == "}":
            inside = False
        if char == ":" and not inside and len(parts) < 6:
            parts.append("")
        else:
            parts[-1] += char
    return parts


_OPERATORS: Mapping[str, tuple[Comparison, bool]] = {
    "stringequals": (_equals, False),
    "stringnotequals": (_equals, True),
    "stringequalsignorecase": (_equals_ignoring_case, False),
    "stringnotequalsignorecase": (_equals_ignoring_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "numericequals": (_numeric(lambda given, wanted: given == wanted), False),
    "numericnotequals": (_numeric(lambda given, wanted: given == wanted), True),
    "numericlessthan": (_numeric(lambda given, wanted: given < wanted), False),
    "numericlessthanequals": (_numeric(lambda given, wanted: given <= wanted), False),
    "numericgreaterthan": (_numeric(lambda given, wanted: given > wanted), False),
    "numericgreaterthanequals": (_numeric(lambda given, wanted: given >= wanted), False),
    "dateequals": (_date(lambda given, wanted: given == wanted), False),
    "datenotequals": (_date(lambda given, wanted: given == wanted), True),
    "datelessthan": (_date(lambda given, wanted: given < wanted), False),
    "datelessthanequals": (_date(lambda given, wanted: given <= wanted), False),
    "dategreaterthan": (_date(lambda given, wanted: given > wanted), False),
    "dategreaterthanequals": (_date(lambda given, wanted: given >= wanted), False),
    "bool": (_bool, False),
    "binaryequals": (_binary, False),
    "ipaddress": (_ip, False),
    "notipaddress": (_ip, True),
    "arnequals": (arn_matcher, False),
    "arnlike": (arn_matcher, False),
    "arnnotequals": (arn_matcher, True),
    "arnnotlike": (arn_matcher, True),
}
"""Operator in lower case: its comparison, and whether it is negated."""


def compile_condition(operator: str, key: str, values: tuple[str, ...]) -> Condition:
    """One operator on one key. Raises `ValueError` for what is not of the grammar."""
    name = operator.lower()
    qualifier = ""
    for prefix in ("forallvalues:", "foranyvalue:"):
        if name.startswith(prefix):
            qualifier, name = prefix, name.removeprefix(prefix)
    optional = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    key = key.lower()
    if name == "null" and not qualifier and not optional:
        return _null(key, values)
    if name not in _OPERATORS:
        raise ValueError(f"{operator!r} is not a condition operator")
    comparison, negated = _OPERATORS[name]
    matches = tuple(comparison(value) for value in values)

    def one(text: str, context: Values) -> bool:
        return any(match(text, context) for match in matches) is not negated

    if qualifier:
        return _qualified(key, one, every=qualifier == "forallvalues:", optional=optional)

    def condition(context: Values) -> bool:
        given = _given(context, key)
        if not given:
            return optional or negated
        if negated:
            return all(one(text, context) for text in given)
        return any(one(text, context) for text in given)

    return condition


def _given(context: Values, key: str) -> tuple[str, ...]:
    found = context.get(key)
    if found is None:
        return ()
    return (found,) if isinstance(found, str) else found


def _qualified(key: str, one: Match, *, every: bool, optional: bool) -> Condition:
    def condition(context: Values) -> bool:
        given = _given(context, key)
        if not given:
            return every or optional
        results = (one(text, context) for text in given)
        return all(results) if every else any(results)

    return condition


def _null(key: str, values: tuple[str, ...]) -> Condition:
    wanted = {value.lower() for value in values}
    if not wanted <= {"true", "false"}:
        raise ValueError("Null takes true or false")

    def condition(context: Values) -> bool:
        return ("false" if _given(context, key) else "true") in wanted

    return condition
