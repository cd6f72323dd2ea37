"""The service's errors. Source: Amazon SQS API Reference; codes are the JSON protocol's."""

from torana.wire.faults import ServiceError


def no_queue() -> ServiceError:
    """The name or the address leads to none."""
    return ServiceError("QueueDoesNotExist", "The specified queue does not exist.")


def invalid(reason: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("InvalidParameterValue", reason, status=400)


def invalid_attribute(name: str, reason: str = "") -> ServiceError:
    """An attribute's value that cannot be."""
    said = f"Invalid value for the parameter {name}."
    return ServiceError("InvalidAttributeValue", f"{said} {reason}".strip(), status=400)


def bad_handle(handle: str) -> ServiceError:
    """A receipt handle that never was one."""
    return ServiceError(
        "ReceiptHandleIsInvalid", f'The input receipt handle "{handle[:200]}" is invalid.'
    )


def not_in_flight() -> ServiceError:
    """Nobody holds the message."""
    return ServiceError("MessageNotInflight", "Message is not in flight.")
