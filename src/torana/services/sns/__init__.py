"""Amazon SNS: standard topics, with functions, queues and webhooks as subscribers."""

from torana.services.apigateway.book import Book
from torana.services.background import Background
from torana.services.reach import Reach
from torana.services.sns.deliver import Deliverer
from torana.services.sns.permissions import Permissions
from torana.services.sns.publish import Publishing
from torana.services.sns.subscribers import Subscribers
from torana.services.sns.topics import Topics
from torana.state.store import Store


class Sns:
    """The service of a node: its operations, and what delivers."""

    def __init__(self, store: Store, background: Background, reach: Reach, node: str) -> None:
        book, deliverer = Book(store, "sns"), Deliverer(store, reach, background, node)
        self.resume = deliverer.resume
        self.operations: tuple[object, ...] = (
            Topics(book),
            Permissions(book),
            Subscribers(book, deliverer),
            Publishing(book, deliverer),
        )
