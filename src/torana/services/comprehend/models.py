"""Custom classifiers: what is kept of them and of their endpoints, and how one is trained."""

import csv
import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.services.comprehend.training import (
    LONGEST,
    Unusable,
    moment,
    now,
    outcome,
    progress,
    texts,
)
from torana.services.documents import keep
from torana.services.ports import Engines
from torana.state.objects import ObjectStore
from torana.state.store import Store

CLASSIFIER, ENDPOINT = "comprehend-classifier", "comprehend-endpoint"


class Classifier(Struct, frozen=True):
    """What is kept of a classifier. Its document's id is its ARN."""

    arn: str
    language: str
    role: str
    source: str
    """`s3://bucket/prefix` of the documents."""
    test: str
    delimiter: str
    exclusive: bool
    submitted: float
    model: str
    """The name of the model's file."""
    version: str = ""
    status: str = "SUBMITTED"
    message: str = ""
    started: float = 0.0
    ended: float = 0.0
    labels: int = 0
    documents: int = 0
    tested: int = 0
    metrics: dict[str, float] = {}


class Endpoint(Struct, frozen=True):
    """What is kept of an endpoint. Its document's id is its ARN."""

    arn: str
    model: str
    """The ARN of the classifier or recogniser."""
    units: int
    created: float


class Document(Struct, frozen=True):
    """What the training takes."""

    labels: tuple[str, ...]
    text: str


class Training(Struct, frozen=True):
    """What the training takes."""

    documents: list[Document]
    test: list[Document]
    exclusive: bool
    path: str


def new_model() -> str:
    """A name for a model's file."""
    return f"{uuid4().hex}.npz"


class Models:
    """Keeps classifiers and trains them. `folder`: for the models' files."""

    def __init__(self, store: Store, objects: ObjectStore, engines: Engines, folder: Path) -> None:
        self.store, self.objects, self._engines = store, objects, engines
        self._folder = folder

    def path(self, classifier: Classifier) -> Path:
        """The model's file."""
        return self._folder / classifier.model

    async def classifier(self, arn: str) -> Classifier | None:
        """By its ARN."""
        found = await self.store.get(CLASSIFIER, arn)
        return found and msgspec.json.decode(found.body, type=Classifier)

    async def endpoint(self, arn: str) -> Endpoint | None:
        """By its ARN."""
        found = await self.store.get(ENDPOINT, arn)
        return found and msgspec.json.decode(found.body, type=Endpoint)

    async def classifiers(self, prefix: str = "") -> list[Classifier]:
        """Those whose ARN begins so."""
        return [
            msgspec.json.decode(found.body, type=Classifier)
            async for found in self.store.scan(CLASSIFIER, prefix)
        ]

    async def endpoints(self, prefix: str = "") -> list[Endpoint]:
        """Those whose ARN begins so."""
        return [
            msgspec.json.decode(found.body, type=Endpoint)
            async for found in self.store.scan(ENDPOINT, prefix)
        ]

    async def keep(self, thing: Classifier | Endpoint) -> None:
        """Write it down."""
        kind = CLASSIFIER if isinstance(thing, Classifier) else ENDPOINT
        await keep(self.store, kind, thing.arn, msgspec.json.encode(thing))

    async def resume(self) -> None:
        """Train what an earlier process left untrained."""
        for each in await self.classifiers():
            if each.status in ("SUBMITTED", "TRAINING"):
                await self.train(each)

    async def train(self, wanted: Classifier) -> None:
        """From the documents to the model. Whatever goes wrong ends in its message."""
        wanted = msgspec.structs.replace(wanted, status="TRAINING", started=now())
        await self.keep(wanted)
        done = await outcome(wanted, self._trained(wanted))
        if await self.classifier(wanted.arn) is not None:
            await self.keep(done)

    async def _trained(self, wanted: Classifier) -> Classifier:
        documents = await self._documents(wanted, wanted.source)
        test = await self._documents(wanted, wanted.test) if wanted.test else []
        item = Training(documents, test, wanted.exclusive, str(self.path(wanted)))
        (made,) = await self._engines("classifier_training", [item], LONGEST)
        if made.bad:
            raise Unusable(made.bad)
        return msgspec.structs.replace(
            wanted,
            status="TRAINED",
            labels=made.labels,
            documents=made.documents,
            tested=made.tested,
            metrics=made.metrics,
        )

    async def _documents(self, wanted: Classifier, uri: str) -> list[Document]:
        """Every line of every file under the address."""
        found: list[Document] = []
        for key, text in await texts(self.objects, uri):
            found += _rows(wanted, key, text)
        return found


def _rows(wanted: Classifier, name: str, text: str) -> list[Document]:
    found: list[Document] = []
    for number, row in enumerate(csv.reader(io.StringIO(text)), 1):
        if not row:
            continue
        if len(row) != 2 or not row[0].strip() or not row[1].strip():
            raise Unusable(f"{name}, line {number}: it must have a label and a text")
        labels = [row[0]] if wanted.exclusive else row[0].split(wanted.delimiter)
        found.append(Document(tuple(label.strip() for label in labels), row[1]))
    return found


def described(found: Classifier) -> dict[str, Any]:
    """As the service writes it."""
    shown: dict[str, Any] = {
        "DocumentClassifierArn": found.arn,
        "LanguageCode": found.language,
        "Status": found.status,
        "SubmitTime": moment(found.submitted),
        "DataAccessRoleArn": found.role,
        "Mode": "MULTI_CLASS" if found.exclusive else "MULTI_LABEL",
        "InputDataConfig": {"DataFormat": "COMPREHEND_CSV", "S3Uri": found.source},
    }
    shown |= progress(found)
    if found.status == "TRAINED":
        shown["ClassifierMetadata"] = {
            "NumberOfLabels": found.labels,
            "NumberOfTrainedDocuments": found.documents,
            "NumberOfTestDocuments": found.tested,
            "EvaluationMetrics": found.metrics,
        }
    return shown


def endpoint_shown(found: Endpoint) -> dict[str, Any]:
    """As the service writes it."""
    return {
        "EndpointArn": found.arn,
        "Status": "IN_SERVICE",
        "ModelArn": found.model,
        "DesiredModelArn": found.model,
        "DesiredInferenceUnits": found.units,
        "CurrentInferenceUnits": found.units,
        "CreationTime": moment(found.created),
        "LastModifiedTime": moment(found.created),
    }
