"""Log groups: events under a group's and a stream's name, to files and whoever else keeps them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from torana.telemetry.lines import Lines

Event = tuple[float, str]
"""Seconds since 1970, and the text."""


class Keeper(Protocol):
    """Keeps events, without making anybody wait."""

    def __call__(self, group: str, stream: str, events: Sequence[Event], /) -> None: ...


class Groups:
    """Hands events to every keeper."""

    def __init__(self) -> None:
        self._keepers: list[Keeper] = []

    def add(self, keeper: Keeper) -> None:
        """From now on it gets everything, too."""
        self._keepers.append(keeper)

    def __call__(self, group: str, stream: str, events: Sequence[Event]) -> None:
        """See `Keeper`."""
        for keeper in self._keepers:
            keeper(group, stream, events)


def into_files(open: Callable[[str], Lines]) -> Keeper:
    """A keeper that writes a line for each event. `open` gives a group's file."""

    def keep(group: str, stream: str, events: Sequence[Event]) -> None:
        lines = open(group)
        for _, text in events:
            lines.write(text)

    return keep
