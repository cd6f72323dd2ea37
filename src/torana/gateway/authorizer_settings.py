"""What the authorizers of a method's settings have in common."""

import re

from torana.gateway.contract import Compiled
from torana.gateway.errors import InvalidApi
from torana.model.rest import Authorizer


def settings_of(to: Compiled) -> Authorizer:
    """The authorizer that a method names. Raises `InvalidApi`."""
    found = to.api.authorizers.get(to.method.authorizer or "")
    if found is None:
        raise InvalidApi(f"there is no authorizer {to.method.authorizer!r}")
    return found


def validation(settings: Authorizer) -> re.Pattern[str] | None:
    """The identityValidationExpression, if there is one. Raises `InvalidApi`."""
    if not settings.identity_validation_expression:
        return None
    try:
        return re.compile(settings.identity_validation_expression)
    except re.error as error:
        raise InvalidApi(
            f"authorizer {settings.name}: identityValidationExpression: {error}"
        ) from error
