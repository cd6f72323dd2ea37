"""The service's errors, in its words."""

from torana.wire.faults import ServiceError


def invalid(message: str) -> ServiceError:
    """What was asked for makes no sense."""
    return ServiceError("InvalidParameterException", message)


def unsupported(message: str) -> ServiceError:
    """What user pools of this gateway cannot do."""
    return ServiceError("InvalidParameterException", f"{message} is not supported here")


def refused(message: str) -> ServiceError:
    """Not let in."""
    return ServiceError("NotAuthorizedException", message)


def missing(message: str) -> ServiceError:
    """There is no such pool, client, group, domain or resource server."""
    return ServiceError("ResourceNotFoundException", message)


def no_user() -> ServiceError:
    """There is no such user, and the client may know."""
    return ServiceError("UserNotFoundException", "User does not exist.")


def wrong_password() -> ServiceError:
    """Also for users that there are not, where the client must not know."""
    return refused("Incorrect username or password.")


def wrong_code() -> ServiceError:
    """A code of a message."""
    return ServiceError(
        "CodeMismatchException", "Invalid verification code provided, please try again."
    )


def old_code() -> ServiceError:
    """A code whose time is over, or that there never was."""
    return ServiceError(
        "ExpiredCodeException", "Invalid code provided, please request a code again."
    )


def too_many_attempts() -> ServiceError:
    """Codes were tried too often."""
    return ServiceError(
        "LimitExceededException", "Attempt limit exceeded, please try after some time."
    )
