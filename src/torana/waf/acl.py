"""Web ACLs: rules in order of priority, until one ends the evaluation.

Source: WAF Developer Guide, "Web ACL rule and rule group evaluation", "Using labels on web
requests" and "Customized web requests and responses in AWS WAF".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

from torana.message import Headers, Reply
from torana.waf.faults import BadRule
from torana.waf.inspected import Inspected
from torana.waf.statements import Compiled, Predicate, Scope, World, compile_statement

Json = dict[str, Any]
_TYPES = {
    "TEXT_PLAIN": "text/plain",
    "TEXT_HTML": "text/html",
    "APPLICATION_JSON": "application/json",
}
INSERTED = "x-amzn-waf-"
"""Before the name of a header that a rule adds."""
_ACTIONS = ("Allow", "Block", "Count")
_REFUSED = ("Captcha", "Challenge")


class Groups(World, Protocol):
    """What web ACLs refer to."""

    def rule_group(self, arn: str) -> tuple[Sequence[Json], str, Mapping[str, Json]]:
        """Its rules, the prefix of their labels, and its response bodies. Raises `BadRule`."""
        ...

    def managed(self, vendor: str, name: str) -> tuple[Sequence[Json], str, int]:
        """Rules, prefix and capacity of a managed group. Raises `BadRule`."""
        ...


class Action(Struct, frozen=True):
    """What a rule does with what it matches."""

    kind: str
    """Allow, Block or Count."""
    status: int = 0
    """Of a response of its own; 0 for the API's."""
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    inserts: tuple[tuple[str, str], ...] = ()

    def reply(self) -> Reply | None:
        """The response of its own, made anew."""
        return Reply(self.status, Headers(list(self.fields)), self.body) if self.status else None


class Hit(Struct, frozen=True):
    """A rule that matched. `rule` is its name in the web ACL, `inner` the one within its group."""

    rule: str
    action: str
    inner: str = ""


class Verdict(Struct):
    """What is to become of a request."""

    action: Action
    by: Hit | None = None
    """None: no rule ended it, the default action did."""
    counted: list[Hit] = field(default_factory=list[Hit])
    inserts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class Rule(Struct, frozen=True):
    """A rule, or all of a rule group (`rules`)."""

    name: str
    matches: Predicate
    action: Action
    labels: tuple[str, ...] = ()
    rules: "tuple[Rule, ...] | None" = None
    within: Predicate | None = None
    """Of a managed group: which requests it looks at."""
    counts: bool = False
    """Of a rule group: whatever its rules say is only counted."""


class Acl(Struct, frozen=True):
    """A web ACL, ready to be asked."""

    arn: str
    name: str
    rules: tuple[Rule, ...]
    default: Action
    capacity: int
    body_limit: int

    def judge(self, request: Inspected) -> Verdict:
        """Evaluate every rule in turn."""
        verdict = Verdict(self.default)
        for rule in self.rules:
            hit = _group(rule, request, verdict) if rule.rules is not None else None
            if rule.rules is None and rule.matches(request):
                request.labels.update(rule.labels)
                hit = (rule.action, Hit(rule.name, rule.action.kind))
            if hit is None:
                continue
            action, by = hit
            if action.kind == "Count":
                verdict.counted.append(by)
                verdict.inserts += action.inserts
            else:
                verdict.action, verdict.by = action, by
                break
        verdict.inserts += verdict.action.inserts
        return verdict


def _group(rule: Rule, request: Inspected, verdict: Verdict) -> tuple[Action, Hit] | None:
    """The first rule of a group that ends it."""
    if rule.within is not None and not rule.within(request):
        return None
    for inner in rule.rules or ():
        if not inner.matches(request):
            continue
        request.labels.update(inner.labels)
        if inner.action.kind == "Count":
            verdict.counted.append(Hit(rule.name, "Count", inner.name))
            verdict.inserts += inner.action.inserts
            continue
        hit = Hit(rule.name, "Count" if rule.counts else inner.action.kind, inner.name)
        return (Action("Count") if rule.counts else inner.action), hit
    return None


class _Maker:
    """Compiles the rules of one web ACL or rule group."""

    def __init__(self, name: str, prefix: str, bodies: Mapping[str, Json], world: Groups) -> None:
        self._name, self._prefix, self._bodies, self._world = name, prefix, bodies, world
        self.cost = 0

    def rules(self, given: Sequence[Json], *, groups: bool = True) -> tuple[Rule, ...]:
        names = [each["Name"] for each in given]
        priorities = [each["Priority"] for each in given]
        for what, all_of in (("name", names), ("priority", priorities)):
            if len(set(all_of)) != len(all_of):
                raise BadRule("RULE", str(all_of), f"Every rule needs a {what} of its own.")
        ordered = sorted(given, key=lambda one: one["Priority"])
        return tuple(self._rule(each, groups) for each in ordered)

    def _rule(self, given: Json, groups: bool) -> Rule:
        statement: Json = given["Statement"]
        kind = next(iter(statement), "")
        if kind in ("RuleGroupReferenceStatement", "ManagedRuleGroupStatement"):
            if not groups:
                raise BadRule("STATEMENT", kind, "A rule group cannot hold another.")
            return self._referred(given, kind, statement[kind])
        if "Action" not in given:
            raise BadRule("RULE", given["Name"], "The rule needs an Action.")
        made = self._compile(statement, given["Name"])
        self.cost += made.cost
        labels = tuple(self._prefix + each["Name"] for each in given.get("RuleLabels", ()))
        return Rule(given["Name"], made.matches, self.action(given["Action"]), labels)

    def _compile(self, statement: Json, rule: str) -> Compiled:
        return compile_statement(
            statement, Scope(self._world, f"{self._name}/{rule}", self._prefix)
        )

    def _referred(self, given: Json, kind: str, asked: Json) -> Rule:
        if "OverrideAction" not in given or "Action" in given:
            raise BadRule("RULE", given["Name"], "A rule group needs OverrideAction, not Action.")
        if kind == "ManagedRuleGroupStatement":
            own, prefix, cost = self._world.managed(asked["VendorName"], asked["Name"])
            maker = _Maker(f"{self._name}/{given['Name']}", prefix, {}, self._world)
            rules = maker.rules(own, groups=False)
            self.cost += cost
        else:
            own, prefix, bodies = self._world.rule_group(asked["ARN"])
            maker = _Maker(f"{self._name}/{given['Name']}", prefix, bodies, self._world)
            rules = maker.rules(own, groups=False)
            self.cost += maker.cost
        within = asked.get("ScopeDownStatement")
        down = self._compile(within, given["Name"]) if within else None
        self.cost += down.cost if down else 0
        return Rule(
            given["Name"],
            lambda request: False,
            Action("Count"),
            rules=self._overridden(rules, asked),
            within=down.matches if down else None,
            counts="Count" in given["OverrideAction"],
        )

    def _overridden(self, rules: tuple[Rule, ...], asked: Json) -> tuple[Rule, ...]:
        """As the one who refers to the group wants its rules to act."""
        wanted: dict[str, Json] = {
            each["Name"]: {"Count": {}} for each in asked.get("ExcludedRules", ())
        }
        wanted |= {
            each["Name"]: each["ActionToUse"] for each in asked.get("RuleActionOverrides", ())
        }
        unknown = wanted.keys() - {rule.name for rule in rules}
        if unknown:
            raise BadRule("RULE_ACTION_OVERRIDES", min(unknown), "The group has no such rule.")
        return tuple(
            Rule(rule.name, rule.matches, self.action(wanted[rule.name]), rule.labels)
            if rule.name in wanted
            else rule
            for rule in rules
        )

    def action(self, given: Json) -> Action:
        kind = next(iter(given), "")
        if kind in _REFUSED:
            raise BadRule(
                "RULE_ACTION", kind, "Puzzles and silent challenges are the service's own pages."
            )
        if len(given) != 1 or kind not in _ACTIONS:
            raise BadRule("RULE_ACTION", str(sorted(given)), f"One of {', '.join(_ACTIONS)}.")
        asked: Json = given[kind] or {}
        handling: Json = asked.get("CustomRequestHandling") or {}
        inserts = tuple(
            (INSERTED + each["Name"], each["Value"]) for each in handling.get("InsertHeaders", ())
        )
        custom: Json | None = asked.get("CustomResponse")
        if custom is None:
            return Action(kind, inserts=inserts)
        fields = [(each["Name"], each["Value"]) for each in custom.get("ResponseHeaders", ())]
        body = b""
        key = custom.get("CustomResponseBodyKey")
        if key is not None:
            if key not in self._bodies:
                raise BadRule("CUSTOM_RESPONSE", key, "There is no such custom response body.")
            content = self._bodies[key]
            body = content["Content"].encode()
            fields.append(("Content-Type", _TYPES[content["ContentType"]]))
        return Action(kind, custom["ResponseCode"], tuple(fields), body)


_LIMITS = {"KB_16": 16, "KB_32": 32, "KB_48": 48, "KB_64": 64}


def compile_acl(document: Json, prefix: str, world: Groups) -> Acl:
    """A web ACL as the API has it. Raises `BadRule`."""
    maker = _Maker(document["ARN"], prefix, document.get("CustomResponseBodies") or {}, world)
    rules = maker.rules(document.get("Rules") or ())
    association: Json = document.get("AssociationConfig") or {}
    sizes: Json = association.get("RequestBody") or {}
    own: Json = sizes.get("API_GATEWAY") or {}
    asked: str = own.get("DefaultSizeInspectionLimit", "KB_16")
    return Acl(
        document["ARN"],
        document["Name"],
        rules,
        maker.action(document["DefaultAction"]),
        maker.cost,
        _LIMITS[asked] * 1024,
    )


def capacity(
    rules: Sequence[Json], name: str, prefix: str, bodies: Mapping[str, Json], world: Groups
) -> int:
    """The WCUs of rules. Raises `BadRule`."""
    maker = _Maker(name, prefix, bodies, world)
    maker.rules(rules)
    return maker.cost
