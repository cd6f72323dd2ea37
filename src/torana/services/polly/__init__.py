"""Amazon Polly over the speech engine."""

from torana.services.polly.facade import Polly
from torana.services.polly.lexicons import Lexicons
from torana.services.ports import Engines
from torana.state.store import Store


def polly(engines: Engines, store: Store) -> tuple[object, ...]:
    """The facade, by what its operations are about."""
    lexicons = Lexicons(store)
    return Polly(engines, lexicons), lexicons
