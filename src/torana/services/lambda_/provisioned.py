"""Instances that are kept ready, whether they are used or not."""

from typing import Any

from msgspec import structs

from torana.services.lambda_.book import Book
from torana.services.lambda_.names import LATEST, invalid, no_function
from torana.services.lambda_.records import Record
from torana.services.lambda_.shown import moment, page
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Json = dict[str, Any]


class Provisioned:
    """Operations on provisioned concurrency."""

    def __init__(self, book: Book, limit: int) -> None:
        """`limit`: instances of all functions together."""
        self._book, self._limit = book, limit

    async def PutProvisionedConcurrencyConfig(self, call: Call, params: Json) -> Json:
        """Keep so many instances of a version or an alias."""
        record, qualifier = self._named(params)
        wanted = params["ProvisionedConcurrentExecutions"]
        if qualifier == LATEST or self._book.config(record, qualifier).version == LATEST:
            raise invalid(
                "Provisioned Concurrency Configs cannot be applied to unpublished "
                "function versions."
            )
        most = self._limit if record.reserved is None else record.reserved
        if wanted > most:
            raise invalid(f"Requested Provisioned Concurrency should not be greater than {most}")
        await self._set(record.name, qualifier, wanted)
        version, _ = await self._book.resolve(record.name, qualifier)
        await self._book.runner.prepare(version)
        return self._shown(self._book.records[record.name], qualifier)

    async def GetProvisionedConcurrencyConfig(self, call: Call, params: Json) -> Json:
        """How many are kept."""
        record, qualifier = self._named(params)
        if qualifier not in record.provisioned:
            raise ServiceError(
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
                fields={"Type": "User"},
            )
        return self._shown(record, qualifier)

    async def ListProvisionedConcurrencyConfigs(self, call: Call, params: Json) -> Json:
        """All of a function."""
        record, _ = self._book.get(params["FunctionName"])
        found = [
            {"FunctionArn": self._book.arn(record.name, name), **self._shown(record, name)}
            for name in sorted(record.provisioned)
        ]
        return page(found, params, "ProvisionedConcurrencyConfigs")

    async def DeleteProvisionedConcurrencyConfig(self, call: Call, params: Json) -> Json:
        """Keep none any more."""
        record, qualifier = self._named(params)
        await self._set(record.name, qualifier, 0)
        return {}

    def _named(self, params: Json) -> tuple[Record, str]:
        record, qualifier = self._book.get(params["FunctionName"], params["Qualifier"])
        if qualifier not in (LATEST, *record.versions, *record.aliases):
            raise no_function(self._book.arn(record.name, qualifier))
        return record, qualifier

    async def _set(self, name: str, qualifier: str, wanted: int) -> None:
        def change(found: Record) -> Record:
            kept = {key: each for key, each in found.provisioned.items() if key != qualifier}
            return structs.replace(
                found, provisioned={**kept, qualifier: wanted} if wanted else kept
            )

        await self._book.edit_known(name, change)

    def _shown(self, record: Record, qualifier: str) -> Json:
        wanted = record.provisioned[qualifier]
        config = self._book.config(record, qualifier)
        there, idle = self._book.runner.ready(self._book.arn(record.name), config.version)
        return {
            "RequestedProvisionedConcurrentExecutions": wanted,
            "AllocatedProvisionedConcurrentExecutions": min(there, wanted),
            "AvailableProvisionedConcurrentExecutions": min(idle, wanted),
            "Status": "READY" if there >= wanted else "IN_PROGRESS",
            "LastModified": moment(config.modified),
        }
