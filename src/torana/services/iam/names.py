"""What identities are called: kinds in the store, ARNs, ids, and the service's errors.

Source: IAM User Guide, "IAM identifiers" and "IAM and AWS STS quotas"; IAM API Reference.
"""

import secrets
import string
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from torana.wire.faults import ServiceError

Json = dict[str, Any]

USER, GROUP, ROLE, POLICY = "iam-user", "iam-group", "iam-role", "iam-policy"
"""Under the name in lower case: names differ by more than that."""
KEY = "iam-access-key"
"""Under its id, with its secret, sealed."""
USED = "iam-used"
"""Under a key's id: when, where and for what it was last used."""
PROFILE, PROVIDER, ACCOUNT = "iam-instance-profile", "iam-oidc-provider", "iam-account"

ENDED = "iam-ended"
"""Credentials of functions that are over before their time."""
KINDS = (USER, GROUP, ROLE, POLICY, KEY, PROVIDER, ENDED)
"""What decides who may do what."""

_ALPHABET = string.ascii_uppercase + string.digits
_PREFIXES = {USER: "AIDA", GROUP: "AGPA", ROLE: "AROA", POLICY: "ANPA", PROFILE: "AIPA"}
_PLACES = {
    USER: "user",
    GROUP: "group",
    ROLE: "role",
    POLICY: "policy",
    PROFILE: "instance-profile",
}
SAID = {
    USER: "user",
    GROUP: "group",
    ROLE: "role",
    POLICY: "policy",
    PROFILE: "instance profile",
}
PAGE = 100


def new_id(kind: str) -> str:
    """An id that is never given again."""
    return _PREFIXES[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(17))


def arn(account: str, kind: str, entity: Json) -> str:
    """Of an identity or a managed policy."""
    return f"arn:aws:iam::{account}:{_PLACES[kind]}{entity['Path']}{entity['Name']}"


def moment(seconds: float) -> datetime:
    """A time as the wire takes it."""
    return datetime.fromtimestamp(int(seconds), UTC)


def shown_tags(tags: dict[str, str]) -> list[Json]:
    """Tags as the wire takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def encoded(document: str) -> str:
    """A policy as the service shows it. Source: RFC 3986."""
    return quote(document, safe="")


def page(items: Iterable[Json], params: Json, members: str, by: str) -> Json:
    """A page of a list, by `Marker` and `MaxItems`."""
    after = params.get("Marker")
    ordered = sorted(items, key=lambda item: str(item[by]))
    rest = [item for item in ordered if not after or str(item[by]) > after]
    limit = params.get("MaxItems") or PAGE
    answer: Json = {members: rest[:limit], "IsTruncated": len(rest) > limit}
    if len(rest) > limit:
        answer["Marker"] = str(rest[limit - 1][by])
    return answer


def missing(message: str) -> ServiceError:
    """There is no such thing."""
    return ServiceError("NoSuchEntity", message, status=404)


def no(kind: str, name: str) -> ServiceError:
    """There is no identity of that name."""
    if kind == PROFILE:
        return missing(f"Instance Profile {name} cannot be found.")
    return missing(f"The {SAID[kind]} with name {name} cannot be found.")


def exists(message: str) -> ServiceError:
    """The name is taken."""
    return ServiceError("EntityAlreadyExists", message, status=409)


def in_use(message: str) -> ServiceError:
    """It cannot be deleted yet."""
    return ServiceError("DeleteConflict", message, status=409)


def invalid(message: str) -> ServiceError:
    """An input that cannot be."""
    return ServiceError("InvalidInput", message, status=400)


def malformed(message: str) -> ServiceError:
    """A policy that cannot be."""
    return ServiceError("MalformedPolicyDocument", message, status=400)


def over(quota: str, limit: int) -> ServiceError:
    """One more than the account may have."""
    return ServiceError("LimitExceeded", f"Cannot exceed quota for {quota}: {limit}", status=409)
