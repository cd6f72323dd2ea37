"""Where the node's lines go: access logs of stages, and log groups, kept and as files."""

import time
from os import getpid
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from torana.app.privacy import log_hider
from torana.model.rest import Stage
from torana.sealing import Cover
from torana.settings import Settings
from torana.telemetry.groups import Keeper
from torana.telemetry.lines import Lines, Writes

_GROUP = ":log-group:"


class _Both:
    """A log group: kept, and a file beside where that is wanted."""

    def __init__(self, group: str, keep: Keeper, file: Lines | None) -> None:
        self._group, self._keep, self._file = group, keep, file
        self._stream = uuid5(NAMESPACE_OID, f"{getpid()} {time.time()}").hex

    def write(self, line: str) -> None:
        self._keep(self._group, self._stream, ((time.time(), line),))
        if self._file is not None:
            self._file.write(line)


class Logs:
    """Every file that lines are written to, opened once."""

    def __init__(self, settings: Settings, keep: Keeper, cover: Cover | None = None) -> None:
        self._cover, self._hide = cover, log_hider(settings)
        self._folder, self._default = settings.folder(), settings.access_log
        self._retention = settings.retention
        self._keep, self._files = keep, settings.observing.log_files
        self._most = settings.observing.log_file_bytes
        self._open: dict[str, Lines] = {}
        self._groups: dict[str, _Both] = {}

    def of(self, stage: Stage) -> Writes | None:
        """A stage's own destination, or the one of the settings."""
        own = stage.access_log_settings
        destination = own.destination_arn if own is not None else ""
        if _GROUP in destination:
            return self._both(destination.partition(_GROUP)[2].removesuffix(":*"))
        path = _path(destination, self._folder) if destination else self._default
        return self._lines(path) if path else None

    def days(self, group: str) -> int:
        """For how long a group's events are kept that has no retention of its own."""
        kept = self._retention
        if group in self._groups:
            return kept.access_logs
        if group.startswith(("API-Gateway-Execution-Logs_", "/aws/apigateway/")):
            return kept.execution_logs
        return kept.function_logs if group.startswith("/aws/lambda/") else kept.other_logs

    def _both(self, name: str) -> _Both:
        found = self._groups.get(name)
        if found is None:
            file = self.group(name) if self._files else None
            found = self._groups[name] = _Both(name, self._keep, file)
        return found

    def group(self, name: str) -> Lines:
        """A log group's file."""
        return self._lines(_path(name, self._folder), self._most)

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

    def _lines(self, path: str, most: int = 0) -> Lines:
        if path not in self._open:
            self._open[path] = Lines(path, most, self._cover, self._hide)
        return self._open[path]


def _path(destination: str, folder: Path) -> str:
    """`-`, `file:PATH`, or a log group's name, whose file bears it."""
    if destination in ("-", "stdout"):
        return "-"
    if destination.startswith("file:"):
        return destination[len("file:") :]
    safe = "".join(char if char.isalnum() or char in "-_." else "_" for char in destination)
    return str(folder / "logs" / f"{safe}.log")
