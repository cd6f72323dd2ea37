"""Amazon CloudWatch Logs: groups and streams, filters, subscriptions and Insights queries."""

from typing import Any

import msgspec

from torana.services.audit import record
from torana.services.background import Background
from torana.services.logs.events import Events
from torana.services.logs.filters import Filters
from torana.services.logs.groups import Groups
from torana.services.logs.hearing import Hearing
from torana.services.logs.protection import DataProtection
from torana.services.logs.queries import Queries
from torana.services.ports import Call
from torana.services.reach import Reach
from torana.state.store import Store
from torana.telemetry.logbook import LogBook
from torana.telemetry.recorder import Recorder


class Logs:
    """The service of a node: its operations, and what hears of events."""

    def __init__(
        self,
        book: LogBook,
        store: Store,
        recorder: Recorder,
        reach: Reach,
        background: Background,
        account: str,
    ) -> None:
        self._store = store
        self.hearing = Hearing(book, recorder, reach, background, account)
        groups = Groups(book, self._record, self.hearing.load)
        self.operations: tuple[object, ...] = (
            groups,
            DataProtection(book, groups, self.hearing.load),
            Events(book),
            Filters(book, self.hearing),
            Queries(book, background, account),
        )

    async def _record(self, call: Call, name: str, config: dict[str, Any]) -> None:
        """What was changed of a group, for the audit."""
        edits = [("log-group", name, None, msgspec.json.encode(config))]
        await self._store.commit([record(call, "logs", edits)])
