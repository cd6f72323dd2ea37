"""Operations on schemas, dataset groups, datasets, imports and event trackers."""

import asyncio
import re
from uuid import uuid4

from torana.services.background import Background
from torana.services.personalize import schemas
from torana.services.personalize.book import (
    DATASET,
    FILTER,
    GROUP,
    IMPORT,
    KINDS,
    PENDING,
    RECOMMENDER,
    SCHEMA,
    SOLUTION,
    TAGS,
    TRACKER,
    Book,
    Json,
    Reads,
    Sheet,
    absent,
    gone,
    in_use,
    invalid,
    new,
    refuse,
    the,
)
from torana.services.personalize.jobs import Jobs
from torana.services.ports import Call
from torana.state.interactions import InteractionFile, Kept

_LOCATION = re.compile(r"s3://[^/]+/.*")
_TABLES: dict[str, Kept] = {
    schemas.INTERACTIONS: "interactions",
    schemas.ITEMS: "items",
    schemas.USERS: "users",
}
_EVENTS_OF = "personalize-tracking"
"""Under a tracking id: the dataset group's ARN."""


class Datasets:
    """Operations on schemas, groups and datasets."""

    def __init__(self, book: Book, jobs: Jobs) -> None:
        self._book, self._reads, self._jobs = book, Reads(book), jobs

    async def CreateSchema(self, call: Call, params: Json) -> Json:
        schemas.fields(params["schema"])

        async def work(sheet: Sheet) -> Json:
            made = await new(sheet, call, SCHEMA, f"schema/{params['name']}", {**params})
            return {"schemaArn": made["schemaArn"]}

        return await self._book.edit(call, work)

    async def DescribeSchema(self, call: Call, params: Json) -> Json:
        return await self._reads.describe(SCHEMA, params["schemaArn"], "schema")

    async def ListSchemas(self, call: Call, params: Json) -> Json:
        return await self._reads.list(SCHEMA, params, "schemas")

    async def DeleteSchema(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            async for _, each in sheet.scan(DATASET.store):
                if each["schemaArn"] == params["schemaArn"]:
                    raise in_use(f"{each['datasetArn']} uses the schema")
            await gone(sheet, params["schemaArn"], SCHEMA)
            return {}

        return await self._book.edit(call, work)

    async def CreateDatasetGroup(self, call: Call, params: Json) -> Json:
        refuse(params, "kmsKeyArn")

        async def work(sheet: Sheet) -> Json:
            made = await new(sheet, call, GROUP, f"dataset-group/{params['name']}", {**params})
            return {name: made.get(name) for name in ("datasetGroupArn", "domain")}

        return await self._book.edit(call, work)

    async def DescribeDatasetGroup(self, call: Call, params: Json) -> Json:
        return await self._reads.describe(GROUP, params["datasetGroupArn"], "datasetGroup")

    async def ListDatasetGroups(self, call: Call, params: Json) -> Json:
        return await self._reads.list(GROUP, params, "datasetGroups")

    async def DeleteDatasetGroup(self, call: Call, params: Json) -> Json:
        """With its data; not while anything else belongs to it."""
        name = params["datasetGroupArn"]

        async def work(sheet: Sheet) -> Json:
            for kind in (DATASET, SOLUTION, TRACKER, FILTER, RECOMMENDER):
                async for id, each in sheet.scan(kind.store):
                    if each["datasetGroupArn"] == name:
                        raise in_use(f"{id} belongs to the dataset group")
            await gone(sheet, name, GROUP)
            return {}

        answer = await self._book.edit(call, work)
        await asyncio.to_thread(InteractionFile(self._jobs.data(name)).remove)
        return answer

    async def CreateDataset(self, call: Call, params: Json) -> Json:
        kind = params["datasetType"].upper()
        if kind not in schemas.REQUIRED:
            known = ", ".join(schemas.REQUIRED)
            raise invalid(f"datasetType {kind} is not served here: one of {known} is")

        async def work(sheet: Sheet) -> Json:
            group = await the(sheet, GROUP, params["datasetGroupArn"])
            schema = await the(sheet, SCHEMA, params["schemaArn"])
            schemas.check(schema["schema"], kind)
            place = f"dataset/{group['name']}/{kind}"
            made = await new(sheet, call, DATASET, place, {**params, "datasetType": kind})
            return {"datasetArn": made["datasetArn"]}

        return await self._book.edit(call, work)

    async def DescribeDataset(self, call: Call, params: Json) -> Json:
        return await self._reads.describe(DATASET, params["datasetArn"], "dataset")

    async def ListDatasets(self, call: Call, params: Json) -> Json:
        return await self._reads.list(DATASET, params, "datasets", "datasetGroupArn")

    async def DeleteDataset(self, call: Call, params: Json) -> Json:
        """With what was imported into it."""

        async def work(sheet: Sheet) -> Json:
            found = await the(sheet, DATASET, params["datasetArn"])
            await gone(sheet, params["datasetArn"], DATASET)
            return found

        found = await self._book.edit(call, work)
        file = InteractionFile(self._jobs.data(found["datasetGroupArn"]))
        await asyncio.to_thread(file.forget, _TABLES[found["datasetType"]])
        return {}


class Imports:
    """Operations on imports."""

    def __init__(self, book: Book, jobs: Jobs, background: Background) -> None:
        self._book, self._reads, self._jobs = book, Reads(book), jobs
        self._background = background

    async def CreateDatasetImportJob(self, call: Call, params: Json) -> Json:
        """Accepted now, done in the background."""
        refuse(params, "publishAttributionMetricsToS3")
        location = params["dataSource"].get("dataLocation", "")
        if not _LOCATION.fullmatch(location):
            raise invalid("dataSource.dataLocation must be s3://bucket/key")

        async def work(sheet: Sheet) -> Json:
            await the(sheet, DATASET, params["datasetArn"])
            given = {**params, "status": PENDING, "importMode": params.get("importMode", "FULL")}
            return await new(sheet, call, IMPORT, f"dataset-import-job/{params['jobName']}", given)

        made = await self._book.edit(call, work)
        self._background.start(self._jobs.load(made), f"import {params['jobName']}")
        return {"datasetImportJobArn": made["datasetImportJobArn"]}

    async def DescribeDatasetImportJob(self, call: Call, params: Json) -> Json:
        name = params["datasetImportJobArn"]
        return await self._reads.describe(IMPORT, name, "datasetImportJob")

    async def ListDatasetImportJobs(self, call: Call, params: Json) -> Json:
        return await self._reads.list(IMPORT, params, "datasetImportJobs", "datasetArn")


class Trackers:
    """Operations on event trackers."""

    def __init__(self, book: Book) -> None:
        self._book, self._reads = book, Reads(book)

    async def CreateEventTracker(self, call: Call, params: Json) -> Json:
        id, tracking = uuid4().hex[:8], str(uuid4())

        async def work(sheet: Sheet) -> Json:
            group = await the(sheet, GROUP, params["datasetGroupArn"])
            async for _, each in sheet.scan(TRACKER.store):
                if each["datasetGroupArn"] == params["datasetGroupArn"]:
                    raise in_use(f"{group['name']} has an event tracker")
            given = {**params, "trackingId": tracking, "accountId": call.principal.account}
            made = await new(sheet, call, TRACKER, f"event-tracker/{id}", given)
            sheet.put(_EVENTS_OF, tracking, {"group": params["datasetGroupArn"]})
            return {"eventTrackerArn": made["eventTrackerArn"], "trackingId": tracking}

        return await self._book.edit(call, work)

    async def DescribeEventTracker(self, call: Call, params: Json) -> Json:
        return await self._reads.describe(TRACKER, params["eventTrackerArn"], "eventTracker")

    async def ListEventTrackers(self, call: Call, params: Json) -> Json:
        return await self._reads.list(TRACKER, params, "eventTrackers", "datasetGroupArn")

    async def DeleteEventTracker(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the(sheet, TRACKER, params["eventTrackerArn"])
            if await sheet.get(_EVENTS_OF, found["trackingId"]) is not None:
                sheet.delete(_EVENTS_OF, found["trackingId"])
            await gone(sheet, params["eventTrackerArn"], TRACKER)
            return {}

        return await self._book.edit(call, work)


async def group_of(book: Book, tracking: str) -> str:
    """The dataset group that a tracking id's events belong to. Raises the service's error."""

    async def work(sheet: Sheet) -> Json | None:
        return await sheet.get(_EVENTS_OF, tracking)

    found = await book.read(work)
    if found is None:
        raise invalid(f"There is no event tracker of the tracking id {tracking}")
    return found["group"]


class Tags:
    """Operations on tags."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def TagResource(self, call: Call, params: Json) -> Json:
        given = {each["tagKey"]: each["tagValue"] for each in params["tags"]}

        async def work(sheet: Sheet) -> Json:
            found = await self._of(sheet, params["resourceArn"])
            sheet.put(TAGS, params["resourceArn"], {**found, **given})
            return {}

        return await self._book.edit(call, work)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await self._of(sheet, params["resourceArn"])
            left = {name: each for name, each in found.items() if name not in params["tagKeys"]}
            sheet.put(TAGS, params["resourceArn"], left)
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await self._of(sheet, params["resourceArn"])
            return {"tags": [{"tagKey": key, "tagValue": value} for key, value in found.items()]}

        return await self._book.read(work)

    async def _of(self, sheet: Sheet, name: str) -> Json:
        for kind in KINDS:
            if await sheet.get(kind.store, name) is not None:
                return await sheet.get(TAGS, name) or {}
        raise absent(name)
