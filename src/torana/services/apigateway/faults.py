"""The service's errors, in its words."""

from torana.wire.faults import ServiceError


def bad(message: str) -> ServiceError:
    """400."""
    return ServiceError("BadRequestException", message)


def conflict(message: str) -> ServiceError:
    """409."""
    return ServiceError("ConflictException", message)


def not_found(message: str) -> ServiceError:
    """404."""
    return ServiceError("NotFoundException", message)


def no_api(account: str, api_id: str) -> ServiceError:
    """404, as for every operation on an API that is not there."""
    return not_found(f"Invalid API identifier specified {account}:{api_id}")


def missing(what: str) -> ServiceError:
    """404, for parts of an API."""
    return not_found(f"Invalid {what} identifier specified")


def unavailable() -> ServiceError:
    """503: nothing can be read or changed while the store is away."""
    return ServiceError(
        "ServiceUnavailableException",
        "The store does not answer. Read back what you wanted to change, then try again.",
        status=503,
    )
