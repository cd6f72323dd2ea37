"""The service's errors. Source: CloudWatch API Reference, by operation."""

from torana.wire.faults import ServiceError


def invalid(message: str) -> ServiceError:
    """A parameter's value that cannot be."""
    return ServiceError("InvalidParameterValue", message, status=400)


def combination(message: str) -> ServiceError:
    """Parameters that do not go together."""
    return ServiceError("InvalidParameterCombination", message, status=400)


def missing(message: str) -> ServiceError:
    """A parameter that is needed."""
    return ServiceError("MissingParameter", message, status=400)


def validation(message: str) -> ServiceError:
    """What cannot be understood as a whole: queries, expressions and rules."""
    return ServiceError("ValidationError", message, status=400)


def not_found(message: str) -> ServiceError:
    """There is none of that name."""
    return ServiceError("ResourceNotFound", message, status=404)


def limit(message: str) -> ServiceError:
    """More than there may be."""
    return ServiceError("LimitExceeded", message, status=400)
