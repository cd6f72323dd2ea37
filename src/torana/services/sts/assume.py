"""Turning one identity into a session of a role: who is trusted, for how long, within what.

Source: STS API Reference, "AssumeRole"; IAM User Guide, "Pass session tags in AWS STS".
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import structs

from torana.auth.grants import decide
from torana.auth.keys import new_access_key_id, new_secret_access_key
from torana.auth.policy import Caller, Question, evaluate
from torana.auth.wildcard import Values
from torana.services.iam.directory import Known
from torana.services.iam.documents import checked
from torana.services.iam.identities import Identities
from torana.services.iam.names import Json
from torana.services.iam.tokens import Session
from torana.services.ports import Principal
from torana.wire.faults import ServiceError

_CHAINED = 3600
_PACKED = 2048
_TAGS = 50


def wrong(message: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("ValidationError", message, status=400)


def denied(message: str) -> ServiceError:
    """The caller may not."""
    return ServiceError("AccessDenied", message, status=403)


def lasting(params: Json, longest: int, *, chained: bool = False) -> float:
    """Seconds of a session. Raises the service's error."""
    seconds = params.get("DurationSeconds") or min(3600, longest)
    if chained and seconds > _CHAINED:
        raise wrong(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )
    if seconds > longest:
        raise wrong(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return seconds


def asked_tags(params: Json, before: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """A session's tags, with those that come along from the session before; which go on."""
    given = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    if len({key.lower() for key in given}) < len(params.get("Tags") or ()):
        raise wrong("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if len(given) > _TAGS:
        raise wrong(f"A session can have at most {_TAGS} tags")
    kept = {key: value for key, value in before.items() if key != "aws:sourceidentity"}
    for key in given:
        if key.lower() in {each.lower() for each in kept}:
            raise denied(f"The tag {key} is transitive and cannot be changed in this session")
    going_on = tuple(params.get("TransitiveTagKeys") or ())
    for key in going_on:
        if key not in given:
            raise wrong(f"The transitive tag key {key} is not among the tags of the request")
    return {**kept, **given}, (*kept, *going_on)


def session_policies(
    params: Json, identities: Identities
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a session is to be bounded by. Raises the service's errors."""
    own = (checked(params["Policy"]),) if params.get("Policy") else ()
    managed = tuple(each["arn"] for each in params.get("PolicyArns") or ())
    for place in managed:
        if identities.directory.document(place) is None:
            raise wrong(f"Policy {place} does not exist or is not attachable.")
    if sum(map(len, own)) > _PACKED:
        raise ServiceError(
            "PackedPolicyTooLarge",
            f"Packed policy consumes more than 100% of allotted space ({_PACKED} characters)",
            status=400,
        )
    return own, managed


def trust_context(params: Json, context: Values) -> dict[str, str | tuple[str, ...]]:
    """The condition keys of a request to assume a role."""
    found: dict[str, str | tuple[str, ...]] = dict(context)
    for key, member in (
        ("sts:rolesessionname", "RoleSessionName"),
        ("sts:externalid", "ExternalId"),
        ("sts:sourceidentity", "SourceIdentity"),
    ):
        if params.get(member):
            found[key] = params[member]
    tags: list[Json] = params.get("Tags") or []
    if tags:
        found |= {f"aws:requesttag/{tag['Key'].lower()}": tag["Value"] for tag in tags}
        found["aws:tagkeys"] = tuple(tag["Key"] for tag in tags)
    if params.get("TransitiveTagKeys"):
        found["sts:transitivetagkeys"] = tuple(params["TransitiveTagKeys"])
    return found


def actions_of(params: Json, action: str) -> list[str]:
    """Everything that the trust policy must allow for such a request."""
    found = [action]
    if params.get("Tags"):
        found.append("sts:TagSession")
    if params.get("SourceIdentity"):
        found.append("sts:SetSourceIdentity")
    return found


def may_assume(who: Principal, role: Known, action: str, context: Values) -> bool:
    """Whether the role trusts the caller, and the caller may.

    A trust policy that names the caller is enough; one that names the account leaves it to the
    caller's own policies.
    """
    if role.trust is None:
        return False
    whole = {**context, **who.grants.facts}
    question = Question(action, role.arn, who.caller, whole)
    if not evaluate([role.trust], question).allowed:
        return False
    return decide(who.grants, question, (role.trust,)).allowed


def trusts_federated(role: Known, provider: str, action: str, context: Values) -> bool:
    """Whether the role trusts whom a provider vouches for."""
    question = Question(action, role.arn, Caller(federated=provider), context)
    return role.trust is not None and evaluate([role.trust], question).allowed


def new_session(kind: str, name: str, owner: str, seconds: float) -> Session:
    """A session that begins now."""
    now = time.time()
    return Session(
        new_access_key_id("ASIA"), new_secret_access_key(), kind, name, owner, now, now + seconds
    )


def shown(session: Session, token: str) -> Json:
    """Credentials as the wire takes them."""
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret,
        "SessionToken": token,
        "Expiration": datetime.fromtimestamp(int(session.expires), UTC),
    }


def of_role(
    role: Known, params: Json, identities: Identities, before: Mapping[str, str], seconds: float
) -> Session:
    """A session of a role, as asked for. Raises the service's errors."""
    tags, transitive = asked_tags(params, before)
    own, managed = session_policies(params, identities)
    source = before.get("aws:sourceidentity", "")
    if source and params.get("SourceIdentity", source) != source:
        raise denied("The source identity of a session cannot be changed")
    return structs.replace(
        new_session("role", role.name, role.id, seconds),
        session=params["RoleSessionName"],
        policies=own,
        managed=managed,
        tags=tags,
        transitive=transitive,
        source_identity=params.get("SourceIdentity") or source,
    )
