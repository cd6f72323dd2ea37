"""Where the node's lines go: access logs of stages, and log groups, as files."""

from pathlib import Path

from torana.model.rest import Stage
from torana.settings import Settings
from torana.telemetry.lines import Lines


class Logs:
    """Every file that lines are written to, opened once."""

    def __init__(self, settings: Settings) -> None:
        self._folder, self._default = settings.folder(), settings.access_log
        self._open: dict[str, Lines] = {}

    def of(self, stage: Stage) -> Lines | None:
        """A stage's own destination, or the one of the settings."""
        own = stage.access_log_settings
        path = self._default
        if own is not None and own.destination_arn:
            path = _path(own.destination_arn, self._folder)
        return self._lines(path) if path else None

    def group(self, name: str) -> Lines:
        """A log group's file."""
        return self._lines(_path(name, self._folder))

    def reopen(self) -> None:
        """After the files were moved away."""
        for each in self._open.values():
            each.reopen()

    @property
    def dropped(self) -> int:
        """Lines that no disk took in time."""
        return sum(each.dropped for each in self._open.values())

    def close(self) -> None:
        for each in self._open.values():
            each.close()

    def _lines(self, path: str) -> Lines:
        if path not in self._open:
            self._open[path] = Lines(path)
        return self._open[path]


def _path(destination: str, folder: Path) -> str:
    """`-`, `file:PATH`, or a log group's ARN, which is kept as a file of that name."""
    if destination in ("-", "stdout"):
        return "-"
    if destination.startswith("file:"):
        return destination[len("file:") :]
    group = destination.partition(":log-group:")[2].removesuffix(":*") or destination
    safe = "".join(char if char.isalnum() or char in "-_." else "_" for char in group)
    return str(folder / "logs" / f"{safe}.log")
