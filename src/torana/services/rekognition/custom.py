"""Custom labels: projects, their trained versions, and what these see in a picture.

Source: Amazon Rekognition Custom Labels Guide, "Image-Level labels in manifest files".
"""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any, cast
from uuid import uuid4

import msgspec

from torana.message import BodyTooLarge, read
from torana.model.picture import Example, Pupil, Sight
from torana.services.background import Background
from torana.services.documents import keep
from torana.services.engine_calls import EngineCalls
from torana.services.members import part, parts
from torana.services.ports import Busy, Call, Engines, Failed, Missing
from torana.services.rekognition.pictures import Params, Pictures, invalid
from torana.state.objects import ObjectError, ObjectStore
from torana.state.store import Store
from torana.wire.faults import ServiceError

_PROJECT, _VERSION = "rekognition-project", "rekognition-version"
"""Under their ARNs."""
_LONGEST = 3600.0
_MOST_MANIFEST, _MOST_PICTURE, _MOST_PICTURES = 64 * 1024 * 1024, 15 * 1024 * 1024, 20_000
_KIND = "groundtruth/image-classification"


class _Unusable(Exception):
    """The pictures cannot be trained on; says why."""


class Trainings:
    """Keeps projects and versions, and trains these. `folder`: for models' files."""

    def __init__(self, store: Store, objects: ObjectStore, engines: Engines, folder: Path) -> None:
        self.store, self._objects, self._engines = store, objects, engines
        self._folder = folder

    async def get(self, kind: str, arn: str) -> Params:
        """A document. Raises `ServiceError`."""
        found = await self.store.get(kind, arn)
        if found is None:
            text = "The request contains an invalid resource ARN"
            raise ServiceError("ResourceNotFoundException", f"{text}: {arn}", status=400)
        return msgspec.json.decode(found.body)

    async def all(self, kind: str, prefix: str = "") -> list[Params]:
        """Documents, the newest first."""
        found = [
            cast(Params, msgspec.json.decode(each.body))
            async for each in self.store.scan(kind, prefix)
        ]
        return sorted(found, key=lambda each: -each["CreationTimestamp"])

    async def keep(self, kind: str, arn: str, document: Params | None) -> None:
        """Write it down; None: forget it."""
        body = None if document is None else msgspec.json.encode(document)
        await keep(self.store, kind, arn, body)

    def path(self, version: Params) -> Path:
        """The model's file."""
        return self._folder / version["model"]

    async def resume(self) -> None:
        """Train what an earlier process left untrained."""
        for each in await self.all(_VERSION):
            if each["Status"] == "TRAINING_IN_PROGRESS":
                await self.train(each)

    async def train(self, version: Params) -> None:
        """Whatever goes wrong ends in the version's message."""
        try:
            done = await self._trained(version)
        except (ObjectError, ConnectionError) as error:
            done = {"Status": "TRAINING_FAILED", "StatusMessage": f"The pictures: {error}"}
        except (_Unusable, Missing, Failed) as error:
            done = {"Status": "TRAINING_FAILED", "StatusMessage": str(error)}
        except (Busy, TimeoutError):
            text = "The engine has too much to do"
            done = {"Status": "TRAINING_FAILED", "StatusMessage": text}
        if await self.store.get(_VERSION, version["ProjectVersionArn"]) is not None:
            whole = {**version, **done, "TrainingEndTimestamp": time()}
            await self.keep(_VERSION, version["ProjectVersionArn"], whole)

    async def _trained(self, version: Params) -> Params:
        started = time()
        with tempfile.TemporaryDirectory(prefix="torana-pictures-") as folder:
            examples = await self._examples(version["training"], Path(folder))
            test = await self._examples(version["testing"], Path(folder))
            pupil = Pupil(examples, test, str(self.path(version)))
            (found,) = await self._engines("image_training", [pupil], _LONGEST)
        if found.bad:
            raise _Unusable(found.bad)
        return {
            "Status": "TRAINING_COMPLETED",
            "StatusMessage": "The model is ready to run.",
            "EvaluationResult": {"F1Score": found.f1},
            "BillableTrainingTimeInSeconds": round(time() - started),
        }

    async def _examples(self, manifests: list[Params], folder: Path) -> list[Example]:
        found: list[Example] = []
        for place in manifests:
            text = await self._stored(place["Bucket"], place["Name"], _MOST_MANIFEST)
            for number, line in enumerate(text.splitlines(), 1):
                if line.strip():
                    where = f"{place['Name']}, line {number}"
                    found.append(await self._example(line, where, folder))
                if len(found) > _MOST_PICTURES:
                    raise _Unusable(f"There may be {_MOST_PICTURES} pictures at most")
        return found

    async def _example(self, line: bytes, where: str, folder: Path) -> Example:
        try:
            row = msgspec.json.decode(line, type=Params)
        except msgspec.MsgspecError:
            raise _Unusable(f"{where}: it must be a JSON object") from None
        source = str(row.get("source-ref", ""))
        bucket, _, key = source.removeprefix("s3://").partition("/")
        if not source.startswith("s3://") or not key:
            raise _Unusable(f"{where}: source-ref must be s3://bucket/key")
        labels = _labels(row)
        if not labels:
            raise _Unusable(f"{where}: it has no label of the type {_KIND}")
        file = folder / f"{uuid4().hex}-{key.rpartition('/')[2][-60:]}"
        data = await self._stored(bucket, key, _MOST_PICTURE)
        await asyncio.to_thread(file.write_bytes, data)
        return Example(str(file), labels)

    async def _stored(self, bucket: str, key: str, most: int) -> bytes:
        found = await self._objects.get(bucket, key)
        try:
            return await read(self._objects.read(found, 0, found.size), most)
        except BodyTooLarge:
            raise _Unusable(f"{key} has more than {most} bytes") from None


def _labels(row: Params) -> tuple[str, ...]:
    """What a line of a manifest says of its picture."""
    found: list[str] = []
    for name, value in row.items():
        if not name.endswith("-metadata") or not isinstance(value, dict):
            continue
        told = cast(Params, value)
        there = row.get(name.removesuffix("-metadata"))
        if told.get("type") == _KIND and told.get("class-name") and there != 0:
            found.append(str(told["class-name"]))
    return tuple(dict.fromkeys(found))


class CustomLabels:
    """The operations."""

    def __init__(
        self,
        trainings: Trainings,
        pictures: Pictures,
        engines: EngineCalls,
        background: Background,
    ) -> None:
        self._trainings, self._pictures, self._engines = trainings, pictures, engines
        self._background = background

    async def CreateProject(self, call: Call, params: Params) -> Params:
        if params.get("Feature", "CUSTOM_LABELS") != "CUSTOM_LABELS" or params.get("Tags"):
            raise invalid("Only projects of CUSTOM_LABELS without tags are supported here")
        name = params["ProjectName"]
        for each in await self._trainings.all(_PROJECT):
            if each["name"] == name:
                text = "The specified project already exists."
                raise ServiceError("ResourceInUseException", text, status=400)
        account = call.principal.account
        stamp = round(time() * 1000)
        arn = f"arn:aws:rekognition:{call.region}:{account}:project/{name}/{stamp}"
        made = {"name": name, "ProjectArn": arn, "CreationTimestamp": time(), "Status": "CREATED"}
        await self._trainings.keep(_PROJECT, arn, made)
        return {"ProjectArn": arn}

    async def DescribeProjects(self, call: Call, params: Params) -> Params:
        names: list[str] | None = params.get("ProjectNames")
        found = [
            {
                "ProjectArn": each["ProjectArn"],
                "CreationTimestamp": _moment(each["CreationTimestamp"]),
                "Status": each["Status"],
                "Feature": "CUSTOM_LABELS",
            }
            for each in await self._trainings.all(_PROJECT)
            if names is None or each["name"] in names
        ]
        return {"ProjectDescriptions": found}

    async def DeleteProject(self, call: Call, params: Params) -> Params:
        project = await self._trainings.get(_PROJECT, params["ProjectArn"])
        if await self._versions(project):
            text = "The project has models: delete them first"
            raise ServiceError("ResourceInUseException", text, status=400)
        await self._trainings.keep(_PROJECT, params["ProjectArn"], None)
        return {"Status": "DELETING"}

    async def _versions(self, project: Params) -> list[Params]:
        prefix = f"{project['ProjectArn'].rpartition('/')[0]}/version/"
        return await self._trainings.all(_VERSION, prefix)

    async def CreateProjectVersion(self, call: Call, params: Params) -> Params:
        """Accepted now, trained in the background."""
        wrong = [name for name in ("KmsKeyId", "FeatureConfig", "Tags") if params.get(name)]
        if wrong:
            raise invalid(f"Not supported here: {', '.join(wrong)}")
        project = await self._trainings.get(_PROJECT, params["ProjectArn"])
        training = _manifests(part(params, "TrainingData"))
        testing = _manifests(part(params, "TestingData"))
        if not training:
            raise invalid("TrainingData.Assets with a GroundTruthManifest is needed here")
        name = params["VersionName"]
        if any(each["VersionName"] == name for each in await self._versions(project)):
            text = "The specified version already exists."
            raise ServiceError("ResourceInUseException", text, status=400)
        stamp = round(time() * 1000)
        arn = f"{project['ProjectArn'].rpartition('/')[0]}/version/{name}/{stamp}"
        made: Params = {
            "ProjectVersionArn": arn,
            "VersionName": name,
            "VersionDescription": params.get("VersionDescription"),
            "CreationTimestamp": time(),
            "Status": "TRAINING_IN_PROGRESS",
            "StatusMessage": "The model is being trained.",
            "OutputConfig": params["OutputConfig"],
            "training": training,
            "testing": testing,
            "model": f"labels-{uuid4().hex}.npz",
        }
        await self._trainings.keep(_VERSION, arn, made)
        self._background.start(self._trainings.train(made), f"training of {arn}")
        return {"ProjectVersionArn": arn}

    async def DescribeProjectVersions(self, call: Call, params: Params) -> Params:
        project = await self._trainings.get(_PROJECT, params["ProjectArn"])
        names: list[str] | None = params.get("VersionNames")
        found = [
            _shown(each)
            for each in await self._versions(project)
            if names is None or each["VersionName"] in names
        ]
        return {"ProjectVersionDescriptions": found}

    async def StartProjectVersion(self, call: Call, params: Params) -> Params:
        """Running at once; inference units change nothing here."""
        await self._change(params, ("TRAINING_COMPLETED", "STOPPED"), "RUNNING")
        return {"Status": "RUNNING"}

    async def StopProjectVersion(self, call: Call, params: Params) -> Params:
        await self._change(params, ("RUNNING",), "STOPPED")
        return {"Status": "STOPPED"}

    async def DeleteProjectVersion(self, call: Call, params: Params) -> Params:
        """With its model; not while it is running."""
        idle = ("TRAINING_COMPLETED", "TRAINING_FAILED", "STOPPED")
        version = await self._change(params, idle, "DELETING")
        await self._trainings.keep(_VERSION, version["ProjectVersionArn"], None)
        await asyncio.to_thread(self._trainings.path(version).unlink, missing_ok=True)
        return {"Status": "DELETING"}

    async def _change(self, params: Params, among: tuple[str, ...], status: str) -> Params:
        version = await self._trainings.get(_VERSION, params["ProjectVersionArn"])
        if version["Status"] not in among:
            text = f"The model is {version['Status']}"
            raise ServiceError("ResourceInUseException", text, status=400)
        version["Status"] = status
        await self._trainings.keep(_VERSION, version["ProjectVersionArn"], version)
        return version

    async def DetectCustomLabels(self, call: Call, params: Params) -> Params:
        """The labels of a running model, the surest first."""
        version = await self._trainings.get(_VERSION, params["ProjectVersionArn"])
        if version["Status"] != "RUNNING":
            text = "The model is not running: call StartProjectVersion"
            raise ServiceError("ResourceNotReadyException", text, status=400)
        picture = await self._pictures.bytes_of(params["Image"])
        sight = Sight(str(self._trainings.path(version)), picture)
        (found,) = await self._engines.run(call, "custom_labels", [sight])
        if found.bad:
            raise ServiceError("InvalidImageFormatException", found.bad, status=400)
        least: float = params.get("MinConfidence", 50.0)
        labels = [
            {"Name": each.name, "Confidence": 100 * each.score}
            for each in found.labels
            if 100 * each.score >= least
        ]
        return {"CustomLabels": labels[: params.get("MaxResults", 100)]}


def _manifests(data: Params) -> list[Params]:
    """Where the manifests of assets lie."""
    found: list[Any] = []
    for asset in parts(data, "Assets"):
        place = part(part(asset, "GroundTruthManifest"), "S3Object")
        if not {"Bucket", "Name"} <= place.keys():
            raise invalid("Assets: each must be a GroundTruthManifest with Bucket and Name")
        found.append(place)
    return found


_SHOWN = (
    *("ProjectVersionArn", "VersionDescription", "Status", "StatusMessage", "OutputConfig"),
    *("EvaluationResult", "BillableTrainingTimeInSeconds"),
)


def _shown(version: Params) -> Params:
    found = {name: version[name] for name in _SHOWN if version.get(name) is not None}
    for name in ("CreationTimestamp", "TrainingEndTimestamp"):
        if name in version:
            found[name] = _moment(version[name])
    return {**found, "Feature": "CUSTOM_LABELS"}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
