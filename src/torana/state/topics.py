"""Messages within a process: who listens to which topic."""

import asyncio
from collections import deque

_BACKLOG = 1000
"""Messages that may wait for a slow listener; after that it is told that it missed some."""


class Topics:
    """The subscriptions of a process."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Inbox]] = {}

    def subscribe(self, topic: str) -> "Inbox":
        """Listen from now on."""
        inbox = Inbox(self, topic)
        self._listeners.setdefault(topic, set()).add(inbox)
        return inbox

    def deliver(self, topic: str, message: bytes) -> None:
        """Hand a message to whoever listens."""
        for inbox in self._listeners.get(topic, ()):
            inbox.put(message)

    def missed(self) -> None:
        """Tell everybody that messages may have been lost."""
        for inboxes in self._listeners.values():
            for inbox in inboxes:
                inbox.put(None)

    def forget(self, topic: str, inbox: "Inbox") -> None:
        """Deliver nothing more to an inbox."""
        self._listeners.get(topic, set()).discard(inbox)

    def close(self) -> None:
        """End every iteration."""
        for inboxes in list(self._listeners.values()):
            for inbox in list(inboxes):
                inbox.close()


class Inbox:
    """Implements `Subscription`."""

    def __init__(self, topics: Topics, topic: str) -> None:
        self._topics = topics
        self._topic = topic
        self._messages: deque[bytes | None] = deque()
        self._arrived = asyncio.Event()
        self._open = True

    def put(self, message: bytes | None) -> None:
        """Add a message, or None for missing ones. Too many are dropped for one None."""
        if len(self._messages) >= _BACKLOG:
            self._messages.clear()
            self._messages.append(None)
        self._messages.append(message)
        self._arrived.set()

    def __aiter__(self) -> "Inbox":
        """See `Subscription`."""
        return self

    async def __anext__(self) -> bytes | None:
        """The next message. For one reader at a time."""
        while not self._messages:
            if not self._open:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._messages.popleft()

    def close(self) -> None:
        """See `Subscription`."""
        self._open = False
        self._topics.forget(self._topic, self)
        self._arrived.set()
