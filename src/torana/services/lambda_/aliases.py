"""Aliases: names for versions, or for two of them by weight."""

from typing import Any
from uuid import uuid4

from msgspec import structs

from torana.services.lambda_.book import Book
from torana.services.lambda_.names import LATEST, check_revision, conflict, invalid, missing
from torana.services.lambda_.records import Alias, Record
from torana.services.lambda_.shown import alias as shown
from torana.services.lambda_.shown import page
from torana.services.ports import Call

Json = dict[str, Any]


class Aliases:
    """Operations on aliases."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateAlias(self, call: Call, params: Json) -> Json:
        """A new name."""
        record, _ = self._book.get(params["FunctionName"])
        name = params["Name"]
        arn = self._book.arn(record.name, name)

        def create(found: Record) -> Record:
            if name in found.aliases:
                raise conflict(f"Alias already exists: {arn}")
            made = self._changed(found, Alias(name, params["FunctionVersion"], ""), params)
            return structs.replace(found, aliases={**found.aliases, name: made})

        record = await self._book.edit_known(record.name, create)
        return shown(self._book, record, record.aliases[name])

    async def UpdateAlias(self, call: Call, params: Json) -> Json:
        """Another version, or other weights, under the name."""
        record, _ = self._book.get(params["FunctionName"])
        name = params["Name"]

        def update(found: Record) -> Record:
            there = self._known(found, name)
            check_revision(params.get("RevisionId"), there.revision)
            made = self._changed(found, there, params)
            return structs.replace(found, aliases={**found.aliases, name: made})

        record = await self._book.edit_known(record.name, update)
        return shown(self._book, record, record.aliases[name])

    async def GetAlias(self, call: Call, params: Json) -> Json:
        """What a name stands for."""
        record, _ = self._book.get(params["FunctionName"])
        return shown(self._book, record, self._known(record, params["Name"]))

    async def ListAliases(self, call: Call, params: Json) -> Json:
        """All names of a function, or those of one version."""
        record, _ = self._book.get(params["FunctionName"])
        wanted = params.get("FunctionVersion")
        found = [
            shown(self._book, record, each)
            for _, each in sorted(record.aliases.items())
            if wanted in (None, each.version)
        ]
        return page(found, params, "Aliases")

    async def DeleteAlias(self, call: Call, params: Json) -> Json:
        """A name, if it is there, and its function URL."""
        record, _ = self._book.get(params["FunctionName"])

        def delete(found: Record) -> Record:
            left = {key: each for key, each in found.aliases.items() if key != params["Name"]}
            urls = {key: each for key, each in found.urls.items() if key != params["Name"]}
            return structs.replace(found, aliases=left, urls=urls)

        await self._book.edit_known(record.name, delete)
        return {}

    def _known(self, record: Record, name: str) -> Alias:
        found = record.aliases.get(name)
        if found is None:
            raise missing(f"Cannot find alias arn: {self._book.arn(record.name, name)}")
        return found

    def _changed(self, record: Record, alias: Alias, params: Json) -> Alias:
        version = params.get("FunctionVersion") or alias.version
        weights = alias.weights
        if params.get("RoutingConfig") is not None:
            weights = dict(params["RoutingConfig"].get("AdditionalVersionWeights") or {})
        if len(weights) > 1:
            raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
        if weights and LATEST in (version, *weights):
            raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        if version in weights:
            raise invalid(
                f"Invalid function version {version}. Function version {version} is "
                "already included in routing configuration."
            )
        for each in (version, *weights):
            if each != LATEST and each not in record.versions:
                raise missing(f"Function not found: {self._book.arn(record.name, each)}")
        if any(not 0 <= weight <= 1 for weight in weights.values()):
            raise invalid("A weight must be between 0 and 1")
        description = params.get("Description")
        return Alias(
            alias.name,
            version,
            str(uuid4()),
            alias.description if description is None else description,
            weights,
        )
