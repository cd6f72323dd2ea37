"""The ways to name a function, and the service's errors about names."""

import re

from torana.wire.faults import ServiceError

_NAME = re.compile(
    r"(?:arn:(?:aws[a-zA-Z-]*)?:lambda:[a-z0-9-]*:)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]{1,140})(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?"
)
LATEST = "$LATEST"


def split(reference: str, qualifier: str | None = None) -> tuple[str, str]:
    """Name and qualifier (empty: none was given). Raises `ServiceError`."""
    found = _NAME.fullmatch(reference)
    if found is None:
        raise invalid(f"The provided function name or ARN is not valid: {reference[:200]}")
    own = found["qualifier"] or ""
    if own and qualifier and own != qualifier:
        raise invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return found["name"], own or qualifier or ""


def invalid(message: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("InvalidParameterValueException", message, fields={"Type": "User"})


def missing(message: str) -> ServiceError:
    """Something that there is not."""
    return ServiceError("ResourceNotFoundException", message, fields={"Type": "User"})


def no_function(arn: str) -> ServiceError:
    """There is no such function, or no such version of it."""
    return missing(f"Function not found: {arn}")


def conflict(message: str) -> ServiceError:
    """It is there, or it changed meanwhile, or it must not be changed."""
    return ServiceError("ResourceConflictException", message, fields={"Type": "User"})


def check_revision(given: str | None, found: str) -> None:
    """Raises the service's error when somebody else wrote first."""
    if given and given != found:
        raise ServiceError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id",
            fields={"Type": "User"},
        )
