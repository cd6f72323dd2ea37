"""Events that come in, and recommendations that go out.

Source: Amazon Personalize API Reference, the operations of "Amazon Personalize Events" and "Amazon
Personalize Runtime".
"""

import asyncio
from typing import Any
from uuid import uuid4

from torana.model.recommendation import PERSONAL, SIMILAR, Picked, Wish
from torana.services.engine_calls import EngineCalls
from torana.services.members import part
from torana.services.personalize import recipes, schemas
from torana.services.personalize.book import (
    ACTIVE,
    CAMPAIGN,
    DATASET,
    FILTER,
    RECOMMENDER,
    SCHEMA,
    VERSION,
    Book,
    Json,
    Sheet,
    in_use,
    invalid,
    refuse,
    the,
)
from torana.services.personalize.datasets import group_of
from torana.services.personalize.jobs import Jobs
from torana.services.ports import Call
from torana.state.interactions import Interaction, InteractionFile, Table

_USUAL, _MOST = 25, 500
_MOST_EVENTS = 10


class Events:
    """What users do, and what becomes known of items and users."""

    def __init__(self, book: Book, jobs: Jobs) -> None:
        self._book, self._jobs = book, jobs

    async def PutEvents(self, call: Call, params: Json) -> Json:
        """Acknowledged when it is on disk; recommendations heed it from then on."""
        group = await group_of(self._book, params["trackingId"])
        rows = [
            Interaction(
                each.get("eventId") or str(uuid4()),
                params.get("userId") or "",
                each.get("itemId") or "",
                each["eventType"],
                each["sentAt"].timestamp(),
                each.get("eventValue"),
                params["sessionId"],
                schemas.properties(each.get("properties")),
            )
            for each in params["eventList"][:_MOST_EVENTS]
        ]
        file = InteractionFile(self._jobs.data(group))
        await asyncio.to_thread(file.put_interactions, rows)
        return {}

    async def PutItems(self, call: Call, params: Json) -> Json:
        given = [(each["itemId"], each.get("properties")) for each in params["items"]]
        return await self._put(params["datasetArn"], schemas.ITEMS, "items", given)

    async def PutUsers(self, call: Call, params: Json) -> Json:
        given = [(each["userId"], each.get("properties")) for each in params["users"]]
        return await self._put(params["datasetArn"], schemas.USERS, "users", given)

    async def _put(
        self, name: str, kind: str, table: Table, given: list[tuple[str, str | None]]
    ) -> Json:
        async def work(sheet: Sheet) -> tuple[Json, Json]:
            dataset = await the(sheet, DATASET, name)
            return dataset, await the(sheet, SCHEMA, dataset["schemaArn"])

        dataset, schema = await self._book.read(work)
        if dataset["datasetType"] != kind:
            raise invalid(f"{name} is no dataset of the type {kind}")
        columns, key = schemas.fields(schema["schema"]), schemas.REQUIRED[kind][0]
        rows: list[tuple[str, Json]] = []
        for id, text in given:
            try:
                row = schemas.row(columns, {**schemas.properties(text), key: id})
            except schemas.BadRow as error:
                raise invalid(f"{id}: {error}") from None
            rows.append((id, row))
        file = InteractionFile(self._jobs.data(dataset["datasetGroupArn"]))
        await asyncio.to_thread(file.put, table, rows)
        return {}


class Recommendations:
    """What a campaign or a recommender answers."""

    def __init__(self, book: Book, jobs: Jobs, engines: EngineCalls) -> None:
        self._book, self._jobs, self._engines = book, jobs, engines

    async def GetRecommendations(self, call: Call, params: Json) -> Json:
        """Items for a user, or like an item."""
        refuse(params, "promotions", "context")
        served = await self._served(params)
        method = recipes.method(served["recipeArn"])
        if method == PERSONAL and not params.get("userId"):
            raise invalid("userId is required by the recipe")
        if method == SIMILAR and not params.get("itemId"):
            raise invalid("itemId is required by the recipe")
        count = params.get("numResults") or _USUAL
        picked = await self._pick(call, params, served, min(count, _MOST), ())
        return {"itemList": picked, "recommendationId": f"RID-{uuid4()}"}

    async def GetPersonalizedRanking(self, call: Call, params: Json) -> Json:
        """The items that are given, in the order a user will like."""
        refuse(params, "context")
        served = await self._served(params)
        if recipes.method(served["recipeArn"]) != PERSONAL:
            raise invalid("The campaign's recipe does not rank items for users")
        among = tuple(dict.fromkeys(params["inputList"]))
        picked = await self._pick(call, params, served, len(among), among)
        return {"personalizedRanking": picked, "recommendationId": f"RID-{uuid4()}"}

    async def _served(self, params: Json) -> Json:
        """What is asked: a document with model, recipe and group. Raises the service's error."""

        async def work(sheet: Sheet) -> Json:
            if params.get("recommenderArn"):
                found = await the(sheet, RECOMMENDER, params["recommenderArn"])
            elif params.get("campaignArn"):
                campaign = await the(sheet, CAMPAIGN, params["campaignArn"])
                version = await the(sheet, VERSION, campaign["solutionVersionArn"])
                found = {**version, "config": campaign.get("campaignConfig")}
            else:
                raise invalid("campaignArn or recommenderArn is required")
            if found["status"] != ACTIVE:
                raise in_use(f"It is {found['status']}")
            wanted = params.get("filterArn")
            expression = (await the(sheet, FILTER, wanted))["filterExpression"] if wanted else ""
            return {**found, "filter": expression}

        return await self._book.read(work)

    async def _pick(
        self, call: Call, params: Json, served: Json, count: int, among: tuple[str, ...]
    ) -> list[Json]:
        columns: list[str] = part(params, "metadataColumns").get("ITEMS", [])
        config = part(served, "config") or part(served, "recommenderConfig")
        if columns and not config.get("enableMetadataWithRecommendations"):
            raise invalid("enableMetadataWithRecommendations is not set")
        wish = Wish(
            str(self._jobs.model(served["model"])),
            str(self._jobs.data(served["datasetGroupArn"])),
            count,
            params.get("userId") or "",
            params.get("itemId") or "",
            among,
            served["filter"],
            part(params, "filterValues"),
            tuple(columns),
        )
        found: Picked
        (found,) = await self._engines.run(call, "recommendation", [wish])
        if found.bad:
            raise invalid(found.bad)
        return [_item(each) for each in found.items]


def _item(picked: Any) -> Json:
    found: Json = {"itemId": picked.item}
    if picked.score is not None:
        found["score"] = picked.score
    if picked.metadata:
        found["metadata"] = picked.metadata
    return found
