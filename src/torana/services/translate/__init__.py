"""Amazon Translate over the translation engine."""

from collections.abc import Collection

from torana.services.ports import Engines
from torana.services.translate.facade import Translate
from torana.services.translate.terms import Terms
from torana.state.store import Store


def translate(engines: Engines, store: Store, pairs: Collection[str]) -> tuple[object, ...]:
    """The facade, by what its operations are about."""
    terms = Terms(store)
    return Translate(engines, terms, pairs), terms
