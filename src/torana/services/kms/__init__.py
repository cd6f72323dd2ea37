"""AWS KMS: symmetric and HMAC keys, whose material is sealed with the node's own key file."""

from torana.services.apigateway.book import Book
from torana.services.kms.aliases import Aliases
from torana.services.kms.crypto import Crypto
from torana.services.kms.keys import Keys
from torana.services.kms.macs import Macs
from torana.services.kms.ring import Ring, Seal
from torana.services.kms.rotation import Rotation
from torana.state.store import Store


def kms(store: Store, seal: Seal) -> tuple[object, ...]:
    """The facade."""
    ring = Ring(Book(store, "kms"), seal)
    return (Keys(ring), Aliases(ring), Rotation(ring), Crypto(ring), Macs(ring))
