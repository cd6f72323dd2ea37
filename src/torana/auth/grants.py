"""What an identity may do: its policies, and what bounds them, in the documented order.

An explicit deny of anybody wins. Then an allow is needed of the identity's policies, within its
permissions boundary and its session's policies, or of the resource's own policy. Within an account
a resource's policy that names the identity is enough; one that names the account only hands the
decision to the identity's policies.

Source: IAM User Guide, "Policy evaluation logic" and "How permissions boundaries work".
"""

from msgspec import Struct, structs

from torana.auth.policy import Policy, Question, evaluate
from torana.auth.wildcard import Values

IDENTITY = "identity-based policy"
BOUNDARY = "permissions boundary"
SESSION = "session policy"
RESOURCE = "resource-based policy"


class Grants(Struct, frozen=True):
    """Compiled policies of an identity. None: there is no such bound."""

    policies: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    root: bool = False
    """The account's own: may do what no resource's policy denies."""
    facts: Values = {}
    """Condition keys about the identity, such as `aws:principalarn`."""

    def denies(self) -> bool:
        """Whether any of its policies may deny something."""
        policies = (*self.policies, *(self.boundary or ()), *(self.session or ()))
        return any(policy.denies() for policy in policies)


NOTHING = Grants()


class Verdict(Struct, frozen=True):
    """Whether it may be done; if not, which kind of policy is the reason."""

    allowed: bool
    explicit: bool = False
    """A statement denies it; else none allows it."""
    kind: str = ""
    by_identity: bool = False
    """The identity's own policies allow it."""
    by_resource: bool = False
    """The resource's policy names the identity itself."""


def decide(grants: Grants, question: Question, resource: tuple[Policy, ...] = ()) -> Verdict:
    """What all policies together say. `question.context` needs the facts only of the request."""
    asked = question
    if grants.facts:
        asked = structs.replace(question, context={**question.context, **grants.facts})
    effects: dict[str, str] = {}
    for kind, policies in (
        (IDENTITY, grants.policies),
        (BOUNDARY, grants.boundary),
        (SESSION, grants.session),
        (RESOURCE, resource),
    ):
        effects[kind] = "allow" if policies is None else evaluate(policies, asked).effect
        if effects[kind] == "deny":
            return Verdict(False, True, kind)
    if grants.root:
        return Verdict(True, by_identity=True)
    named = effects[RESOURCE] == "allow" and _names(resource, asked, asked.caller.arns)
    if named and _names(resource, asked, asked.caller.arns[:1]):
        return Verdict(True, by_resource=True)
    for kind in (BOUNDARY, SESSION):
        if effects[kind] != "allow":
            return Verdict(False, False, kind)
    own = effects[IDENTITY] == "allow"
    if own or named:
        return Verdict(True, by_identity=own, by_resource=named)
    return Verdict(False, False, IDENTITY)


def _names(resource: tuple[Policy, ...], asked: Question, arns: tuple[str, ...]) -> bool:
    """Whether a resource's policy allows these ARNs themselves, not only their account."""
    caller = structs.replace(asked.caller, arns=arns, account="")
    return evaluate(resource, structs.replace(asked, caller=caller)).allowed


def refusal(who: str, action: str, resource: str, verdict: Verdict) -> str:
    """The services' words for what may not be done."""
    said = f"User: {who} is not authorized to perform: {action} on resource: {resource}"
    if verdict.explicit:
        article = "an" if verdict.kind == IDENTITY else "a"
        return f"{said} with an explicit deny in {article} {verdict.kind}"
    return f"{said} because no {verdict.kind} allows the {action} action"
