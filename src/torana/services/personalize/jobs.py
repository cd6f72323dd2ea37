"""Imports and trainings, which go on in the background.

A group's data and its models lie in a folder of this node.
"""

import asyncio
import csv
import hashlib
import io
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

import msgspec

from torana.model.recommendation import Studied, Study
from torana.services.documents import keep
from torana.services.members import part
from torana.services.personalize import recipes, schemas
from torana.services.personalize.book import (
    ACTIVE,
    DATASET,
    FAILED,
    IMPORT,
    PENDING,
    RECOMMENDER,
    SCHEMA,
    VERSION,
    Json,
    Kind,
)
from torana.services.ports import Busy, Engines, Failed, Missing
from torana.state.interactions import Interaction, InteractionFile, Table
from torana.state.objects import Object, ObjectError, ObjectStore
from torana.state.store import Store

_log = logging.getLogger("torana.personalize")

_LONGEST = 4 * 3600.0
_MOST_BYTES = 8 * 1024**3
_FILES = 1000
_TABLES: dict[str, Table] = {schemas.ITEMS: "items", schemas.USERS: "users"}
_KEYS = {schemas.ITEMS: "ITEM_ID", schemas.USERS: "USER_ID"}
_OWN = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "EVENT_ID")


class _Unusable(Exception):
    """The data cannot be imported or learned from; says why."""


class Jobs:
    """Does them. `folder`: for data and models."""

    def __init__(self, store: Store, objects: ObjectStore, engines: Engines, folder: Path) -> None:
        self._store, self._objects, self._engines = store, objects, engines
        self._folder = folder / "personalize"

    def data(self, group: str) -> Path:
        """The file of a dataset group, by its ARN."""
        return self._folder / f"{hashlib.sha256(group.encode()).hexdigest()[:24]}.db"

    def model(self, name: str) -> Path:
        """A model's file."""
        return self._folder / name

    async def resume(self) -> None:
        """Do again what an earlier process left undone."""
        work: tuple[tuple[Kind, Callable[[Json], Any]], ...] = (
            (IMPORT, self.load),
            (VERSION, self.train),
            (RECOMMENDER, self.train_recommender),
        )
        for kind, do in work:
            async for document in self._store.scan(kind.store):
                found: Json = msgspec.json.decode(document.body)
                if found["status"] == PENDING:
                    await do(found)

    async def load(self, job: Json) -> None:
        """From the files in the bucket to the dataset."""
        await self._do(IMPORT, job, self._load)

    async def train(self, version: Json) -> None:
        """From the data to a model."""
        await self._do(VERSION, version, self._train)

    async def train_recommender(self, recommender: Json) -> None:
        """The same, for a use case of a domain."""
        await self._do(RECOMMENDER, recommender, self._train_recommender)

    async def _do(self, kind: Kind, given: Json, work: Callable[[Json], Any]) -> None:
        try:
            done: Json = await work(given)
            done["status"] = ACTIVE
        except (ObjectError, ConnectionError) as error:
            done = {"status": FAILED, "failureReason": f"The data cannot be read: {error}"}
        except (_Unusable, Missing, Failed) as error:
            done = {"status": FAILED, "failureReason": str(error)}
        except (Busy, TimeoutError):
            done = {"status": FAILED, "failureReason": "The engine has too much to do"}
        name = given[kind.arn]
        there = await self._store.get(kind.store, name)
        if there is not None:
            whole = {**msgspec.json.decode(there.body), **done, "lastUpdatedDateTime": time()}
            await keep(self._store, kind.store, name, msgspec.json.encode(whole))

    async def _get(self, kind: Kind, name: str) -> Json:
        found = await self._store.get(kind.store, name)
        if found is None:
            raise _Unusable(f"{name} is gone")
        return msgspec.json.decode(found.body)

    # Imports.

    async def _load(self, job: Json) -> Json:
        dataset = await self._get(DATASET, job["datasetArn"])
        schema = await self._get(SCHEMA, dataset["schemaArn"])
        columns = schemas.fields(schema["schema"])
        bucket, _, prefix = job["dataSource"]["dataLocation"].removeprefix("s3://").partition("/")
        found = await self._objects.keys(bucket, prefix, "", _FILES)
        files = [each for each in found if each.size]
        if not files or sum(each.size for each in files) > _MOST_BYTES:
            raise _Unusable(f"There must be data at the location, {_MOST_BYTES} bytes at most")
        group = InteractionFile(self.data(dataset["datasetGroupArn"]))
        handle, path = await asyncio.to_thread(tempfile.mkstemp, prefix="torana-import-")
        try:
            with os.fdopen(handle, "wb") as whole:
                starts = [await self._copy(each, whole) for each in files]
            count = await asyncio.to_thread(
                _put, group, dataset["datasetType"], job, columns, Path(path), starts
            )
        finally:
            await asyncio.to_thread(Path(path).unlink)
        return {"rows": count}

    async def _copy(self, source: Object, target: io.BufferedWriter) -> tuple[str, int, int]:
        """Name, begin and size in the target."""
        begin = target.tell()
        async for piece in self._objects.read(source, 0, source.size):
            await asyncio.to_thread(target.write, piece)
        return source.key, begin, source.size

    # Trainings.

    async def _train(self, version: Json) -> Json:
        config = part(version, "solutionConfig")
        given = part(config, "algorithmHyperParameters")
        threshold: str | None = config.get("eventValueThreshold")
        return await self._study(
            version["datasetGroupArn"],
            version["recipeArn"],
            version.get("eventType") or "",
            float(threshold) if threshold else None,
            int(given.get("hidden_dimension", 64)),
        )

    async def _train_recommender(self, recommender: Json) -> Json:
        name = recommender["recipeArn"].rpartition("/")[2]
        event = recipes.DOMAIN[name][2]
        return await self._study(
            recommender["datasetGroupArn"], recommender["recipeArn"], event, None, 64
        )

    async def _study(
        self, group: str, recipe: str, event: str, threshold: float | None, factors: int
    ) -> Json:
        started, model = time(), f"{uuid4().hex}.npz"
        study = Study(
            str(self.data(group)),
            str(self.model(model)),
            recipes.method(recipe),
            event,
            threshold,
            factors,
        )
        found: Studied
        (found,) = await self._engines("recommender_training", [study], _LONGEST)
        if found.bad:
            raise _Unusable(found.bad)
        return {
            "model": model,
            "metrics": found.metrics,
            "modelMetrics": found.metrics,
            "trainingHours": (time() - started) / 3600,
        }


def _put(
    group: InteractionFile,
    kind: str,
    job: Json,
    columns: dict[str, tuple[str, bool]],
    path: Path,
    starts: list[tuple[str, int, int]],
) -> int:
    source, anew = job["datasetImportJobArn"], job.get("importMode", "FULL") == "FULL"
    rows = _rows(columns, path, starts)
    if kind == schemas.INTERACTIONS:
        return group.put_interactions(_interactions(rows, source), source, anew=anew)
    key = _KEYS[kind]
    return group.put(_TABLES[kind], ((each[key], each) for _, each in rows), source, anew=anew)


def _rows(
    columns: dict[str, tuple[str, bool]], path: Path, starts: list[tuple[str, int, int]]
) -> Iterator[tuple[str, Json]]:
    """Where each row stands, and its values. Raises `_Unusable`."""
    with path.open("rb") as whole:
        for name, begin, size in starts:
            whole.seek(begin)
            lines = _lines(whole, size, name)
            for number, given in enumerate(csv.DictReader(lines), 2):
                upper = {(key or "").upper(): value for key, value in given.items()}
                try:
                    yield f"{name}:{number}", schemas.row(columns, upper)
                except schemas.BadRow as error:
                    raise _Unusable(f"{name}, line {number}: {error}") from None


def _lines(whole: io.BufferedReader, size: int, name: str) -> Iterator[str]:
    try:
        while size > 0 and (line := whole.readline(size)):
            size -= len(line)
            yield line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Unusable(f"{name} is not UTF-8") from None


def _interactions(rows: Iterator[tuple[str, Json]], source: str) -> Iterator[Interaction]:
    for place, each in rows:
        value = each.get("EVENT_VALUE")
        yield Interaction(
            f"{source}:{place}",
            each["USER_ID"],
            each["ITEM_ID"],
            str(each.get("EVENT_TYPE", "")),
            float(each["TIMESTAMP"]),
            None if value is None else float(value),
            fields={name: v for name, v in each.items() if name not in _OWN},
        )
