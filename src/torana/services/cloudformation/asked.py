"""What a request says of a stack."""

import re
from urllib.parse import unquote, urlsplit

from torana.services.cloudformation.calls import Calls, Refused
from torana.services.cloudformation.faults import Unmade, invalid
from torana.services.cloudformation.prepare import Asked
from torana.services.cloudformation.records import Json, Wanted
from torana.services.cloudformation.template import LARGEST, LARGEST_BODY
from torana.services.members import part

NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_REFUSED = (
    *("NotificationARNs", "RollbackConfiguration", "ResourceTypes", "StackPolicyURL"),
    *("StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL", "ResourcesToImport"),
    "DeploymentMode",
)


async def asked(calls: Calls, params: Json, before: Wanted | None) -> Asked:
    """Raises the service's errors."""
    refuse(params)
    return Asked(
        await template(calls, params, before),
        list(params.get("Parameters") or []),
        tuple(params.get("Capabilities") or ()),
        tags_of(params, before),
        params.get("RoleARN") or (before.role if before else ""),
    )


def refuse(params: Json) -> None:
    """Raises the service's error for what is not supported."""
    for name in _REFUSED:
        value = params.get(name)
        if value and value != {"RollbackTriggers": []} and value != {"MonitoringTimeInMinutes": 0}:
            raise invalid(f"{name} is not supported here")


def keeps_failed(params: Json) -> bool:
    """Whether what fails is left as it is. Raises the service's error for a mode of deployment
    that there is not."""
    config = part(params, "DeploymentConfig")
    if config.get("Mode") not in (None, "STANDARD"):
        raise invalid(f"DeploymentConfig.Mode {config['Mode']} is not supported here")
    return bool(params.get("DisableRollback") or config.get("DisableRollback"))


def tags_of(params: Json, before: Wanted | None) -> dict[str, str]:
    """A stack's tags; without any they stay."""
    if params.get("Tags") is None:
        return dict(before.tags) if before else {}
    found = {each["Key"]: each["Value"] for each in params["Tags"]}
    if any(key.lower().startswith("aws:") for key in found):
        raise invalid("Tags must not begin with aws:")
    return found


async def template(calls: Calls, params: Json, before: Wanted | None = None) -> str:
    """The text of the template. Raises the service's error."""
    body, url = params.get("TemplateBody"), params.get("TemplateURL")
    if body and url:
        raise invalid("Specify only one of TemplateBody and TemplateURL")
    if body:
        if len(body.encode()) > LARGEST_BODY:
            raise invalid(
                "1 validation error detected: Value at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {LARGEST_BODY}"
            )
        return body
    if url:
        return await _fetched(calls, url)
    if params.get("UsePreviousTemplate") and before is not None:
        return before.template
    raise invalid("Either Template URL or Template Body must be specified.")


async def _fetched(calls: Calls, url: str) -> str:
    """From a bucket of this gateway, whichever way its address is written."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    bucket = re.fullmatch(r"(.+)\.s3([.-][a-z0-9-]+)?\.amazonaws\.com(\.cn)?", host)
    if bucket is not None:
        name, key = bucket[1], path
    else:
        name, _, key = path.partition("/")
    if parts.scheme not in ("https", "http", "s3") or not name or not key:
        raise invalid("TemplateURL must be a supported URL.")
    try:
        found = await calls("s3", "GetObject", Bucket=name, Key=key)
    except Refused as error:
        raise invalid(f"S3 error: {error.message or error.code}") from None
    except Unmade as error:
        raise invalid(str(error)) from None
    if len(found["Body"]) > LARGEST:
        raise invalid(f"Template may not exceed {LARGEST} bytes in size.")
    return found["Body"].decode("utf-8", "replace")
