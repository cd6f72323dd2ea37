"""Where a sign-in stands."""

from collections.abc import Mapping

from msgspec import Struct

from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.triggers import Asking


class Step(Struct, frozen=True):
    """What a client asks or answers."""

    asking: Asking
    client: Json
    given: Mapping[str, str]
    """Parameters, or the responses to a challenge."""
    session: str = ""
    hosted: bool = False
    """On the pages: they give a code out instead of tokens."""
