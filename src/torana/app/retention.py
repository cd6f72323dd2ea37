"""What is older than it is to be kept goes, hour by hour: the ledger, log files, jobs that are
over, keys of tokens. Log events, traces, metrics and the audit trail have a beat of their own.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from torana.data_settings import Retention
from torana.llm import batches
from torana.llm.files import BUCKET
from torana.services.privacy import TokenKeys
from torana.settings import Settings
from torana.state.objects import NoBucket, ObjectStore
from torana.state.store import Change, Conflict, Store, StoreUnavailable

_log = logging.getLogger("torana")
_EVERY = 3600.0
_DAY = 86400.0
_BEGUN = ".begun"
"""Ends the name of a file whose age is the one of a log file."""

Json = dict[str, Any]


def _comprehend(job: Json) -> float | None:
    return job.get("EndTime") or (job["SubmitTime"] if job["JobStatus"] == "STOPPED" else None)


def _transcription(job: Json) -> float | None:
    return job["completed"] or None


def _batch(batch: Json) -> float | None:
    return None if batch.get("status", "validating") in batches.OPEN else batch["created_at"]


JOBS: Mapping[str, Callable[[Json], float | None]] = {
    "comprehend-job": _comprehend,
    "transcribe-job": _transcription,
    batches.KIND: _batch,
}
"""Kinds of jobs, and when one ended: None, it has not."""


class Keeping:
    """Of the process that keeps what is kept."""

    def __init__(
        self, settings: Settings, store: Store, objects: ObjectStore, tokens: TokenKeys
    ) -> None:
        self._days, self._folder = settings.retention, settings.folder()
        self._store, self._objects, self._tokens = store, objects, tokens

    async def run(self) -> None:
        """For ever."""
        if self._days == Retention():
            return
        while True:
            try:
                await self.tidy(time.time())
            except (OSError, StoreUnavailable, Conflict):
                _log.exception("what is too old could not be deleted: trying again in an hour")
            await asyncio.sleep(_EVERY)

    async def tidy(self, now: float) -> None:
        """Delete what is too old by then. Raises `OSError` and what the store raises."""
        days = self._days
        if days.usage:
            await asyncio.to_thread(_drop_days, self._folder / "usage", now - days.usage * _DAY)
        shortest = [each for each in (days.access_logs, days.function_logs) if each]
        if shortest:
            age = min(shortest) * _DAY
            await asyncio.to_thread(_turn, self._folder / "logs", now, age)
        if days.jobs:
            await self._drop_jobs(now - days.jobs * _DAY)
            # What a batch that is still open reads is a day old at the most.
            await self._drop_files(now - max(2, days.jobs) * _DAY)
        if days.tokens:
            await self._tokens.expire(now - days.tokens * _DAY)

    async def _drop_jobs(self, before: float) -> None:
        for kind, ended in JOBS.items():
            async for document in self._store.scan(kind):
                at = ended(msgspec.json.decode(document.body))
                if at is not None and at < before:
                    await self._store.commit([Change(kind, document.id, document.version, None)])

    async def _drop_files(self, before: float) -> None:
        after = ""
        while True:
            try:
                page = await self._objects.keys(BUCKET, "", after, 1000)
            except NoBucket:
                return
            for each in page:
                if each.modified < before:
                    await self._objects.delete(BUCKET, each.key)
            if not page:
                return
            after = page[-1].key


def _drop_days(folder: Path, before: float) -> None:
    """Files of the ledger whose whole day is too old."""
    first = datetime.fromtimestamp(before, UTC).date().isoformat()
    for path in folder.glob("usage-*.jsonl"):
        if path.stem.removeprefix("usage-") < first:
            path.unlink()


def _turn(folder: Path, now: float, age: float) -> None:
    """Files of log groups: one that was begun so long ago is put aside and begun anew, in place, as
    several processes append to it; what was put aside goes as long after its last line."""
    for path in folder.glob("*.log"):
        aside, begun = path.with_name(f"{path.name}.1"), path.with_name(f"{path.name}{_BEGUN}")
        if aside.exists() and aside.stat().st_mtime < now - age:
            aside.unlink()
        if not begun.exists():
            begun.touch(0o600)
        elif begun.stat().st_mtime < now - age:
            shutil.copyfile(path, aside)
            aside.chmod(0o640)
            with path.open("r+b") as file:
                file.truncate(0)
            begun.touch()
