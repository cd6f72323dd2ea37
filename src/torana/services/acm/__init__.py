"""AWS Certificate Manager: the certificates of custom domain names."""

from torana.services.acm.certificates import Certificates
from torana.services.acm.tags import Tags
from torana.services.apigateway.book import Book
from torana.services.seal import KeyFile
from torana.state.store import Store


def acm(store: Store, seal: KeyFile) -> tuple[object, ...]:
    """The facade. `seal` closes private keys before they are kept."""
    book = Book(store, "acm")
    return (Certificates(book, seal), Tags(book))
