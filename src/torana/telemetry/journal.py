"""Events of log groups on their way to the node's log book."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from torana.telemetry.groups import Event
from torana.telemetry.logbook import Entries

_LONGEST = 262_144
"""Characters of one event. Source: the service's quota."""
_WAITING = 64 * 1024 * 1024
"""Characters that may wait for a slow disk; what comes beyond is dropped and counted."""


class Journal:
    """Implements `Keeper`: collects until it is taken."""

    def __init__(self, hide: Callable[[str], str] | None = None) -> None:
        """`hide` takes out of a text what may not be kept."""
        self._hide = hide
        self._waiting = _nothing()
        self._size = 0
        self.dropped = 0

    def __call__(self, group: str, stream: str, events: Sequence[Event]) -> None:
        """See `Keeper`."""
        if self._size > _WAITING:
            self.dropped += len(events)
            return
        waiting = self._waiting[group, stream]
        for at, text in events:
            text = text[:_LONGEST]
            if self._hide is not None:
                text = self._hide(text)
            self._size += len(text)
            waiting.append((int(at * 1000), text or " "))

    def take(self) -> list[Entries]:
        """Everything since the last taking."""
        taken, self._waiting, self._size = self._waiting, _nothing(), 0
        return [(*place, events) for place, events in taken.items()]


def _nothing() -> dict[tuple[str, str], list[tuple[int, str]]]:
    return defaultdict(list)
