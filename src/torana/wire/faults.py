"""What a service answers when it does not do what it was asked."""

from collections.abc import Mapping
from typing import Any


class ServiceError(Exception):
    """An error of a service, by the code its clients see.

    `fields` are further members of the modelled error. `status` overrides the modelled one, and
    is needed (400 else) for codes that the model does not have.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.status = status
        self.fields: Mapping[str, Any] = fields or {}


class Malformed(Exception):
    """The request cannot be read as what its operation takes. The message is the service's."""


class UnknownOperation(Exception):
    """The service has no such operation. `asked` is what the client named."""

    def __init__(self, asked: str) -> None:
        super().__init__(asked)
        self.asked = asked
