"""The service's errors. Source: Amazon CloudWatch Logs API Reference."""

from torana.wire.faults import ServiceError


def invalid(message: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("InvalidParameterException", message)


def no_group() -> ServiceError:
    """There is no such log group."""
    return ServiceError(
        "ResourceNotFoundException", "The specified log group does not exist.", status=400
    )


def no_stream() -> ServiceError:
    """There is no such log stream."""
    return ServiceError(
        "ResourceNotFoundException", "The specified log stream does not exist.", status=400
    )


def there_is(what: str) -> ServiceError:
    """There is one of that name."""
    return ServiceError(
        "ResourceAlreadyExistsException", f"The specified {what} already exists", status=400
    )
