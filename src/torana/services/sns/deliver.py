"""Deliveries: stored before a publish is answered, forgotten when they are done.

A crash loses none, and may deliver one twice, as the service may.
"""

import asyncio
import logging
from uuid import uuid4

import msgspec

from torana.message import Reply
from torana.services.background import Background
from torana.services.documents import keep
from torana.services.reach import Reach
from torana.services.sns import envelope
from torana.services.sns.records import DELIVERY, Delivery
from torana.state.store import Change, Store
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.sns")
_PAUSES = (1.0, 5.0, 20.0, 60.0, 300.0)
"""Seconds before a delivery that failed is tried again."""
_AT_ONCE = 64
"""Deliveries under way at the same time."""
_WAITING = 50_000
"""Deliveries that are accepted and not done, at most."""


class Deliverer:
    """Delivers what this node accepted."""

    def __init__(
        self, store: Store, reach: Reach, background: Background, node: str,
        pauses: tuple[float, ...] = _PAUSES,
    ) -> None:  # fmt: skip
        self._store, self._reach, self._background = store, reach, background
        self._prefix, self._pauses = f"{node}/", pauses
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def put(self, deliveries: list[Delivery]) -> None:
        """Accept them, all or none, and begin. Raises the service's error when too many wait."""
        if self._waiting + len(deliveries) > _WAITING:
            raise ServiceError("Throttled", "Too many messages wait for their subscribers.")
        ids = [f"{self._prefix}{uuid4()}" for _ in deliveries]
        pairs = list(zip(ids, deliveries, strict=True))
        changes = [Change(DELIVERY, id, 0, msgspec.json.encode(each)) for id, each in pairs]
        if changes:
            await self._store.commit(changes)
        for id, each in pairs:
            self._start(id, each)

    def _start(self, id: str, delivery: Delivery) -> None:
        self._waiting += 1
        self._background.start(self._deliver(id, delivery), "a delivery of a topic")

    async def resume(self) -> None:
        """Those that were left undone."""
        async for document in self._store.scan(DELIVERY, self._prefix):
            self._start(document.id, msgspec.json.decode(document.body, type=Delivery))

    async def _deliver(self, id: str, delivery: Delivery) -> None:
        try:
            await self._try(delivery)
            await keep(self._store, DELIVERY, id, None)
        finally:
            self._waiting -= 1

    async def _try(self, delivery: Delivery) -> None:
        """Until it is delivered, or given up."""
        error = ""
        for pause in (0.0, *self._pauses):
            await asyncio.sleep(pause)
            try:
                async with self._room:
                    reply = await self._once(delivery)
            except (ConnectionError, TimeoutError, ValueError) as problem:
                error = str(problem) or "no answer in time"
                continue
            if reply.status < 300:
                return
            error = f"status {reply.status}"
            if reply.status < 500 and reply.status != 429:
                break
        await self._give_up(delivery, error)

    async def _once(self, delivery: Delivery) -> Reply:
        subscription = delivery.subscription
        if subscription.protocol == "lambda":
            return await self._reach.call("lambda", envelope.invocation(delivery))
        if subscription.protocol == "sqs":
            return await self._reach.call("sqs", envelope.letter(delivery, subscription.endpoint))
        return await self._reach.post(subscription.endpoint, *envelope.post(delivery))

    async def _give_up(self, delivery: Delivery, error: str) -> None:
        subscription = delivery.subscription
        _log.warning("%s: a message was not delivered: %s", subscription.arn, error)
        policy = subscription.attributes.get("RedrivePolicy")
        if not policy or delivery.notice.kind != "Notification":
            return
        queue = msgspec.json.decode(policy, type=dict[str, str])["deadLetterTargetArn"]
        try:
            reply = await self._reach.call("sqs", envelope.letter(delivery, queue))
        except (ConnectionError, TimeoutError) as problem:
            _log.error("%s: nor to its dead letter queue: %s", subscription.arn, problem)
        else:
            if reply.status >= 300:
                _log.error("%s: nor to its dead letter queue: %s", subscription.arn, reply.status)
