"""Amazon SQS: standard queues, durable in the store."""

from torana.services.background import Background
from torana.services.sqs.messages import Messages
from torana.services.sqs.queues import Queues
from torana.services.sqs.shelf import Shelf
from torana.state.store import Store


def sqs(store: Store, background: Background) -> tuple[object, ...]:
    """The facade, by what its operations are about."""
    shelf = Shelf(store, background)
    return (Queues(shelf), Messages(shelf))
