"""How many instances a function may have, and how its asynchronous invocations are retried."""

import time
from typing import Any

from msgspec import structs

from torana.services.lambda_.book import Book
from torana.services.lambda_.names import invalid, missing
from torana.services.lambda_.records import AsyncConfig, Record
from torana.services.lambda_.shown import page
from torana.services.ports import Call
from torana.services.sqs.letter import addressee

Json = dict[str, Any]


class Concurrency:
    """Operations on limits and on asynchronous invocation."""

    def __init__(self, book: Book, limit: int) -> None:
        """`limit`: instances of all functions together."""
        self._book, self._limit = book, limit

    async def PutFunctionConcurrency(self, call: Call, params: Json) -> Json:
        """So many instances at most; 0 stops the function."""
        wanted = params["ReservedConcurrentExecutions"]
        record, _ = self._book.get(params["FunctionName"])
        others = sum(
            each.reserved or 0 for each in self._book.records.values() if each.name != record.name
        )
        if others + wanted > self._limit:
            raise invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [0]; [{self._limit}] "
                "instances may run here."
            )
        await self._book.edit_known(record.name, lambda r: structs.replace(r, reserved=wanted))
        return {"ReservedConcurrentExecutions": wanted}

    async def GetFunctionConcurrency(self, call: Call, params: Json) -> Json:
        """The limit, if there is one."""
        record, _ = self._book.get(params["FunctionName"])
        return {} if record.reserved is None else {"ReservedConcurrentExecutions": record.reserved}

    async def DeleteFunctionConcurrency(self, call: Call, params: Json) -> Json:
        """No limit of its own any more."""
        record, _ = self._book.get(params["FunctionName"])
        await self._book.edit_known(record.name, lambda r: structs.replace(r, reserved=None))
        return {}

    async def GetAccountSettings(self, call: Call, params: Json) -> Json:
        """What there may be, and what there is."""
        records = self._book.records.values()
        reserved = sum(record.reserved or 0 for record in records)
        return {
            "AccountLimit": {
                "TotalCodeSize": 80530636800,
                "CodeSizeUnzipped": 262144000,
                "CodeSizeZipped": 52428800,
                "ConcurrentExecutions": self._limit,
                "UnreservedConcurrentExecutions": self._limit - reserved,
            },
            "AccountUsage": {
                "TotalCodeSize": sum(record.latest.code_size for record in records),
                "FunctionCount": len(self._book.records) + len(self._book.fixed_all()),
            },
        }

    async def PutFunctionEventInvokeConfig(self, call: Call, params: Json) -> Json:
        """How asynchronous invocations are retried, all of it."""
        return await self._put(params, AsyncConfig(0))

    async def UpdateFunctionEventInvokeConfig(self, call: Call, params: Json) -> Json:
        """How asynchronous invocations are retried, what is named of it."""
        return await self._put(params, None)

    async def _put(self, params: Json, start: AsyncConfig | None) -> Json:
        record, qualifier = self._book.get(params["FunctionName"], params.get("Qualifier"))
        self._book.config(record, qualifier)
        await self._check(AsyncConfig(0, destinations=params.get("DestinationConfig") or {}))

        def change(found: Record) -> Record:
            before = start or self._known(found, qualifier)
            changes: Json = {"modified": time.time()}
            for member, field in _FIELDS:
                if params.get(member) is not None:
                    changes[field] = params[member]
            made = structs.replace(before, **changes)
            return structs.replace(found, asynchronous={**found.asynchronous, qualifier: made})

        record = await self._book.edit_known(record.name, change)
        return self._shown(record, qualifier)

    async def _check(self, config: AsyncConfig) -> None:
        for name in ("OnSuccess", "OnFailure"):
            arn = config.destination(name)
            if ":sqs:" in arn:
                await check_queue(self._book, arn)
            elif arn and ":lambda:" not in arn:
                raise invalid(
                    f"The destination ARN {arn} is invalid here: only functions and SQS queues "
                    "can be destinations."
                )

    async def GetFunctionEventInvokeConfig(self, call: Call, params: Json) -> Json:
        """How asynchronous invocations are retried."""
        record, qualifier = self._book.get(params["FunctionName"], params.get("Qualifier"))
        self._known(record, qualifier)
        return self._shown(record, qualifier)

    async def ListFunctionEventInvokeConfigs(self, call: Call, params: Json) -> Json:
        """All of a function's."""
        record, _ = self._book.get(params["FunctionName"])
        found = [self._shown(record, each) for each in sorted(record.asynchronous)]
        return page(found, params, "FunctionEventInvokeConfigs")

    async def DeleteFunctionEventInvokeConfig(self, call: Call, params: Json) -> Json:
        """Back to the usual."""
        record, qualifier = self._book.get(params["FunctionName"], params.get("Qualifier"))

        def delete(found: Record) -> Record:
            self._known(found, qualifier)
            left = {key: each for key, each in found.asynchronous.items() if key != qualifier}
            return structs.replace(found, asynchronous=left)

        await self._book.edit_known(record.name, delete)
        return {}

    def _known(self, record: Record, qualifier: str) -> AsyncConfig:
        found = record.asynchronous.get(qualifier)
        if found is None:
            arn = self._book.arn(record.name, qualifier or "$LATEST")
            raise missing(f"The function {arn} doesn't have an EventInvokeConfig")
        return found

    def _shown(self, record: Record, qualifier: str) -> Json:
        found = record.asynchronous[qualifier]
        shown: Json = {
            "LastModified": found.modified,
            "FunctionArn": self._book.arn(record.name, qualifier or "$LATEST"),
            "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}, **found.destinations},
        }
        if found.retries is not None:
            shown["MaximumRetryAttempts"] = found.retries
        if found.age is not None:
            shown["MaximumEventAgeInSeconds"] = found.age
        return shown


async def check_queue(book: Book, arn: str) -> None:
    """Raises `ServiceError` when there is no such queue."""
    if arn.split(":")[4:5] != [book.place.account] or await addressee(book.store, arn) is None:
        raise invalid(f"The destination ARN {arn} is invalid: there is no such queue.")


_FIELDS = (
    ("MaximumRetryAttempts", "retries"),
    ("MaximumEventAgeInSeconds", "age"),
    ("DestinationConfig", "destinations"),
)
