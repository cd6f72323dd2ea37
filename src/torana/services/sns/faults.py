"""The service's errors. Source: Amazon SNS API Reference."""

from torana.wire.faults import ServiceError


def invalid(reason: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("InvalidParameter", f"Invalid parameter: {reason}", status=400)


def no_topic() -> ServiceError:
    """There is no such topic."""
    return ServiceError("NotFound", "Topic does not exist", status=404)


def no_subscription() -> ServiceError:
    """There is no such subscription."""
    return ServiceError("NotFound", "Subscription does not exist", status=404)
