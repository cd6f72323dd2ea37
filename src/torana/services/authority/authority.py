"""The one place where calls of services are allowed or denied."""

from collections.abc import Callable
from urllib.parse import unquote

from msgspec import Struct, structs

from torana.auth.conditions import ANYWHERE
from torana.auth.grants import decide, refusal
from torana.auth.policy import Policy, Question
from torana.message import Request
from torana.services.authority.actions import FREE, action_of, prefix_of
from torana.services.authority.conditions import Context, conditions, of_params
from torana.services.authority.objects import objects
from torana.services.authority.passing import SERVICES, passed
from torana.services.authority.resources import Place, kms_key, resources
from torana.services.ports import Principal
from torana.wire.contract import Asked, Contract
from torana.wire.faults import ServiceError

_CODES = {
    "json": ("AccessDeniedException", 400),
    "smithy-rpc-v2-cbor": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
    "query": ("AccessDenied", 403),
    "rest-xml": ("AccessDenied", 403),
}
_COPIES = frozenset({"CopyObject", "UploadPartCopy"})


def _no_policy(arn: str) -> tuple[Policy, ...]:
    del arn
    return ()


class Denied(Struct, frozen=True):
    """What was not allowed, for the audit."""

    action: str
    resource: str
    message: str


class Authority:
    """Judges every call by all policies that speak of it. Nothing here waits."""

    def __init__(
        self,
        account: str = "",
        region: str = "",
        resource_policies: Callable[[str], tuple[Policy, ...]] = _no_policy,
        alias: Callable[[str], str | None] = lambda name: None,
        entity: Callable[[str, str], str] = lambda kind, name: f"{kind}/{name}",
        acting: Callable[[str, str], Principal | None] = lambda role, service: None,
    ) -> None:
        """`resource_policies` finds those of a resource by its ARN; `acting` says what a service
        may as a role, None: it may not take it; the others are `Place`'s."""
        self._account, self._region, self._find = account, region, resource_policies
        self._alias, self._entity, self._acting = alias, entity, acting

    def judge(
        self,
        contract: Contract,
        asked: Asked,
        who: Principal,
        request: Request,
        region: str,
        source: Context | None = None,
    ) -> Denied | None:
        """None: it may be done. `source`: condition keys about who the caller calls for."""
        prefix = prefix_of(contract.name, contract.service.metadata.signs_as())
        action = action_of(prefix, asked)
        if action in FREE or asked.operation.authtype == "none":
            return None
        context = {**conditions(request, region), **of_params(prefix, asked.params)}
        if source:
            context |= source
        own = self._region or region
        place = Place(region, own, self._account, who.arn, self._alias, self._entity)
        for resource in resources(prefix, asked, place):
            denied = self._ask(who, action, resource, context)
            if denied is not None:
                return denied
        for extra, resource in _also(prefix, asked, place):
            denied = self._ask(who, extra, resource, context)
            if denied is not None:
                return denied
        service = SERVICES.get(prefix, f"{prefix}.amazonaws.com")
        roles = passed(prefix, asked)
        for role in roles:
            told = {**context, "iam:passedtoservice": service}
            denied = self._ask(who, "iam:PassRole", role, told)
            if denied is not None:
                return denied
        return self._objects(prefix, asked, who, roles, service, context)

    def _objects(
        self,
        prefix: str,
        asked: Asked,
        who: Principal,
        roles: set[str],
        service: str,
        context: Context,
    ) -> Denied | None:
        """The objects that the service touches, as the role that it is given, or as the caller."""
        needs = objects(prefix, asked)
        if needs and roles and prefix != "lambda":
            role = min(roles)
            found = self._acting(role, service)
            if found is None:
                text = f"{service} is not authorized to assume the role {role}"
                return Denied("sts:AssumeRole", role, text)
            who = found
        for action, resource in needs:
            denied = None if who.grants.root else self._ask(who, action, resource, context)
            if denied is not None:
                return denied
        return None

    def may(
        self, who: Principal, action: str, resource: str, request: Request, region: str
    ) -> Denied | None:
        """For what no operation of a model stands for. None: it may be done."""
        return self._ask(who, action, resource, conditions(request, region))

    def _ask(self, who: Principal, action: str, resource: str, context: Context) -> Denied | None:
        question = Question(action, resource, who.caller, context)
        # A resource is the same in every region here: it has one policy, and what is denied in one
        # region is denied in all.
        pieces = resource.split(":", 5)
        regional = len(pieces) == 6 and bool(pieces[3])
        home = ":".join((*pieces[:3], self._region, *pieces[4:])) if regional else resource
        own = self._find(home)
        verdict = decide(who.grants, question, own)
        denies = who.grants.denies() or any(policy.denies() for policy in own)
        if verdict.allowed and regional and denies:
            anywhere = ":".join((*pieces[:3], ANYWHERE, *pieces[4:]))
            again = decide(who.grants, structs.replace(question, resource=anywhere), own)
            verdict = again if again.explicit else verdict
        if verdict.allowed:
            return None
        return Denied(action, resource, refusal(who.arn, action, resource, verdict))


def refused(denied: Denied, protocol: str) -> ServiceError:
    """What the client is told."""
    code, status = _CODES[protocol]
    return ServiceError(code, denied.message, status=status)


def _also(prefix: str, asked: Asked, place: Place) -> list[tuple[str, str]]:
    """Further actions that an operation needs."""
    if prefix == "s3" and asked.operation.name in _COPIES:
        given = str(asked.params.get("CopySource") or "").partition("?")[0]
        return [("s3:GetObject", f"arn:aws:s3:::{unquote(given).removeprefix('/')}")]
    if prefix == "kms" and asked.operation.name == "ReEncrypt":
        key = kms_key(str(asked.params.get("DestinationKeyId") or "*"), place)
        return [("kms:ReEncryptTo", key)]
    return []
