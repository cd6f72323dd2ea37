"""AWS Systems Manager's Parameter Store."""

from torana.services.apigateway.book import Book
from torana.services.reach import Reach
from torana.services.seal import KeyFile
from torana.services.ssm.listing import Listing
from torana.services.ssm.parameters import Parameters
from torana.services.ssm.secrets import Secrets
from torana.services.ssm.tags import Tags
from torana.state.store import Store


def ssm(store: Store, seal: KeyFile, reach: Reach) -> tuple[object, ...]:
    """The facade, by what its operations are about."""
    book, secrets = Book(store, "ssm"), Secrets(seal, reach)
    return (Parameters(book, secrets), Listing(book, secrets), Tags(book))
