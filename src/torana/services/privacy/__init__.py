"""Personal data that the gateway keeps or has put into tokens."""

from torana.services.privacy.keys import TokenKeys
from torana.services.privacy.tokens import Tokens


def privacy(keys: TokenKeys) -> tuple[object, ...]:
    """The facade."""
    return (Tokens(keys),)
