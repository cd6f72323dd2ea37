"""Events as records of fields: what the service finds in them by itself.

Source: Amazon CloudWatch Logs User Guide, "Supported logs and discovered fields".
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from torana.services.logs.insights.functions import Value
from torana.telemetry.logbook import Event

Record = Mapping[str, Value]

_REPORT = re.compile(r"REPORT RequestId: (\S+)\s")
_NUMBERS = {
    "@duration": re.compile(r"\tDuration: ([\d.]+) ms"),
    "@billedDuration": re.compile(r"\tBilled Duration: ([\d.]+) ms"),
    "@initDuration": re.compile(r"\tInit Duration: ([\d.]+) ms"),
    "@memorySize": re.compile(r"\tMemory Size: (\d+) MB"),
    "@maxMemoryUsed": re.compile(r"\tMax Memory Used: (\d+) MB"),
}
_STARTED = re.compile(r"(START|END) RequestId: (\S+)")
_MEGA = frozenset({"@memorySize", "@maxMemoryUsed"})
_MOST = 1000
"""Fields of one event. Source: the service's quota."""
TIMES = frozenset({"@timestamp", "@ingestionTime"})


class Fields(dict[str, Value]):
    """The fields of an event; those within its text are found when the first is asked for."""

    def __init__(self, event: Event, log: str, pointer: str) -> None:
        super().__init__(
            {
                "@timestamp": float(event.at),
                "@ingestionTime": float(event.ingested),
                "@message": event.text,
                "@logStream": event.stream,
                "@log": log,
                "@ptr": pointer,
            }
        )
        self._text: str | None = event.text

    def __missing__(self, name: str) -> Value:
        self.open()
        return self.get(name)

    def open(self) -> None:
        """Find the fields within the text."""
        message, self._text = self._text, None
        for key, value in discovered(message or ""):
            if key not in self:
                self[key] = value


def discovered(message: str) -> Iterator[tuple[str, Value]]:
    """Fields within an event's text."""
    start = message.find("{")
    if start >= 0 and message.rstrip().endswith("}"):
        try:
            body = msgspec.json.decode(message[start:])
        except (msgspec.DecodeError, RecursionError):
            body = None
        if isinstance(body, dict):
            for number, pair in enumerate(_flat("", cast(dict[str, Any], body))):
                if number >= _MOST:
                    return
                yield pair
            return
    yield from _of_function(message)


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Value]]:
    """`a.b.0`, the service's way."""
    if isinstance(value, dict):
        for name, each in cast(dict[str, Any], value).items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, each)
    elif isinstance(value, list):
        for number, each in enumerate(cast(list[Any], value)):
            yield from _flat(f"{prefix}.{number}", each)
    elif isinstance(value, bool):
        yield prefix, str(value).lower()
    elif isinstance(value, (int, float)):
        yield prefix, float(value)
    elif isinstance(value, str):
        yield prefix, value


def _of_function(message: str) -> Iterator[tuple[str, Value]]:
    """A function's platform lines."""
    report = _REPORT.match(message)
    if report:
        yield "@type", "REPORT"
        yield "@requestId", report[1]
        for name, pattern in _NUMBERS.items():
            found = pattern.search(message)
            if found:
                yield name, float(found[1]) * (1_000_000 if name in _MEGA else 1)
        return
    started = _STARTED.match(message)
    if started:
        yield "@type", started[1]
        yield "@requestId", started[2]


def moment(milliseconds: float) -> str:
    """As results show it: `2026-03-01 10:00:00.000`."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{int(milliseconds) % 1000:03d}"
