"""AWS Certificate Manager: the certificates of custom domain names."""

from torana.services.acm.certificates import Certificates
from torana.services.acm.issuing import Issuing
from torana.services.acm.requests import Requests
from torana.services.acm.tags import Tags
from torana.services.apigateway.book import Book
from torana.services.seal import KeyFile
from torana.state.store import Store


def acm(store: Store, seal: KeyFile, issuing: Issuing | None = None) -> tuple[object, ...]:
    """The facade. `seal` closes private keys before they are kept; `issuing` orders those that are
    requested."""
    book = Book(store, "acm")
    return (Certificates(book, seal), Requests(book, issuing), Tags(book))
