"""Personal data that the gateway keeps or has put into tokens."""

from torana.services.privacy.erase import Eraser, Erasing
from torana.services.privacy.keys import TokenKeys
from torana.services.privacy.tokens import Tokens
from torana.state.store import Store

__all__ = ["Erasing", "TokenKeys", "privacy"]


def privacy(store: Store, keys: TokenKeys, erasing: Erasing | None) -> tuple[object, ...]:
    """The facade."""
    return (Tokens(keys), Eraser(store, keys, erasing))
