"""A query over events, page by page."""

from collections.abc import Iterable
from typing import Any

from torana.services.logs.insights.functions import Value, text
from torana.services.logs.insights.language import Command, parse
from torana.services.logs.insights.pipe import STEPS, Limit, Step
from torana.services.logs.insights.records import TIMES, Fields, moment
from torana.telemetry.logbook import Event

Json = dict[str, Any]
DEFAULT = 10_000
"""Records of an answer where a query says nothing. Source: the service."""


class Running:
    """A query under way. `log` names the group in results."""

    def __init__(self, query: str, most: int = DEFAULT) -> None:
        """Raises the service's error for a query that cannot be read."""
        commands = parse(query) if query.strip() else []
        if not any(each.verb == "limit" for each in commands):
            commands.append(Command("limit", number=most))
        self._steps: list[Step] = [STEPS[each.verb](each) for each in commands]
        self._columns = _columns(commands)
        self._times = TIMES | {t for s in self._steps for t in getattr(s, "times", ())}
        self._rows: list[dict[str, Value]] = []
        self.scanned = self.matched = self.bytes = 0
        self._filtering = any(each.verb == "filter" for each in commands)

    @property
    def done(self) -> bool:
        """Whether further events change nothing: nothing holds records back before a limit that
        is reached."""
        for step in self._steps:
            if isinstance(step, Limit):
                return step.full
            if step.holds:
                return False
        return False

    def feed(self, events: Iterable[Event], log: str) -> None:
        """Further events, the newest first."""
        for event in events:
            self.scanned += 1
            self.bytes += len(event.text)
            self._push(0, Fields(event, log, str(event.id)))

    def _push(self, at: int, record: dict[str, Value]) -> None:
        if at == len(self._steps):
            self._rows.append(record)
            return
        for each in self._steps[at].feed(record):
            self._push(at + 1, each)

    def end(self) -> None:
        """There are no further events."""
        for at, step in enumerate(self._steps):
            for record in step.end():
                self._push(at + 1, record)
        self.matched = len(self._rows) if self._filtering else self.scanned

    def results(self) -> list[list[Json]]:
        """Rows of fields and values."""
        shown: list[list[Json]] = []
        for record in self._rows:
            names = self._columns or ("@timestamp", "@message")
            row = [
                {"field": name, "value": self._shown(name, record.get(name))}
                for name in names
                if record.get(name) is not None
            ]
            if "@ptr" in record and "@ptr" not in names:
                row.append({"field": "@ptr", "value": text(record["@ptr"])})
            shown.append(row)
        return shown

    def _shown(self, name: str, value: Value) -> str:
        if name in self._times and isinstance(value, float):
            return moment(value)
        return text(value)


def _columns(commands: list[Command]) -> tuple[str, ...]:
    """What results show: the last `display`, or `stats`, or all that was named."""
    names: list[str] = []
    for each in commands:
        if each.verb == "fields":
            names += [column.name for column in each.columns]
        elif each.verb == "display":
            names = [column.name for column in each.columns]
        elif each.verb == "parse":
            names += each.names
        elif each.verb == "stats":
            names = [column.name for column in (*each.by, *each.columns)]
    return tuple(dict.fromkeys(names))
