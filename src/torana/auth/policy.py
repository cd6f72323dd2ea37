"""IAM policies: a document compiled once, then asked. An explicit deny wins, then an allow.

Source: IAM User Guide, "IAM JSON policy reference" and "Policy evaluation logic".
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from torana.auth.conditions import Condition, arn_matcher, compile_condition
from torana.auth.wildcard import Match, Values, matcher

Kind = Literal["identity", "resource"]
"""A resource's policy names principals; an identity's must not."""
Effect = Literal["allow", "deny", "none"]


class MalformedPolicy(Exception):
    """The document is not of the grammar: says where and why."""


class Caller(Struct, frozen=True):
    """Who asks, as `Principal` elements name them."""

    arns: tuple[str, ...] = ()
    """A user's; or a session's, and the role's it was made from."""
    account: str = ""
    service: str = ""
    """Such as `apigateway.amazonaws.com`."""
    federated: str = ""


ANYONE = Caller()


class Question(Struct, frozen=True):
    """What is asked."""

    action: str
    resource: str
    caller: Caller = ANYONE
    context: Values = {}
    """Condition keys in lower case, with one value or several."""


class Decision(Struct, frozen=True):
    """`none` is the implicit deny: nothing spoke for it."""

    effect: Effect
    statement: str = ""
    """The `Sid` of the statement that decided, or its number from 1."""

    @property
    def allowed(self) -> bool:
        """Whether it may be done."""
        return self.effect == "allow"


class Statement(Struct, frozen=True):
    """One compiled statement."""

    name: str
    denies: bool
    tests: tuple[Callable[[Question], bool], ...]

    def applies(self, question: Question) -> bool:
        """Whether every element of it matches."""
        return all(test(question) for test in self.tests)


class Policy(Struct, frozen=True):
    """A compiled document."""

    statements: tuple[Statement, ...]

    def denies(self) -> bool:
        """Whether a statement of it may deny something."""
        return any(statement.denies for statement in self.statements)


def evaluate(policies: Iterable[Policy], question: Question) -> Decision:
    """What the policies together say."""
    allowed: Decision | None = None
    for policy in policies:
        for statement in policy.statements:
            if allowed is not None and not statement.denies:
                continue
            if statement.applies(question):
                if statement.denies:
                    return Decision("deny", statement.name)
                allowed = Decision("allow", statement.name)
    return allowed or Decision("none")


def execute_api_resource(
    resource: str, *, region: str, account: str, api_id: str, partition: str = "aws"
) -> str:
    """`execute-api:/stage/METHOD/path` as the whole ARN; anything else as it is.

    Source: API Gateway Developer Guide, "API Gateway resource policy examples".
    """
    prefix = "execute-api:/"
    if not resource.startswith(prefix):
        return resource
    rest = resource.removeprefix(prefix)
    return f"arn:{partition}:execute-api:{region}:{account}:{api_id}/{rest}"


def _same(resource: str) -> str:
    return resource


_STATEMENT = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_PRINCIPALS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})


def parse(
    document: str | bytes | Mapping[str, Any],
    kind: Kind = "identity",
    expand: Callable[[str], str] = _same,
) -> Policy:
    """Compile a document. `expand` turns a resource's short form into an ARN.

    Raises `MalformedPolicy`.
    """
    if isinstance(document, str | bytes):
        try:
            document = cast(Mapping[str, Any], msgspec.json.decode(document))
        except (msgspec.DecodeError, RecursionError):
            raise MalformedPolicy("the policy is not JSON") from None
    if not isinstance(cast(object, document), Mapping):
        raise MalformedPolicy("the policy is not an object")
    unknown = set(document) - {"Version", "Id", "Statement"}
    if unknown:
        raise MalformedPolicy(f"the policy has an unknown element {min(unknown)!r}")
    version = document.get("Version", "2008-10-17")
    if version not in ("2012-10-17", "2008-10-17"):
        raise MalformedPolicy(f"Version {version!r} is neither 2012-10-17 nor 2008-10-17")
    found: Any = document.get("Statement", ())
    statements = cast(list[Any], found if isinstance(found, list) else [found])
    if not statements or found == ():
        raise MalformedPolicy("the policy has no Statement")
    return Policy(
        tuple(
            _statement(each, number, kind, expand, version == "2012-10-17")
            for number, each in enumerate(statements, 1)
        )
    )


def _statement(
    statement: Any, number: int, kind: Kind, expand: Callable[[str], str], variables: bool
) -> Statement:
    if not isinstance(statement, dict):
        raise MalformedPolicy(f"statement {number} is not an object")
    given = cast(dict[str, Any], statement)
    name = str(given.get("Sid") or number)
    try:
        unknown = set(given) - _STATEMENT
        if unknown:
            raise ValueError(f"unknown element {min(unknown)!r}")
        effect = given.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise ValueError("Effect must be Allow or Deny")
        tests = [
            *_principals(given, kind),
            _actions(given),
            *_resources(given, kind, expand, variables),
            *_conditions(given, variables),
        ]
    except ValueError as error:
        raise MalformedPolicy(f"statement {name}: {error}") from None
    return Statement(name, effect == "Deny", tuple(tests))


Test = Callable[[Question], bool]


def _one_of(given: Mapping[str, Any], name: str) -> tuple[Any, bool] | None:
    """An element or its `Not` form, and whether it is the latter. Raises `ValueError`."""
    if name in given and "Not" + name in given:
        raise ValueError(f"{name} and Not{name} exclude each other")
    if name in given:
        return given[name], False
    return (given["Not" + name], True) if "Not" + name in given else None


def _texts(value: Any, name: str) -> tuple[str, ...]:
    """A text or a list of texts; numbers and booleans count as theirs. Raises `ValueError`."""
    items = cast(list[Any], value if isinstance(value, list) else [value])
    texts: list[str] = []
    for item in items:
        if isinstance(item, bool):
            texts.append("true" if item else "false")
        elif isinstance(item, str | int | float):
            texts.append(str(item))
        else:
            raise ValueError(f"{name} must be text or a list of texts")
    if not texts:
        raise ValueError(f"{name} is empty")
    return tuple(texts)


_WILD = re.compile(r"[*?]")
_PREFIX = re.compile(r"[^*?]*\*")


def _actions(given: Mapping[str, Any]) -> Test:
    found = _one_of(given, "Action")
    if found is None:
        raise ValueError("Action or NotAction is needed")
    value, negated = found
    texts = _texts(value, "Action")
    for text in texts:
        if text != "*" and ":" not in text:
            raise ValueError(f"action {text!r} must be service:action")
    exact = frozenset(text.lower() for text in texts if not _WILD.search(text))
    prefixes = tuple(text[:-1].lower() for text in texts if _PREFIX.fullmatch(text))
    matches = [
        matcher(text, ignore_case=True, variables=False)
        for text in texts
        if _WILD.search(text) and not _PREFIX.fullmatch(text)
    ]

    def test(question: Question) -> bool:
        action = question.action.lower()
        found = (
            action in exact
            or action.startswith(prefixes)
            or any(match(question.action, {}) for match in matches)
        )
        return found is not negated

    return test


def _resources(
    given: Mapping[str, Any], kind: Kind, expand: Callable[[str], str], variables: bool
) -> list[Test]:
    found = _one_of(given, "Resource")
    if found is None:
        if kind == "identity":
            raise ValueError("Resource or NotResource is needed")
        return []
    value, negated = found
    matches: list[Match] = []
    for text in _texts(value, "Resource"):
        full = expand(text)
        matches.append(arn_matcher(full if variables else _without_variables(full)))

    def test(question: Question) -> bool:
        return any(match(question.resource, question.context) for match in matches) is not negated

    return [test]


def _without_variables(text: str) -> str:
    """In the old version of the language `${…}` is no variable."""
    return text.replace("${", "${$}{")


def _conditions(given: Mapping[str, Any], variables: bool) -> list[Test]:
    block = given.get("Condition", {})
    if not isinstance(block, dict):
        raise ValueError("Condition must be an object")
    compiled: list[Condition] = []
    for operator, keys in cast(dict[str, Any], block).items():
        if not isinstance(keys, dict):
            raise ValueError(f"Condition {operator} must be an object")
        for key, values in cast(dict[str, Any], keys).items():
            texts = _texts(values, key)
            if not variables:
                texts = tuple(_without_variables(text) for text in texts)
            compiled.append(compile_condition(operator, key, texts))
    return [_condition(each) for each in compiled]


def _condition(condition: Condition) -> Test:
    return lambda question: condition(question.context)


def _principals(given: Mapping[str, Any], kind: Kind) -> list[Test]:
    found = _one_of(given, "Principal")
    if kind == "identity":
        if found is not None:
            raise ValueError("an identity's policy must not have a Principal")
        return []
    if found is None:
        raise ValueError("Principal or NotPrincipal is needed")
    value, negated = found
    test = _principal(value)
    return [lambda question: test(question.caller) is not negated]


def _principal(value: Any) -> Callable[[Caller], bool]:
    if value == "*":
        return lambda caller: True
    if not isinstance(value, dict):
        raise ValueError('Principal must be "*" or an object')
    tests: list[Callable[[Caller], bool]] = []
    for kind, named in cast(dict[str, Any], value).items():
        if kind not in _PRINCIPALS:
            raise ValueError(f"{kind!r} is not a kind of principal")
        for text in _texts(named, kind):
            tests.append(_named(kind, text))
    return lambda caller: any(test(caller) for test in tests)


def _named(kind: str, text: str) -> Callable[[Caller], bool]:
    if kind == "Service":
        return lambda caller: caller.service == text
    if kind == "Federated":
        return lambda caller: bool(caller.federated) and caller.federated == text
    if kind == "CanonicalUser":
        return lambda caller: False
    if text == "*":
        return lambda caller: True
    account = text if text.isdigit() else ""
    if text.startswith("arn:") and text.endswith(":root"):
        account = text.split(":")[4]
    if account:
        return lambda caller: caller.account == account
    if "*" in text or "?" in text:
        raise ValueError(f"principal {text!r}: wildcards are not allowed in a principal's name")
    return lambda caller: text in caller.arns
