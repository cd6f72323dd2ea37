"""The service's errors. Source: AWS CloudFormation API Reference."""

from torana.wire.faults import ServiceError


def invalid(message: str) -> ServiceError:
    """A request or a template that cannot be."""
    return ServiceError("ValidationError", message, status=400)


def no_stack(name: str) -> ServiceError:
    """There is none of that name or id."""
    return invalid(f"Stack with id {name} does not exist")


def exists(name: str) -> ServiceError:
    """A stack of that name is there."""
    return ServiceError("AlreadyExistsException", f"Stack [{name}] already exists", status=400)


def no_change_set(name: str) -> ServiceError:
    """There is none of that name or id."""
    return ServiceError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)


def lacking(capabilities: list[str]) -> ServiceError:
    """What the caller did not acknowledge."""
    wanted = ", ".join(capabilities)
    return ServiceError(
        "InsufficientCapabilitiesException", f"Requires capabilities : [{wanted}]", status=400
    )


class Unmade(Exception):
    """A resource that cannot be made, changed or deleted; the text is its status reason."""


class BadTemplate(Exception):
    """A template that cannot be; the text is the service's."""
