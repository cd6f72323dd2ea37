"""What developer portals are for: offers of products, subscriptions with keys, invoices."""

from torana.services.apigateway import DataPlane
from torana.services.apigateway.book import Book
from torana.services.portal.billing import Billing
from torana.services.portal.offers import Offers
from torana.services.portal.subscriptions import Subscriptions
from torana.state.store import Store


def portal(store: Store, plane: DataPlane) -> tuple[object, ...]:
    """The facade."""
    book = Book(store, "torana")
    return (
        Offers(book, plane.versions),
        Subscriptions(book),
        Billing(book, plane.currency),
    )
