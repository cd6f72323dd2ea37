"""AWS WAF (v2): web ACLs for stages, and what their rules refer to."""

from torana.services.apigateway.book import Book
from torana.services.wafv2.associations import Associations
from torana.services.wafv2.items import Items
from torana.services.wafv2.logging import Logging
from torana.services.wafv2.managed_groups import ManagedGroups
from torana.services.wafv2.samples import Samples, Seen
from torana.services.wafv2.tags import Tags
from torana.state.store import Store


def wafv2(store: Store, seen: Seen | None) -> tuple[object, ...]:
    """The facade. `seen` tells what web ACLs saw; None where this process has none of that."""
    book = Book(store, "wafv2")
    return (
        Items(book),
        Associations(book),
        ManagedGroups(),
        Samples(book, seen),
        Logging(book),
        Tags(book),
    )
