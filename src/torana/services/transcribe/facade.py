"""Amazon Transcribe's batch operations."""

import re
from datetime import UTC, datetime
from typing import Any

from torana.services.background import Background
from torana.services.ports import Call
from torana.services.transcribe.jobs import Job, Jobs, Place
from torana.state.objects import NoBucket, NoObject, ObjectStore
from torana.wire.faults import ServiceError

Params = dict[str, Any]

_URI = re.compile(r"s3://([^/]+)/(.+)|https?://[^/]+/([^/]+)/(.+)", re.DOTALL)
_KNOWN = frozenset(
    {
        *("TranscriptionJobName", "LanguageCode", "Media", "MediaFormat", "MediaSampleRateHertz"),
        *("OutputBucketName", "OutputKey", "Subtitles", "JobExecutionSettings"),
    }
)
_LANGUAGE = "en"


def _bad(why: str) -> ServiceError:
    return ServiceError("BadRequestException", why, status=400)


class Transcribe:
    """The facade."""

    def __init__(self, jobs: Jobs, objects: ObjectStore, background: Background) -> None:
        self._jobs, self._objects, self._background = jobs, objects, background

    async def StartTranscriptionJob(self, call: Call, params: Params) -> Params:
        """Keeps the job, then does it in the background."""
        job = await self._job(call, params)
        if await self._jobs.get(job.region, job.name) is not None:
            text = "The requested job name already exists. Use a different job name."
            raise ServiceError("ConflictException", text, status=400)
        await self._jobs.keep(job)
        self._background.start(self._jobs.do(job), f"transcription job {job.name}")
        return {"TranscriptionJob": _described(job)}

    async def _job(self, call: Call, params: Params) -> Job:
        """Raises `ServiceError`."""
        unknown = [name for name, value in params.items() if name not in _KNOWN and value]
        if unknown:
            raise _bad(f"Not supported here: {', '.join(unknown)}")
        language: str = params.get("LanguageCode", "")
        if not language.startswith(f"{_LANGUAGE}-"):
            raise _bad(f"LanguageCode must be one of English, such as en-US, not {language!r}")
        name, bucket = params["TranscriptionJobName"], params.get("OutputBucketName")
        if not bucket:
            raise _bad("OutputBucketName is needed here: there is no bucket of the service's own")
        uri: str = params["Media"].get("MediaFileUri", "")
        match = _URI.fullmatch(uri)
        if match is None:
            raise _bad("MediaFileUri must be s3://bucket/key")
        media = Place(match[1] or match[3], match[2] or match[4])
        await self._check(media, bucket)
        key: str = params.get("OutputKey") or f"{name}.json"
        wanted: Params = params.get("Subtitles", {})
        return Job(
            call.region,
            call.principal.account,
            name,
            language,
            uri,
            media,
            Place(bucket, f"{key}{name}.json" if key.endswith("/") else key),
            datetime.now(UTC).timestamp(),
            f"http://{call.request.headers.get('host') or 's3.localhost'}",
            tuple(wanted.get("Formats", ())),
            wanted.get("OutputStartIndex", 0),
            params.get("MediaFormat", ""),
        )

    async def _check(self, media: Place, bucket: str) -> None:
        try:
            await self._objects.bucket(bucket)
            await self._objects.get(media.bucket, media.key)
        except (NoBucket, NoObject) as error:
            text = f"The S3 URI that you provided can't be accessed: {error}"
            raise _bad(text) from None

    async def _find(self, call: Call, params: Params) -> Job:
        found = await self._jobs.get(call.region, params["TranscriptionJobName"])
        if found is None:
            text = "The requested job couldn't be found. Check the job name and try again."
            raise ServiceError("NotFoundException", text, status=400)
        return found

    async def GetTranscriptionJob(self, call: Call, params: Params) -> Params:
        """Where it stands."""
        return {"TranscriptionJob": _described(await self._find(call, params))}

    async def ListTranscriptionJobs(self, call: Call, params: Params) -> Params:
        """The newest first, on one page."""
        status, part = params.get("Status"), params.get("JobNameContains", "")
        found = sorted(await self._jobs.all(call.region), key=lambda job: -job.created)
        most = params.get("MaxResults", 100)
        shown = [job for job in found if status in (None, job.status) and part in job.name]
        if len(shown) > most:
            shown = shown[:most]
        summaries = [_summary(job) for job in shown]
        answer: Params = {"TranscriptionJobSummaries": summaries}
        return {**answer, "Status": status} if status else answer

    async def DeleteTranscriptionJob(self, call: Call, params: Params) -> Params:
        """The transcript stays in its bucket."""
        await self._jobs.forget(await self._find(call, params))
        return {}


def _time(value: float) -> datetime:
    return datetime.fromtimestamp(value, UTC)


def _summary(job: Job) -> Params:
    shown: Params = {
        "TranscriptionJobName": job.name,
        "TranscriptionJobStatus": job.status,
        "LanguageCode": job.language,
        "CreationTime": _time(job.created),
        "OutputLocationType": "CUSTOMER_BUCKET",
    }
    if job.started:
        shown["StartTime"] = _time(job.started)
    if job.completed:
        shown["CompletionTime"] = _time(job.completed)
    if job.failure:
        shown["FailureReason"] = job.failure
    return shown


def _described(job: Job) -> Params:
    shown = _summary(job)
    del shown["OutputLocationType"]
    shown["Media"] = {"MediaFileUri": job.media_uri}
    if job.media_format:
        shown["MediaFormat"] = job.media_format
    if job.status == "COMPLETED":
        shown["Transcript"] = {"TranscriptFileUri": job.uri()}
    if job.formats:
        shown["Subtitles"] = {"Formats": list(job.formats), "OutputStartIndex": job.first_number}
        if job.status == "COMPLETED":
            shown["Subtitles"]["SubtitleFileUris"] = [job.uri(f".{f}") for f in job.formats]
    return shown
