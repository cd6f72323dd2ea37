"""Functions: made, changed, shown, listed, deleted, published.

Source: AWS Lambda API Reference.
"""

import time
from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

import msgspec
from msgspec import structs

from torana.services.lambda_.book import Book
from torana.services.lambda_.concurrency import check_queue
from torana.services.lambda_.layers import Layers
from torana.services.lambda_.names import (
    LATEST,
    check_revision,
    conflict,
    invalid,
    split,
)
from torana.services.lambda_.records import Config, Record
from torana.services.lambda_.shown import configuration, digest, fixed, page
from torana.services.ports import Call, Missing

Json = dict[str, Any]

_UNSUPPORTED = {
    "VpcConfig": "a VPC",
    "FileSystemConfigs": "file systems",
    "ImageConfig": "container images",
    "CodeSigningConfigArn": "code signing",
    "CapacityProviderConfig": "capacity providers",
    "DurableConfig": "durable executions",
    "KMSKeyArn": "keys of one's own for the environment",
}
_ENVIRONMENT_LIMIT = 4096
_RESERVED = ("AWS_LAMBDA_", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "_HANDLER", "_X_AMZN")


class Functions:
    """Operations on functions and their versions."""

    def __init__(self, book: Book, layers: Layers) -> None:
        self._book, self._layers = book, layers

    async def CreateFunction(self, call: Call, params: Json) -> Json:
        """Make a function of a zip."""
        name, _ = split(params["FunctionName"])
        if name in self._book.records or name in self._book.fixed_all():
            raise conflict(f"Function already exist: {name}")
        if params.get("PackageType", "Zip") != "Zip":
            raise invalid("Functions from container images are not supported here; send a zip")
        if not params.get("Runtime") or not params.get("Handler"):
            raise invalid(
                "Runtime and Handler are mandatory parameters for functions created with "
                "deployment packages."
            )
        codes = await self._layers.codes_of(params.get("Layers") or [])
        await self._check_dead_letter(params)
        config = self._configured(Config(LATEST, "", "", "", "", 0, 0.0, ""), params, codes)
        sha, size = await self._book.codes.take(params["Code"])
        config = _touched(structs.replace(config, code_sha256=sha, code_size=size))

        def create(record: Record | None) -> Record:
            if record is not None:
                raise conflict(f"Function already exist: {name}")
            return Record(name, config, tags=dict(params.get("Tags") or {}))

        record = await self._book.edit(name, create)
        assert record is not None
        if params.get("Publish"):
            return await self._publish(name, "")
        return configuration(self._book, record, record.latest)

    async def UpdateFunctionCode(self, call: Call, params: Json) -> Json:
        """Other code from now on."""
        record, _ = self._book.get(params["FunctionName"])
        check_revision(params.get("RevisionId"), record.latest.revision)
        sha, size = await self._book.codes.take(params)
        if params.get("DryRun"):
            shown = structs.replace(record.latest, code_sha256=sha, code_size=size)
            return configuration(self._book, record, shown)

        def update(found: Record) -> Record:
            check_revision(params.get("RevisionId"), found.latest.revision)
            latest = structs.replace(found.latest, code_sha256=sha, code_size=size)
            return structs.replace(found, latest=_touched(latest))

        record = await self._book.edit_known(record.name, update)
        if params.get("Publish"):
            return await self._publish(record.name, "")
        return configuration(self._book, record, record.latest)

    async def UpdateFunctionConfiguration(self, call: Call, params: Json) -> Json:
        """Other settings from now on."""
        record, _ = self._book.get(params["FunctionName"])
        codes = await self._layers.codes_of(params.get("Layers") or [])
        await self._check_dead_letter(params)

        def update(found: Record) -> Record:
            check_revision(params.get("RevisionId"), found.latest.revision)
            latest = self._configured(found.latest, params, codes)
            return structs.replace(found, latest=_touched(latest))

        record = await self._book.edit_known(record.name, update)
        return configuration(self._book, record, record.latest)

    async def GetFunction(self, call: Call, params: Json) -> Json:
        """A function with where its code is."""
        name, _ = split(params["FunctionName"])
        shown: Json = {"Configuration": await self.GetFunctionConfiguration(call, params)}
        if self._book.fixed(name) is None:
            record = self._book.records[name]
            shown["Code"] = {"RepositoryType": "S3"}
            shown["Tags"] = record.tags
            if record.reserved is not None:
                shown["Concurrency"] = {"ReservedConcurrentExecutions": record.reserved}
        return shown

    async def GetFunctionConfiguration(self, call: Call, params: Json) -> Json:
        """A version's settings."""
        name, qualifier = split(params["FunctionName"], params.get("Qualifier"))
        there = self._book.fixed(name)
        if there is not None and qualifier in ("", LATEST):
            return fixed(there, qualifier)
        record, qualifier = self._book.get(params["FunctionName"], params.get("Qualifier"))
        config = self._book.config(record, qualifier)
        return configuration(self._book, record, config, qualifier)

    async def ListFunctions(self, call: Call, params: Json) -> Json:
        """All functions, with their versions if asked for."""
        shown = [fixed(each) for _, each in sorted(self._book.fixed_all().items())]
        for _, record in sorted(self._book.records.items()):
            if params.get("FunctionVersion") == "ALL":
                shown += self._versions(record)
            else:
                shown.append(configuration(self._book, record, record.latest))
        return page(shown, params, "Functions")

    async def DeleteFunction(self, call: Call, params: Json) -> Json:
        """A function, or one version of it."""
        record, qualifier = self._book.get(params["FunctionName"], params.get("Qualifier"))
        if not qualifier:
            await self._book.edit_known(record.name, lambda found: None)
            return {}
        if qualifier == LATEST:
            raise invalid("$LATEST version cannot be deleted without deleting the function.")

        def delete(found: Record) -> Record:
            if qualifier not in found.versions:
                return found
            if any(qualifier in (a.version, *a.weights) for a in found.aliases.values()):
                raise conflict("Version is currently referenced by an alias")
            left = {key: each for key, each in found.versions.items() if key != qualifier}
            return structs.replace(found, versions=left)

        await self._book.edit_known(record.name, delete)
        self._book.runner.forget(self._book.place.function(record.name), qualifier)
        return {}

    async def PublishVersion(self, call: Call, params: Json) -> Json:
        """Freeze the newest code and settings under a number."""
        record, _ = self._book.get(params["FunctionName"])
        check_revision(params.get("RevisionId"), record.latest.revision)
        wanted = params.get("CodeSha256")
        if wanted and wanted != digest(record.latest.code_sha256):
            raise invalid(
                f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST "
                f"({digest(record.latest.code_sha256)}). Please try again with the CodeSHA256 in "
                "$LATEST."
            )
        return await self._publish(record.name, params.get("Description") or "")

    async def _publish(self, name: str, description: str) -> Json:
        def publish(found: Record) -> Record:
            last = found.versions.get(str(found.counter))
            if last is not None and _same(last, found.latest):
                return found
            number = found.counter + 1
            config = structs.replace(
                found.latest,
                version=str(number),
                revision=str(uuid4()),
                description=description or found.latest.description,
            )
            versions = {**found.versions, str(number): config}
            return structs.replace(found, versions=versions, counter=number)

        record = await self._book.edit_known(name, publish)
        config = record.versions[str(record.counter)]
        return configuration(self._book, record, config, config.version)

    async def ListVersionsByFunction(self, call: Call, params: Json) -> Json:
        """`$LATEST` and what was published."""
        record, _ = self._book.get(params["FunctionName"])
        return page(self._versions(record), params, "Versions")

    def _versions(self, record: Record) -> list[Json]:
        configs = [record.latest, *record.versions.values()]
        return [configuration(self._book, record, each, each.version) for each in configs]

    async def ListTags(self, call: Call, params: Json) -> Json:
        """A function's tags."""
        record, _ = self._book.get(params["Resource"])
        return {"Tags": record.tags}

    async def TagResource(self, call: Call, params: Json) -> Json:
        """Add tags."""
        record, _ = self._book.get(params["Resource"])
        await self._book.edit_known(
            record.name, lambda r: structs.replace(r, tags={**r.tags, **params["Tags"]})
        )
        return {}

    async def UntagResource(self, call: Call, params: Json) -> Json:
        """Remove tags."""
        record, _ = self._book.get(params["Resource"])

        def remove(found: Record) -> Record:
            left = {key: each for key, each in found.tags.items() if key not in params["TagKeys"]}
            return structs.replace(found, tags=left)

        await self._book.edit_known(record.name, remove)
        return {}

    async def _check_dead_letter(self, params: Json) -> None:
        given: Json = params.get("DeadLetterConfig") or {}
        arn: str = given.get("TargetArn") or ""
        if ":sqs:" in arn:
            await check_queue(self._book, arn)
        elif arn:
            raise invalid(f"{arn}: only SQS queues can be dead letter queues here")

    def _configured(self, config: Config, params: Json, layer_codes: tuple[str, ...]) -> Config:
        """With the settings of a request. Raises `ServiceError`."""
        _check_supported(params)
        changes: Json = {}
        for member, field in _PLAIN.items():
            if params.get(member) is not None:
                changes[field] = params[member]
        if params.get("EphemeralStorage"):
            changes["storage"] = params["EphemeralStorage"]["Size"]
        if params.get("Environment") is not None:
            changes["environment"] = self._sealed(params["Environment"].get("Variables") or {})
        if params.get("Layers") is not None:
            changes["layers"] = tuple(params["Layers"])
            changes["layer_codes"] = layer_codes
        if params.get("Architectures"):
            changes["architectures"] = tuple(params["Architectures"])
        if params.get("DeadLetterConfig") is not None:
            changes["dead_letter"] = params["DeadLetterConfig"].get("TargetArn") or ""
        after = structs.replace(config, **changes)
        if params.get("Role") is not None and not self._book.runner.takes(after.role):
            raise invalid("The role defined for the function cannot be assumed by Lambda.")
        try:
            self._book.runner.check(after.runtime, after.handler)
        except Missing as error:
            raise invalid(
                f"The runtime parameter of {after.runtime} is not supported here: {error}"
            ) from None
        return after

    def _sealed(self, variables: Mapping[str, str]) -> str:
        plain = msgspec.json.encode(variables)
        if len(plain) > _ENVIRONMENT_LIMIT:
            raise invalid(
                "Lambda was unable to configure your environment variables because the "
                "environment variables you have provided exceeded the 4KB limit."
            )
        reserved = [name for name in variables if name.startswith(_RESERVED)]
        if reserved:
            raise invalid(
                "Lambda was unable to configure your environment variables because the "
                "environment variables you have provided contains reserved keys that are "
                "currently not supported for modification. Reserved keys used in this request: "
                f"{', '.join(reserved)}"
            )
        return self._book.seal.close(plain) if variables else ""


_PLAIN = {
    "Runtime": "runtime",
    "Handler": "handler",
    "Role": "role",
    "Description": "description",
    "Timeout": "timeout",
    "MemorySize": "memory",
}


def _check_supported(params: Json) -> None:
    for member, what in _UNSUPPORTED.items():
        given = params.get(member)
        meant = list(cast(Json, given).values()) if isinstance(given, dict) else [given]
        if any(meant):
            raise invalid(f"{member}: {what} are not supported here")
    snap: Json = params.get("SnapStart") or {}
    if snap.get("ApplyOn", "None") != "None":
        raise invalid("SnapStart is not supported here")


def _touched(config: Config) -> Config:
    return structs.replace(config, modified=time.time(), revision=str(uuid4()))


def _same(published: Config, latest: Config) -> bool:
    """Whether nothing changed since: then publishing makes no new version."""
    names = ("version", "revision", "modified", "description")
    left, right = structs.asdict(published), structs.asdict(latest)
    return all(left[key] == right[key] for key in left if key not in names)
