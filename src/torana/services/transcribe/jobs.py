"""Transcription jobs: what is kept of them, and how one is done."""

import asyncio
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from torana.services.documents import keep, write_object
from torana.services.ports import Busy, Engines, Failed, Missing
from torana.services.transcribe.results import document, subtitles
from torana.state.objects import ObjectError, ObjectStore
from torana.state.store import Store

KIND = "transcribe-job"
_LARGEST = 2 * 1024**3
_LONGEST = 4 * 3600.0
_TRIES, _PAUSE = 20, 3.0


class Place(Struct, frozen=True):
    """Where an object is."""

    bucket: str
    key: str


class Job(Struct, frozen=True):
    """What is kept of a job."""

    region: str
    account: str
    name: str
    language: str
    media_uri: str
    media: Place
    output: Place
    created: float
    address: str
    """Of the object store, as the client that started the job reaches it."""
    formats: tuple[str, ...] = ()
    first_number: int = 0
    media_format: str = ""
    status: str = "QUEUED"
    started: float = 0.0
    completed: float = 0.0
    failure: str = ""

    @property
    def id(self) -> str:
        """Of its document."""
        return f"{self.region}/{self.name}"

    def uri(self, suffix: str = "") -> str:
        """Of the transcript, or of the subtitles that end in `suffix`."""
        key = self.output.key.removesuffix(".json") + suffix if suffix else self.output.key
        return f"{self.address}/{self.output.bucket}/{key}"


class Jobs:
    """Keeps jobs and does them."""

    def __init__(self, store: Store, objects: ObjectStore, engines: Engines) -> None:
        self._store, self._objects, self._engines = store, objects, engines

    async def get(self, region: str, name: str) -> Job | None:
        """A job by its name."""
        found = await self._store.get(KIND, f"{region}/{name}")
        return found and msgspec.json.decode(found.body, type=Job)

    async def all(self, region: str = "") -> list[Job]:
        """Those of a region, or of all."""
        prefix = f"{region}/" if region else ""
        return [
            msgspec.json.decode(found.body, type=Job)
            async for found in self._store.scan(KIND, prefix)
        ]

    async def keep(self, job: Job) -> None:
        """Write it down."""
        await keep(self._store, KIND, job.id, msgspec.json.encode(job))

    async def forget(self, job: Job) -> None:
        """Delete its document, not its transcript."""
        await keep(self._store, KIND, job.id, None)

    async def resume(self) -> None:
        """Do again what an earlier process left undone."""
        for job in await self.all():
            if job.status in ("QUEUED", "IN_PROGRESS"):
                await self.do(job)

    async def do(self, job: Job) -> None:
        """From the media to the transcript. Whatever goes wrong ends in the job's failure."""
        replace = msgspec.structs.replace
        job = replace(job, status="IN_PROGRESS", started=datetime.now(UTC).timestamp())
        await self.keep(job)
        try:
            await self._transcribe(job)
            job = replace(job, status="COMPLETED")
        except (ObjectError, ConnectionError) as error:
            job = replace(job, status="FAILED", failure=f"The media or output failed: {error}")
        except (_Refused, Missing, Failed) as error:
            job = replace(job, status="FAILED", failure=str(error))
        except TimeoutError:
            job = replace(job, status="FAILED", failure="The engine took too long")
        if await self.get(job.region, job.name) is None:
            return
        await self.keep(replace(job, completed=datetime.now(UTC).timestamp()))

    async def _transcribe(self, job: Job) -> None:
        found = await self._objects.get(job.media.bucket, job.media.key)
        if found.size > _LARGEST:
            raise _Refused(f"The media has more than {_LARGEST} bytes")
        handle, path = await asyncio.to_thread(tempfile.mkstemp, prefix="torana-media-")
        try:
            with os.fdopen(handle, "wb") as file:
                async for piece in self._objects.read(found, 0, found.size):
                    await asyncio.to_thread(file.write, piece)
            heard = await self._heard(path)
        finally:
            await asyncio.to_thread(Path(path).unlink)
        if heard.bad:
            raise _Refused(heard.bad)
        said = document(job.name, job.account, heard.segments)
        await self._write(job.output, msgspec.json.encode(said), "application/json")
        for form in job.formats:
            text = subtitles(form, job.first_number, heard.segments).encode()
            key = job.output.key.removesuffix(".json") + f".{form}"
            await self._write(Place(job.output.bucket, key), text, f"text/{form}")

    async def _heard(self, path: str) -> Any:
        """What the engine heard; a busy engine is asked again, as a job can wait."""
        for _ in range(_TRIES):
            try:
                (heard,) = await self._engines("transcription", [Audio(path)], _LONGEST)
            except Busy:
                await asyncio.sleep(_PAUSE)
            else:
                return heard
        raise Failed("The engine has too much to do")

    async def _write(self, place: Place, data: bytes, kind: str) -> None:
        await write_object(self._objects, place.bucket, place.key, data, kind)


class Audio(Struct, frozen=True):
    """What the engine takes."""

    path: str


class _Refused(Exception):
    """The media cannot be transcribed; says why."""
