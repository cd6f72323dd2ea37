"""Asynchronous analyses: of every document under an address in S3, done in the background.

Source: Amazon Comprehend Developer Guide, "Asynchronous batch processing", "Outputs for
asynchronous operations" and "Asynchronous jobs for PII".
"""

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from time import time
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.message import BodyTooLarge, read
from torana.services.background import Background
from torana.services.comprehend import analyses
from torana.services.comprehend.analyses import Analysis
from torana.services.comprehend.documents import Params, check_language
from torana.services.comprehend.models import Classifier, Models
from torana.services.comprehend.recognizer_models import Recognizer, Recognizers
from torana.services.comprehend.redaction import redacted
from torana.services.documents import keep, write_object
from torana.services.members import part
from torana.services.ports import Busy, Call, Engines, Failed, Missing
from torana.state.objects import Object, ObjectError
from torana.state.store import Change, Conflict
from torana.wire.faults import ServiceError

_KIND = "comprehend-job"
"""Under `{kind}/{job id}`."""
_BATCH, _PAUSE, _TRIES = 25, 1.0, 60
_SECONDS = 600.0
_MOST_FILES, _MOST_BYTES = 10_000, 64 * 1024 * 1024
_OVER = ("COMPLETED", "FAILED", "STOPPED")


class JobKind(Struct, frozen=True):
    """A kind of job: its operations' names, its analysis."""

    name: str
    """Between `Start` and `Job`, as `SentimentDetection`."""
    code: str
    """In the output's address."""
    analysis: Analysis | None
    """None: the classes of a classifier of one's own."""
    more: tuple[str, ...] = ()
    """Members of its requests beside those of all."""


KINDS = (
    JobKind("DominantLanguageDetection", "LANGUAGE", analyses.DOMINANT_LANGUAGE),
    JobKind("SentimentDetection", "SENTIMENT", analyses.SENTIMENT, ("LanguageCode",)),
    JobKind(
        "TargetedSentimentDetection",
        "TARGETED_SENTIMENT",
        analyses.TARGETED_SENTIMENT,
        ("LanguageCode",),
    ),
    JobKind(
        "EntitiesDetection",
        "NER",
        analyses.ENTITIES,
        ("LanguageCode", "EntityRecognizerArn"),
    ),
    JobKind("KeyPhrasesDetection", "KP", analyses.KEY_PHRASES, ("LanguageCode",)),
    JobKind(
        "PiiEntitiesDetection", "PII", analyses.PII, ("LanguageCode", "Mode", "RedactionConfig")
    ),
    JobKind("DocumentClassification", "CLN", None, ("DocumentClassifierArn",)),
)
_COMMON = ("InputDataConfig", "OutputDataConfig", "DataAccessRoleArn", "JobName")


class Question(Struct, frozen=True):
    """What the classification takes."""

    path: str
    text: str


class _Unusable(Exception):
    """The job cannot be done; says why."""


class _Stopped(Exception):
    """Somebody stopped the job."""


def _bad(why: str) -> ServiceError:
    return ServiceError("InvalidRequestException", why, status=400)


class Jobs:
    """Keeps jobs and does them."""

    def __init__(
        self,
        models: Models,
        recognizers: Recognizers,
        engines: Engines,
        languages: Callable[[str], frozenset[str]] = lambda capability: frozenset(),
        background: Background | None = None,
    ) -> None:
        self._models, self._engines, self._languages = models, engines, languages
        self._recognizers = recognizers
        self._store, self._objects = models.store, models.objects
        self._background = background or Background()

    def operations(self) -> SimpleNamespace:
        """Start, describe, list and stop, for every kind."""
        found: dict[str, Any] = {}
        for kind in KINDS:
            found[f"Start{kind.name}Job"] = partial(self._start, kind)
            found[f"Describe{kind.name}Job"] = partial(self._describe, kind)
            found[f"List{kind.name}Jobs"] = partial(self._list, kind)
            if kind.analysis is not None:
                found[f"Stop{kind.name}Job"] = partial(self._stop, kind)
        return SimpleNamespace(**found)

    async def _start(self, kind: JobKind, call: Call, params: Params) -> Params:
        """Accepted when it is stored."""
        known = {*_COMMON, *kind.more, "ClientRequestToken"}
        wrong = [name for name, value in params.items() if name not in known and value]
        if wrong:
            raise _bad(f"Not supported here: {', '.join(wrong)}")
        for name in ("InputDataConfig", "OutputDataConfig"):
            given: Params = params[name]
            if given.get("DocumentReaderConfig") or given.get("KmsKeyId"):
                raise _bad(f"{name}: DocumentReaderConfig and KmsKeyId are not supported here")
            if not given["S3Uri"].removeprefix("s3://").partition("/")[0]:
                raise _bad(f"{name}.S3Uri must be s3://bucket/prefix")
        own: str = params.get("EntityRecognizerArn") or ""
        if own:
            await self._recognizer(own)
        elif kind.analysis is not None and "LanguageCode" in params:
            check_language(params["LanguageCode"], self._languages(kind.analysis.capability))
        if params.get("Mode") == "ONLY_REDACTION" and not params.get("RedactionConfig"):
            raise _bad("RedactionConfig is required for ONLY_REDACTION")
        if kind.analysis is None:
            await self._classifier(params.get("DocumentClassifierArn", ""))
        id = uuid4().hex
        account = call.principal.account
        word = _dashed(kind.name)
        job: Params = {
            **{name: params[name] for name in (*_COMMON, *kind.more) if name in params},
            "JobId": id,
            "JobArn": f"arn:aws:comprehend:{call.region}:{account}:{word}-job/{id}",
            "JobStatus": "SUBMITTED",
            "SubmitTime": time(),
        }
        bucket, _, prefix = job["OutputDataConfig"]["S3Uri"].removeprefix("s3://").partition("/")
        folder = f"{prefix.rstrip('/')}/" if prefix else ""
        place = f"s3://{bucket}/{folder}{account}-{kind.code}-{id}/output/"
        if kind.code != "PII":
            place += "output.tar.gz"
        job["OutputDataConfig"] = {"S3Uri": place}
        await self._keep(kind, job)
        self._background.start(self._do(kind, job), f"{word} job {id}")
        shown = {name: job[name] for name in ("JobId", "JobArn", "JobStatus")}
        models = ("DocumentClassifierArn", "EntityRecognizerArn")
        return {**shown, **{name: job[name] for name in models if job.get(name)}}

    async def _describe(self, kind: JobKind, call: Call, params: Params) -> Params:
        job = await self._find(kind, params["JobId"])
        return {f"{kind.name}JobProperties": _shown(job)}

    async def _list(self, kind: JobKind, call: Call, params: Params) -> Params:
        """The newest first."""
        wanted = part(params, "Filter")
        found: list[Params] = []
        async for document in self._store.scan(_KIND, f"{kind.name}/"):
            job: Params = msgspec.json.decode(document.body)
            if _passes(job, wanted):
                found.append(job)
        found.sort(key=lambda job: -job["SubmitTime"])
        start = params.get("NextToken") or "0"
        if not start.isdigit():
            raise _bad("NextToken is not one of this list")
        end = int(start) + (params.get("MaxResults") or 100)
        shown = [_shown(job) for job in found[int(start) : end]]
        answer: Params = {f"{kind.name}JobPropertiesList": shown}
        return {**answer, "NextToken": str(end)} if end < len(found) else answer

    async def _stop(self, kind: JobKind, call: Call, params: Params) -> Params:
        """It ends before its next documents."""
        news = {"JobStatus": "STOP_REQUESTED"}
        job = await self._change(kind, params["JobId"], news, ("SUBMITTED", "IN_PROGRESS"))
        return {"JobId": job["JobId"], "JobStatus": job["JobStatus"]}

    async def _find(self, kind: JobKind, id: str) -> Params:
        found = await self._store.get(_KIND, f"{kind.name}/{id}")
        if found is None:
            raise ServiceError("JobNotFoundException", "The specified job was not found.")
        return msgspec.json.decode(found.body)

    async def _change(self, kind: JobKind, id: str, news: Params, among: tuple[str, ...]) -> Params:
        """The job, changed if its status is one of `among`: others may change it meanwhile."""
        name = f"{kind.name}/{id}"
        while True:
            there = await self._store.get(_KIND, name)
            if there is None:
                raise ServiceError("JobNotFoundException", "The specified job was not found.")
            job: Params = msgspec.json.decode(there.body)
            if job["JobStatus"] not in among:
                return job
            job |= news
            try:
                body = msgspec.json.encode(job)
                await self._store.commit([Change(_KIND, name, there.version, body)])
            except Conflict:
                continue
            return job

    async def _keep(self, kind: JobKind, job: Params) -> None:
        await keep(self._store, _KIND, f"{kind.name}/{job['JobId']}", msgspec.json.encode(job))

    async def _classifier(self, arn: str) -> Classifier:
        found = await self._models.classifier(arn)
        if found is None or found.status != "TRAINED":
            raise ServiceError("ResourceUnavailableException", f"There is no trained {arn}")
        return found

    async def _recognizer(self, arn: str) -> Recognizer:
        found = await self._recognizers.get(arn)
        if found is None or found.status != "TRAINED":
            raise ServiceError("ResourceUnavailableException", f"There is no trained {arn}")
        return found

    # Doing them.

    async def resume(self) -> None:
        """Do again what an earlier process left undone."""
        for kind in KINDS:
            async for document in self._store.scan(_KIND, f"{kind.name}/"):
                job: Params = msgspec.json.decode(document.body)
                if job["JobStatus"] not in _OVER:
                    await self._do(kind, job)

    async def _do(self, kind: JobKind, job: Params) -> None:
        """Whatever goes wrong ends in the job's message."""
        await self._change(kind, job["JobId"], {"JobStatus": "IN_PROGRESS"}, ("SUBMITTED",))
        done = {"JobStatus": "COMPLETED"}
        try:
            await self._analyse(kind, job)
        except _Stopped:
            done = {"JobStatus": "STOPPED"}
        except (ObjectError, ConnectionError) as error:
            done = {"JobStatus": "FAILED", "Message": f"The documents or the output: {error}"}
        except (_Unusable, Missing, Failed, ServiceError) as error:
            done = {"JobStatus": "FAILED", "Message": str(error)}
        going = ("SUBMITTED", "IN_PROGRESS", "STOP_REQUESTED")
        await self._change(kind, job["JobId"], {**done, "EndTime": time()}, going)

    async def _analyse(self, kind: JobKind, job: Params) -> None:
        bucket, _, key = job["OutputDataConfig"]["S3Uri"].removeprefix("s3://").partition("/")
        lines: list[bytes] = []
        async for file in self._files(job):
            texts = await self._texts(job, file)
            name = file.key.rpartition("/")[2]
            found: list[Params] = []
            for start in range(0, len(texts), _BATCH):
                if (await self._find(kind, job["JobId"]))["JobStatus"] == "STOP_REQUESTED":
                    raise _Stopped
                found += await self._some(kind, job, texts[start : start + _BATCH])
            by_line = job["InputDataConfig"].get("InputFormat") == "ONE_DOC_PER_LINE"
            told = [
                {"File": name, **({"Line": at} if by_line else {}), **each}
                for at, each in enumerate(found)
            ]
            if kind.code == "PII":
                body = _personal(job, texts, told)
                await write_object(self._objects, bucket, f"{key}{name}.out", body, "text/plain")
            else:
                lines += [msgspec.json.encode(each) for each in told]
        if kind.code != "PII":
            data = await asyncio.to_thread(_packed, b"".join(line + b"\n" for line in lines))
            await write_object(self._objects, bucket, key, data, "application/x-gzip")

    async def _files(self, job: Params) -> AsyncIterator[Object]:
        place: str = job["InputDataConfig"]["S3Uri"]
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        found = [
            each
            for each in await self._objects.keys(bucket, prefix, "", _MOST_FILES)
            if each.size and not each.key.endswith("/")
        ]
        if not found or len(found) == _MOST_FILES:
            raise _Unusable(f"{place}: there must be a file and fewer than {_MOST_FILES}")
        for each in found:
            yield each

    async def _texts(self, job: Params, file: Object) -> list[str]:
        try:
            data = await read(self._objects.read(file, 0, file.size), _MOST_BYTES)
            text = data.decode("utf-8-sig")
        except BodyTooLarge:
            raise _Unusable(f"{file.key} has more than {_MOST_BYTES} bytes") from None
        except UnicodeDecodeError:
            raise _Unusable(f"{file.key} is not UTF-8") from None
        if job["InputDataConfig"].get("InputFormat") == "ONE_DOC_PER_LINE":
            return text.splitlines()
        return [text]

    async def _some(self, kind: JobKind, job: Params, texts: list[str]) -> list[Params]:
        """What is found in each text; an error for those that are empty or too long."""
        longest = kind.analysis.longest if kind.analysis else analyses.ENTITIES.longest
        found: list[Params] = [_error(text, longest) for text in texts]
        fitting = [at for at, each in enumerate(found) if not each]
        if kind.analysis is None:
            classifier = await self._classifier(job["DocumentClassifierArn"])
            path = str(self._models.path(classifier))
            items: list[Any] = [Question(path, texts[at]) for at in fitting]
            capability, write = "classification", partial(_classes, classifier.exclusive)
        elif job.get("EntityRecognizerArn"):
            path = str(self._recognizers.path(await self._recognizer(job["EntityRecognizerArn"])))
            items = [Question(path, texts[at]) for at in fitting]
            capability, write = "custom_entities", kind.analysis.write
        else:
            language = job.get("LanguageCode", "")
            items = [kind.analysis.item(texts[at], language) for at in fitting]
            capability, write = kind.analysis.capability, kind.analysis.write
        answers = await self._run(capability, items) if items else []
        for at, answer in zip(fitting, answers, strict=True):
            found[at] = write(answer)
        return found

    async def _run(self, capability: str, items: list[Any]) -> list[Any]:
        """A busy engine is asked again, as a job can wait."""
        for _ in range(_TRIES):
            try:
                return await self._engines(capability, items, _SECONDS)
            except Busy:
                await asyncio.sleep(_PAUSE)
            except TimeoutError:
                raise _Unusable("The engine took too long") from None
        raise _Unusable("The engine has too much to do")


def _error(text: str, longest: int) -> Params:
    size = len(text.encode())
    if not text.strip():
        return {"ErrorCode": "DOCUMENT_EMPTY", "ErrorMessage": "The document is empty."}
    if size > longest:
        why = f"Document size is {size} bytes, the limit is {longest} bytes."
        return {"ErrorCode": "DOCUMENT_SIZE_EXCEEDED", "ErrorMessage": why}
    return {}


def _classes(exclusive: bool, found: list[Any]) -> Params:
    shown = [{"Name": each.label, "Score": each.score} for each in found]
    return {"Classes": shown} if exclusive else {"Labels": shown}


def _personal(job: Params, texts: list[str], told: list[Params]) -> bytes:
    """The file of a document's personal data: where it stands, or the text without it."""
    if job["Mode"] == "ONLY_OFFSETS":
        return b"".join(msgspec.json.encode(each) + b"\n" for each in told)
    config: Params = job["RedactionConfig"]
    kept = [
        redacted(text, each.get("Entities") or [], config)
        for text, each in zip(texts, told, strict=True)
    ]
    return "\n".join(kept).encode()


def _packed(data: bytes) -> bytes:
    """A file `output` in an archive, as the service leaves it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("output")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _dashed(name: str) -> str:
    return "".join(f"-{each.lower()}" if each.isupper() else each for each in name).strip("-")


def _passes(job: Params, wanted: Mapping[str, Any]) -> bool:
    before, after = wanted.get("SubmitTimeBefore"), wanted.get("SubmitTimeAfter")
    return (
        wanted.get("JobName") in (None, job.get("JobName"))
        and wanted.get("JobStatus") in (None, job["JobStatus"])
        and (before is None or job["SubmitTime"] < before.timestamp())
        and (after is None or job["SubmitTime"] > after.timestamp())
    )


def _shown(job: Params) -> Params:
    found = {**job, "SubmitTime": datetime.fromtimestamp(job["SubmitTime"], UTC)}
    if "EndTime" in job:
        found["EndTime"] = datetime.fromtimestamp(job["EndTime"], UTC)
    return found
