"""Policy documents as clients bring them: what the service takes, and how it refuses the rest.

Source: IAM User Guide, "IAM JSON policy reference", "Grammar of the IAM JSON policy language".
"""

import re
from typing import Any, cast

import msgspec

from torana.auth.policy import MalformedPolicy, parse
from torana.services.iam.names import Json, malformed, over

_ACTION = re.compile(r"[a-zA-Z0-9-]+:[a-zA-Z0-9*?_-]+")
_SID = re.compile(r"[a-zA-Z0-9]*")
_TRUST = re.compile(
    r"(?i)sts:(assumerole|assumerolewithsaml|assumerolewithwebidentity|tagsession|"
    r"setsourceidentity|setcontext|getwebidentitytoken|\*)|\*"
)
_SERVICES = (".amazonaws.com", ".amazonaws.com.cn")
_PRINCIPAL = re.compile(
    r"\*|\d{12}|arn:[\w-]+:iam::\d{12}:(root|user/.+|role/.+)|arn:[\w-]+:sts::\d{12}:"
    r"(assumed-role|federated-user)/.+|A(?:IDA|ROA)[A-Z0-9]{8,}"
)


def checked(document: str) -> str:
    """An identity's policy that may be kept. Raises the service's error."""
    statements = _statements(document)
    seen: set[str] = set()
    for statement in statements:
        if "Principal" in statement or "NotPrincipal" in statement:
            raise malformed("Policy document should not specify a principal.")
        _common(statement)
        if "Resource" not in statement and "NotResource" not in statement:
            raise malformed("Policy statement must contain resources.")
        for resource in _list(statement.get("Resource", statement.get("NotResource"))):
            if resource != "*" and not str(resource).startswith(("arn:", "*", "${")):
                raise malformed(f'Resource {resource} must be in ARN format or "*".')
        sid = str(statement.get("Sid") or "")
        if not _SID.fullmatch(sid):
            raise malformed(
                "Statement IDs (SID) must be alpha-numeric. Check that your input "
                "satisfies the regular expression [0-9A-Za-z]*"
            )
        if sid and sid in seen:
            raise malformed("Statement IDs (SID) in a single policy must be unique.")
        seen.add(sid)
    _compiles(document, "identity")
    return document


def checked_trust(document: str) -> str:
    """A role's trust policy that may be kept. Raises the service's error."""
    for statement in _statements(document):
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise malformed("AssumeRolepolicy must contain a principal")
        for prohibited in ("Resource", "NotResource"):
            if prohibited in statement:
                raise malformed(f"Has prohibited field {prohibited}")
        _common(statement)
        for action in _list(statement.get("Action", statement.get("NotAction"))):
            if not _TRUST.fullmatch(str(action)):
                raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")
        _principals(statement.get("Principal", statement.get("NotPrincipal")))
    _compiles(document, "resource")
    return document


def _principals(value: Any) -> None:
    if not isinstance(value, dict):
        return
    for kind, named in cast(Json, value).items():
        for text in _list(named):
            if kind == "AWS" and not _PRINCIPAL.fullmatch(str(text)):
                raise malformed(f'Invalid principal in policy: "{kind}":"{text}"')
            if kind == "Service" and not str(text).endswith(_SERVICES):
                raise malformed(f'Invalid principal in policy: "{kind}":"{text}"')


def _common(statement: Json) -> None:
    if "Action" not in statement and "NotAction" not in statement:
        raise malformed("Policy statement must contain actions.")
    for action in _list(statement.get("Action", statement.get("NotAction"))):
        if action != "*" and ":" not in str(action):
            raise malformed(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            )
        if action != "*" and not _ACTION.fullmatch(str(action)):
            raise malformed("The policy failed legacy parsing")


def _statements(document: str) -> list[Json]:
    try:
        found: Any = msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError):
        raise malformed("Syntax errors in policy.") from None
    if not isinstance(found, dict) or "Statement" not in found:
        raise malformed("Syntax errors in policy.")
    version = cast(Json, found).get("Version", "2008-10-17")
    if version not in ("2012-10-17", "2008-10-17"):
        raise malformed("Policy document must be version 2012-10-17 or greater.")
    statements = _list(cast(Json, found)["Statement"])
    if not statements or not all(isinstance(each, dict) for each in statements):
        raise malformed("Syntax errors in policy.")
    return cast(list[Json], statements)


def _compiles(document: str, kind: Any) -> None:
    try:
        parse(document, kind)
    except MalformedPolicy:
        raise malformed("Syntax errors in policy.") from None


def _list(value: Any) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else [value]


def size(document: str) -> int:
    """Characters that count: white space does not."""
    return len("".join(document.split()))


def small(document: str, quota: str, limit: int) -> None:
    """Raises the service's error for a document that is too large."""
    if size(document) > limit:
        raise over(quota, limit)
