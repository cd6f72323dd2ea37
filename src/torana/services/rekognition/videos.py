"""Labels of stored videos, found in the background.

Source: Amazon Rekognition Developer Guide, "Detecting labels in a video".
"""

import asyncio
import os
import tempfile
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
from torana.services.rekognition.pictures import Params, invalid
from torana.state.objects import ObjectError, ObjectStore
from torana.state.store import Store
from torana.wire.faults import ServiceError

_KIND = "rekognition-video"
_LONGEST = 3600.0
_LARGEST = 10 * 1024**3
_KNOWN = frozenset({"Video", "MinConfidence", "ClientRequestToken", "JobTag", "Features"})


class Video(Struct, frozen=True):
    """What the engine takes."""

    path: str
    least: float


class Videos:
    """The operations, and the jobs."""

    def __init__(
        self, store: Store, objects: ObjectStore, engines: Engines, background: Background
    ) -> None:
        self._store, self._objects, self._engines = store, objects, engines
        self._background = background

    async def StartLabelDetection(self, call: Call, params: Params) -> Params:
        """Accepted when it is stored; frames a second apart are looked at in the background."""
        wrong = [name for name, value in params.items() if name not in _KNOWN and value]
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
            "place": place,
            "least": params.get("MinConfidence", 50.0) / 100,
            "started": time(),
        }
        await self._keep(job)
        self._background.start(self._do(job), f"labels of the video {place['Name']}")
        return {"JobId": id}

    async def GetLabelDetection(self, call: Call, params: Params) -> Params:
        """Where it stands; then the labels, by time or by name."""
        if params.get("AggregateBy", "TIMESTAMPS") != "TIMESTAMPS":
            raise invalid("AggregateBy SEGMENTS is not supported here")
        found = await self._store.get(_KIND, params["JobId"])
        if found is None:
            text = "Could not find JobId"
            raise ServiceError("ResourceNotFoundException", text, status=400)
        job: Params = msgspec.json.decode(found.body)
        answer = {
            name: job[name]
            for name in ("JobId", "JobTag", "JobStatus", "StatusMessage", "VideoMetadata")
            if job.get(name) is not None
        }
        labels: list[Params] = job.get("labels") or []
        if params.get("SortBy") == "NAME":
            labels.sort(key=lambda each: (each["Label"]["Name"], each["Timestamp"]))
        start = params.get("NextToken") or "0"
        if not start.isdigit():
            text = "Pagination token is not valid"
            raise ServiceError("InvalidPaginationTokenException", text, status=400)
        end = int(start) + params.get("MaxResults", 1000)
        answer["Labels"] = labels[int(start) : end]
        if end < len(labels):
            answer["NextToken"] = str(end)
        return {**answer, "LabelModelVersion": "torana-efficientnet-lite0"}

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
        found = await self._objects.get(place["Bucket"], place["Name"])
        handle, path = await asyncio.to_thread(tempfile.mkstemp, prefix="torana-video-")
        try:
            with os.fdopen(handle, "wb") as file:
                async for piece in self._objects.read(found, 0, found.size):
                    await asyncio.to_thread(file.write, piece)
            (seen,) = await self._engines("video_labels", [Video(path, job["least"])], _LONGEST)
        finally:
            await asyncio.to_thread(Path(path).unlink)
        if seen.bad:
            return {"JobStatus": "FAILED", "StatusMessage": seen.bad}
        return {
            "JobStatus": "SUCCEEDED",
            "labels": [
                {"Timestamp": frame.milliseconds, "Label": _label(label)}
                for frame in seen.frames
                for label in frame.labels
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


def _label(found: Any) -> Params:
    return {
        "Name": found.name,
        "Confidence": 100 * found.score,
        "Instances": [],
        "Parents": [{"Name": name} for name in found.parents],
        "Aliases": [{"Name": name} for name in found.aliases],
    }
