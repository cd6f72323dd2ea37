"""What is stored of a parameter, and what its names may be.

Source: Systems Manager API Reference, "PutParameter".
"""

import re
from typing import Any

from torana.services.apigateway.book import Sheet
from torana.services.moments import moment
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Json = dict[str, Any]

KIND = "ssm-parameter"
"""Under its name: the versions, the newest last, with secret values sealed."""
MOST_VERSIONS = 100
LARGEST = {"Standard": 4096, "Advanced": 8192}
"""Bytes of a value, by tier."""
_NAME = re.compile(r"[a-zA-Z0-9_.\-/]{1,1011}")
_DEEPEST = 15


def not_found(name: str = "") -> ServiceError:
    """There is none of that name."""
    text = f"Parameter {name} not found." if name else ""
    return ServiceError("ParameterNotFound", text, status=400)


def invalid(message: str) -> ServiceError:
    """A request that cannot be."""
    return ServiceError("ValidationException", message, status=400)


def check_name(name: str) -> None:
    """Raises the service's error for a name that a parameter cannot have."""
    if not _NAME.fullmatch(name) or name.endswith("/"):
        raise invalid(
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a '
            "path, it can consist of sub-paths divided by slash symbol; each sub-path can be "
            "formed as a mix of letters, numbers and the following 3 symbols .-_"
        )
    if "/" in name and not name.startswith("/"):
        raise invalid("Parameter name must be a fully qualified name.")
    if name.lower().lstrip("/").startswith(("aws", "ssm")):
        raise ServiceError(
            "AccessDeniedException", f"No access to reserved parameter name: {name}.", status=400
        )
    if name.count("/") > _DEEPEST:
        raise ServiceError(
            "HierarchyLevelLimitExceededException",
            f"A hierarchy can have a maximum of {_DEEPEST} levels.",
            status=400,
        )


def plain_name(name: str) -> tuple[str, int]:
    """The name without ARN and selector, and the version that is asked for; 0: the newest."""
    if name.startswith("arn:"):
        name = name.partition(":parameter")[2]
        name = name.removeprefix("/") if name.count("/") == 1 else name
    head, colon, selector = name.partition(":")
    if not colon:
        return head, 0
    if not selector.isdigit():
        raise ServiceError(
            "ParameterVersionNotFound",
            f"Systems Manager could not find version {selector} of {head}. Verify the version and "
            "try again.",
            status=400,
        )
    return head, int(selector)


def arn(call: Call, name: str) -> str:
    """Of a parameter."""
    rest = name if name.startswith("/") else f"/{name}"
    return f"arn:aws:ssm:{call.region}:{call.principal.account}:parameter{rest}"


async def the(sheet: Sheet, name: str) -> Json:
    """A parameter's document. Raises the service's error."""
    found = await sheet.get(KIND, name)
    if found is None:
        raise not_found(name)
    return found


def version_of(document: Json, wanted: int) -> Json:
    """One of its versions. Raises the service's error."""
    versions: list[Json] = document["Versions"]
    for each in versions if wanted else versions[-1:]:
        if not wanted or each["Version"] == wanted:
            return each
    raise ServiceError(
        "ParameterVersionNotFound",
        f"Systems Manager could not find version {wanted} of {document['Name']}. Verify the "
        "version and try again.",
        status=400,
    )


def described(call: Call, document: Json, version: Json) -> Json:
    """All about a version but its value."""
    shown: Json = {
        "Name": document["Name"],
        "ARN": arn(call, document["Name"]),
        "Type": version["Type"],
        "LastModifiedDate": moment(version["Modified"]),
        "LastModifiedUser": version["User"],
        "Version": version["Version"],
        "Tier": version["Tier"],
        "Policies": [],
        "DataType": "text",
    }
    for member in ("Description", "AllowedPattern", "KeyId"):
        if version.get(member):
            shown[member] = version[member]
    return shown
