"""Labels of stored videos, and whether they are fit for everybody, found in the background.

Source: Amazon Rekognition Developer Guide, "Detecting labels in a video" and "Detecting
inappropriate stored videos".
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.services.background import Background
from torana.services.documents import keep
from torana.services.members import part
from torana.services.ports import Busy, Call, Engines, Failed, Missing
from torana.services.rekognition.moderation import VERSION, moderation
from torana.services.rekognition.pictures import Params, invalid
from torana.state.objects import ObjectError, ObjectStore
from torana.state.store import Store
from torana.wire.faults import ServiceError

_KIND = "rekognition-video"
_LONGEST = 3600.0
_LARGEST = 10 * 1024**3
_KNOWN = frozenset({"Video", "MinConfidence", "ClientRequestToken", "JobTag"})


class Video(Struct, frozen=True):
    """What the engine takes."""

    path: str
    least: float


class Analysis(Struct, frozen=True):
    """What is looked for in videos."""

    name: str
    """Of its operations, after `Start` and `Get`."""
    capability: str
    label: str
    """The member that a label is told in; with an `s` that of all of them."""
    version: dict[str, str]
    """The member of the answer that names the model."""
    entries: Callable[[Sequence[Any], float], list[Params]]
    """What is told of the engine's labels of a frame, from a score on."""
    sums: bool = False
    """Whether labels are told by sums of the engine's, so that it has to tell all of them."""
    also: frozenset[str] = frozenset()
    """Further members of its requests that may be given."""


def _labels(found: Sequence[Any], least: float) -> list[Params]:
    return [
        {
            "Label": {
                "Name": each.name,
                "Confidence": 100 * each.score,
                "Instances": [],
                "Parents": [{"Name": name} for name in each.parents],
                "Aliases": [{"Name": name} for name in each.aliases],
            }
        }
        for each in found
        if each.score >= least
    ]


def _moderation(found: Sequence[Any], least: float) -> list[Params]:
    labels, types = moderation(found, 100 * least)
    return [{"ModerationLabel": each, "ContentTypes": types} for each in labels]


_LABELS = Analysis(
    "LabelDetection",
    "video_labels",
    "Label",
    {"LabelModelVersion": "torana-efficientnet-lite0"},
    _labels,
    also=frozenset({"Features"}),
)
_MODERATION = Analysis(
    "ContentModeration",
    "video_moderation",
    "ModerationLabel",
    {"ModerationModelVersion": VERSION},
    _moderation,
    sums=True,
)
_ANALYSES = {each.name: each for each in (_LABELS, _MODERATION)}


class Videos:
    """The operations, and the jobs."""

    def __init__(
        self, store: Store, objects: ObjectStore, engines: Engines, background: Background
    ) -> None:
        self._store, self._objects, self._engines = store, objects, engines
        self._background = background

    async def StartLabelDetection(self, call: Call, params: Params) -> Params:
        """What frames a second apart show."""
        return await self._start(_LABELS, params)

    async def GetLabelDetection(self, call: Call, params: Params) -> Params:
        """Where it stands; then the labels, by time or by name."""
        return await self._get(_LABELS, params)

    async def StartContentModeration(self, call: Call, params: Params) -> Params:
        """Whether frames a second apart are fit for everybody."""
        return await self._start(_MODERATION, params)

    async def GetContentModeration(self, call: Call, params: Params) -> Params:
        """Where it stands; then what is not fit, by time or by name."""
        return await self._get(_MODERATION, params)

    async def _start(self, wanted: Analysis, params: Params) -> Params:
        """Accepted when it is stored; done in the background."""
        known = _KNOWN | wanted.also
        wrong = [name for name, value in params.items() if name not in known and value]
        if wrong or set(params.get("Features") or []) - {"GENERAL_LABELS"}:
            raise invalid(f"Not supported here: {', '.join(wrong) or 'Features'}")
        place = part(params["Video"], "S3Object")
        if "Version" in place or not {"Bucket", "Name"} <= place.keys():
            raise invalid("Video.S3Object: give Bucket and Name; versions are not kept here")
        try:
            found = await self._objects.get(place["Bucket"], place["Name"])
        except ObjectError:
            raise ServiceError(
                "InvalidS3ObjectException",
                "Unable to get object metadata from S3. Check object key, region and/or access "
                "permissions.",
                status=400,
            ) from None
        if found.size > _LARGEST:
            raise ServiceError("VideoTooLargeException", "The video is too large", status=400)
        id = uuid4().hex
        job = {
            "JobId": id,
            "JobTag": params.get("JobTag"),
            "JobStatus": "IN_PROGRESS",
            "analysis": wanted.name,
            "place": place,
            "least": params.get("MinConfidence", 50.0) / 100,
            "started": time(),
        }
        await self._keep(job)
        self._background.start(self._do(job), f"{wanted.name} of the video {place['Name']}")
        return {"JobId": id}

    async def _get(self, wanted: Analysis, params: Params) -> Params:
        if params.get("AggregateBy", "TIMESTAMPS") != "TIMESTAMPS":
            raise invalid("AggregateBy SEGMENTS is not supported here")
        found = await self._store.get(_KIND, params["JobId"])
        job: Params = msgspec.json.decode(found.body) if found else {}
        if not job or _analysis(job) is not wanted:
            text = "Could not find JobId"
            raise ServiceError("ResourceNotFoundException", text, status=400)
        answer = {
            name: job[name]
            for name in ("JobId", "JobTag", "JobStatus", "StatusMessage", "VideoMetadata")
            if job.get(name) is not None
        }
        labels: list[Params] = job.get("labels") or []
        if params.get("SortBy") == "NAME":
            labels.sort(key=lambda each: (each[wanted.label]["Name"], each["Timestamp"]))
        start = params.get("NextToken") or "0"
        if not start.isdigit():
            text = "Pagination token is not valid"
            raise ServiceError("InvalidPaginationTokenException", text, status=400)
        end = int(start) + params.get("MaxResults", 1000)
        answer[f"{wanted.label}s"] = labels[int(start) : end]
        if end < len(labels):
            answer["NextToken"] = str(end)
        return {**answer, **wanted.version}

    async def resume(self) -> None:
        """Do again what an earlier process left undone."""
        async for document in self._store.scan(_KIND):
            job: Params = msgspec.json.decode(document.body)
            if job["JobStatus"] == "IN_PROGRESS":
                await self._do(job)

    async def _keep(self, job: Params) -> None:
        await keep(self._store, _KIND, job["JobId"], msgspec.json.encode(job))

    async def _do(self, job: Params) -> None:
        """Whatever goes wrong ends in the job's message."""
        try:
            done = await self._watched(job)
        except (ObjectError, ConnectionError) as error:
            done = {"JobStatus": "FAILED", "StatusMessage": f"The video: {error}"}
        except (Missing, Failed) as error:
            done = {"JobStatus": "FAILED", "StatusMessage": str(error)}
        except (Busy, TimeoutError):
            done = {"JobStatus": "FAILED", "StatusMessage": "The engine has too much to do"}
        await self._keep({**job, **done})

    async def _watched(self, job: Params) -> Params:
        place: Params = job["place"]
        wanted, least = _analysis(job), job["least"]
        found = await self._objects.get(place["Bucket"], place["Name"])
        handle, path = await asyncio.to_thread(tempfile.mkstemp, prefix="torana-video-")
        try:
            with os.fdopen(handle, "wb") as file:
                async for piece in self._objects.read(found, 0, found.size):
                    await asyncio.to_thread(file.write, piece)
            video = Video(path, 0.0 if wanted.sums else least)
            (seen,) = await self._engines(wanted.capability, [video], _LONGEST)
        finally:
            await asyncio.to_thread(Path(path).unlink)
        if seen.bad:
            return {"JobStatus": "FAILED", "StatusMessage": seen.bad}
        return {
            "JobStatus": "SUCCEEDED",
            "labels": [
                {"Timestamp": frame.milliseconds, **each}
                for frame in seen.frames
                for each in wanted.entries(frame.labels, least)
            ],
            "VideoMetadata": {
                "Codec": seen.codec,
                "DurationMillis": seen.milliseconds,
                "Format": seen.format,
                "FrameRate": seen.rate,
                "FrameHeight": seen.height,
                "FrameWidth": seen.width,
            },
        }


def _analysis(job: Params) -> Analysis:
    """Of a job; those of before there were several say nothing of it."""
    return _ANALYSES[job.get("analysis", _LABELS.name)]
