"""The condition keys of a request to a service.

Source: IAM User Guide, "AWS global condition context keys".
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from torana.message import Request

Json = dict[str, Any]
Context = dict[str, str | tuple[str, ...]]

_PARAMS: Mapping[str, Mapping[str, str]] = {
    "s3": {
        "Prefix": "s3:prefix",
        "Delimiter": "s3:delimiter",
        "MaxKeys": "s3:max-keys",
        "VersionId": "s3:versionid",
        "ACL": "s3:x-amz-acl",
        "ServerSideEncryption": "s3:x-amz-server-side-encryption",
        "StorageClass": "s3:x-amz-storage-class",
    },
    "iam": {"PolicyArn": "iam:policyarn", "PermissionsBoundary": "iam:permissionsboundary"},
    "lambda": {
        "FunctionUrlAuthType": "lambda:functionurlauthtype",
        "Principal": "lambda:principal",
        "AuthType": "lambda:functionurlauthtype",
    },
    "kms": {"KeySpec": "kms:keyspec", "KeyUsage": "kms:keyusage"},
}
"""By service: what a parameter is called in conditions."""


def conditions(request: Request, region: str) -> Context:
    """What every request has."""
    now = datetime.now(UTC)
    found: Context = {
        "aws:sourceip": request.peer.address,
        "aws:securetransport": "true" if request.peer.scheme == "https" else "false",
        "aws:currenttime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:requestedregion": region,
    }
    for key, header in (("aws:useragent", "user-agent"), ("aws:referer", "referer")):
        value = request.headers.get(header)
        if value is not None:
            found[key] = value
    return found


def of_params(service: str, params: Json) -> Context:
    """What the parameters of an operation add: tags, and the service's own keys."""
    found: Context = {}
    for member, key in _PARAMS.get(service, {}).items():
        value = params.get(member)
        if isinstance(value, bool):
            found[key] = "true" if value else "false"
        elif isinstance(value, str | int):
            found[key] = str(value)
    tags = _tags(params)
    if tags:
        found |= {f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}
    keys = [*tags, *_untagged(params)]
    if keys:
        found["aws:tagkeys"] = tuple(keys)
    return found


def _tags(params: Json) -> dict[str, str]:
    """In any of the forms that services have for tags."""
    found: dict[str, str] = {}
    for member in ("Tags", "tags", "TagList", "UserPoolTags"):
        given: Any = params.get(member)
        if isinstance(given, dict):
            found |= {str(key): str(value) for key, value in cast(Json, given).items()}
        elif isinstance(given, list):
            for each in cast(list[Any], given):
                if isinstance(each, dict):
                    tag = {name.lower(): value for name, value in cast(Json, each).items()}
                    key = tag.get("key", tag.get("tagkey"))
                    if key is not None:
                        found[str(key)] = str(tag.get("value", tag.get("tagvalue", "")))
    return found


def _untagged(params: Json) -> list[str]:
    for member in ("TagKeys", "tagKeys"):
        given: Any = params.get(member)
        if isinstance(given, list):
            return [str(each) for each in cast(list[Any], given)]
    return []
