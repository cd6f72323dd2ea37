"""Dynamic references: values that are looked up when a resource is made.

Source: AWS CloudFormation User Guide, "Get values stored in other services using dynamic
references".
"""

import re
from typing import Any, cast

from torana.services.cloudformation.calls import Calls
from torana.services.cloudformation.faults import Unmade

_REFERENCE = re.compile(r"\{\{resolve:([\w-]+):([^{}]+)\}\}")


async def resolved(value: Any, calls: Calls) -> Any:
    """A value with what its references lead to. Raises `Unmade`."""
    if isinstance(value, dict):
        return {name: await resolved(each, calls) for name, each in cast(Any, value).items()}
    if isinstance(value, list):
        return [await resolved(each, calls) for each in cast(list[Any], value)]
    if not isinstance(value, str) or "{{resolve:" not in value:
        return value
    made, end = "", 0
    for found in _REFERENCE.finditer(value):
        made += value[end : found.start()] + await _one(found[1], found[2], calls)
        end = found.end()
    return made + value[end:]


async def _one(service: str, rest: str, calls: Calls) -> str:
    if service not in ("ssm", "ssm-secure"):
        raise Unmade(f"The dynamic reference {{{{resolve:{service}:…}}}} is not supported here")
    out = await calls("ssm", "GetParameter", Name=rest, WithDecryption=service == "ssm-secure")
    parameter = out["Parameter"]
    if parameter["Type"] == "SecureString" and service == "ssm":
        raise Unmade(f"{rest} is a SecureString: it is reached by {{{{resolve:ssm-secure:…}}}}")
    return parameter["Value"]
