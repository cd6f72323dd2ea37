"""The service's one error for what it does not take.

Source: X-Ray API Reference, "Common errors" of its operations.
"""

from torana.wire.faults import ServiceError


def invalid(message: str) -> ServiceError:
    """`InvalidRequestException`."""
    return ServiceError("InvalidRequestException", message)
