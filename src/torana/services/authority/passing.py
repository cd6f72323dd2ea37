"""Roles that a caller hands to a service, which needs `iam:PassRole`: else whoever may make a
function could act as any role.

Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
"""

import re
from collections.abc import Iterator
from typing import Any, cast

from torana.wire.contract import Asked

_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}")
_MEMBERS = frozenset(
    {
        "role",
        "rolearn",
        "credentials",
        "credentialsarn",
        "authorizercredentials",
        "authorizercredentialsarn",
        "dataaccessrolearn",
        "executionrolearn",
        "servicerolearn",
        "cloudwatchrolearn",
        "invocationrole",
    }
)
_PATHS = ("/credentials", "/authorizerCredentials", "/cloudwatchRoleArn")
_DEEPEST = 8
SERVICES = {
    "apigateway": "apigateway.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "comprehend": "comprehend.amazonaws.com",
    "transcribe": "transcribe.amazonaws.com",
    "lex": "lexv2.amazonaws.com",
    "personalize": "personalize.amazonaws.com",
    "sagemaker": "sagemaker.amazonaws.com",
    "cognito-idp": "cognito-idp.amazonaws.com",
    "bedrock": "bedrock.amazonaws.com",
}
"""By IAM prefix: whom a role is handed to."""
_NOT = frozenset({"iam", "sts", "kms"})
"""Services whose parameters speak of roles without taking them."""


def passed(prefix: str, asked: Asked) -> set[str]:
    """The ARNs of the roles that a request hands over."""
    if prefix in _NOT:
        return set()
    found = set(_walk(asked.params, 0))
    for member in ("body", "Body"):
        text = asked.params.get(member)
        if prefix == "apigateway" and text:
            # A definition: whatever role it speaks of may become an integration's.
            whole = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
            found.update(_ROLE.findall(whole))
    return found


def _walk(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        members = cast(dict[str, Any], value)
        if str(members.get("path", "")).endswith(_PATHS):
            yield from _of_text(members.get("value"))
        for name, each in members.items():
            if name.lower() in _MEMBERS:
                yield from _of_text(each)
            if isinstance(each, dict | list):
                yield from _walk(each, depth + 1)
    elif isinstance(value, list):
        for each in cast(list[Any], value):
            yield from _walk(each, depth + 1)


def _of_text(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _ROLE.findall(value)
