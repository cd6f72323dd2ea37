"""AWS Lambda over whatever runs functions here."""

from torana.services.lambda_.aliases import Aliases
from torana.services.lambda_.book import Book
from torana.services.lambda_.concurrency import Concurrency
from torana.services.lambda_.functions import Functions
from torana.services.lambda_.invoke import Invocations
from torana.services.lambda_.layers import Layers
from torana.services.lambda_.permissions import Permissions
from torana.services.lambda_.provisioned import Provisioned
from torana.services.lambda_.queue import Queue
from torana.services.lambda_.sources import Sources
from torana.services.lambda_.urls import UrlConfigs


def lambda_(book: Book, queue: Queue, limit: int, sources: Sources) -> tuple[object, ...]:
    """The facade, by what its operations are about. `limit`: instances of all functions."""
    layers = Layers(book)
    return (
        Invocations(book, queue),
        Functions(book, layers),
        layers,
        Aliases(book),
        Permissions(book),
        UrlConfigs(book),
        sources,
        Concurrency(book, limit),
        Provisioned(book, limit),
    )
