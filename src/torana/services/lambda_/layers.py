"""Layers: packages that functions are laid on, under `/opt`."""

import re
import time
from typing import Any

import msgspec
from msgspec import Struct, structs

from torana.services.documents import keep
from torana.services.lambda_.book import Book
from torana.services.lambda_.names import invalid, missing
from torana.services.lambda_.shown import digest, moment, page
from torana.services.ports import Call
from torana.state.store import Change, Conflict

Json = dict[str, Any]

LAYER = "lambda-layer"
_ARN = re.compile(r"(?:arn:[^:]+:lambda:[^:]*:[^:]*:layer:)?([a-zA-Z0-9_-]{1,140})(?::(\d+))?")
_TRIES = 10


class Version(Struct, frozen=True):
    """One published version."""

    number: int
    code: str
    """Names it among the packages."""
    size: int
    created: float
    """Unix time."""
    description: str = ""
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    license: str = ""


class Layer(Struct, frozen=True):
    """A layer, whole."""

    name: str
    counter: int = 0
    versions: dict[str, Version] = {}


def split(reference: str) -> tuple[str, str]:
    """Name and version number (empty: none given). Raises `ServiceError`."""
    found = _ARN.fullmatch(reference)
    if found is None:
        raise invalid(f"The layer name or ARN is not valid: {reference[:200]}")
    return found[1], found[2] or ""


class Layers:
    """Operations on layers."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def PublishLayerVersion(self, call: Call, params: Json) -> Json:
        """One more version of a layer, or its first."""
        name, _ = split(params["LayerName"])
        sha, size = await self._book.codes.take(params["Content"], "layer-")
        for _ in range(_TRIES):
            document = await self._book.store.get(LAYER, name)
            layer = msgspec.json.decode(document.body, type=Layer) if document else Layer(name)
            version = Version(
                layer.counter + 1,
                sha,
                size,
                time.time(),
                params.get("Description") or "",
                tuple(params.get("CompatibleRuntimes") or ()),
                tuple(params.get("CompatibleArchitectures") or ()),
                params.get("LicenseInfo") or "",
            )
            versions = {**layer.versions, str(version.number): version}
            layer = structs.replace(layer, counter=version.number, versions=versions)
            before = document.version if document else 0
            change = Change(LAYER, name, before, msgspec.json.encode(layer))
            try:
                await self._book.store.commit([change])
            except Conflict:
                continue
            return self._shown(name, version)
        raise invalid("The layer is being published by others; try again")

    async def GetLayerVersion(self, call: Call, params: Json) -> Json:
        """A version by its number."""
        return await self._get(params["LayerName"], str(params["VersionNumber"]))

    async def GetLayerVersionByArn(self, call: Call, params: Json) -> Json:
        """A version by its ARN."""
        return await self._get(*split(params["Arn"]))

    async def _get(self, reference: str, number: str) -> Json:
        name, _ = split(reference)
        layer = await self._layer(name)
        found = layer.versions.get(number) if layer else None
        if found is None:
            raise missing("The resource you requested does not exist.")
        return self._shown(name, found)

    async def ListLayerVersions(self, call: Call, params: Json) -> Json:
        """A layer's versions, the newest first."""
        name, _ = split(params["LayerName"])
        layer = await self._layer(name)
        versions = reversed(list(layer.versions.values())) if layer else ()
        return page([self._row(name, each) for each in versions], params, "LayerVersions")

    async def ListLayers(self, call: Call, params: Json) -> Json:
        """All layers, with their newest version."""
        rows: list[Json] = []
        async for document in self._book.store.scan(LAYER):
            layer = msgspec.json.decode(document.body, type=Layer)
            if layer.versions:
                newest = list(layer.versions.values())[-1]
                row = {"LayerName": layer.name, "LayerArn": self._arn(layer.name)}
                rows.append({**row, "LatestMatchingVersion": self._row(layer.name, newest)})
        return page(rows, params, "Layers")

    async def DeleteLayerVersion(self, call: Call, params: Json) -> Json:
        """A version; functions that were made with it keep it."""
        name, _ = split(params["LayerName"])
        layer = await self._layer(name)
        number = str(params["VersionNumber"])
        if layer is not None and number in layer.versions:
            left = {key: each for key, each in layer.versions.items() if key != number}
            after = structs.replace(layer, versions=left)
            await keep(self._book.store, LAYER, name, msgspec.json.encode(after))
            await self._book.codes.forget({layer.versions[number].code}, self._book.used)
        return {}

    async def _layer(self, name: str) -> Layer | None:
        document = await self._book.store.get(LAYER, name)
        return document and msgspec.json.decode(document.body, type=Layer)

    def _arn(self, name: str) -> str:
        place = self._book.place
        return f"arn:aws:lambda:{place.region}:{place.account}:layer:{name}"

    def _row(self, name: str, version: Version) -> Json:
        shown: Json = {
            "LayerVersionArn": f"{self._arn(name)}:{version.number}",
            "Version": version.number,
            "Description": version.description,
            "CreatedDate": moment(version.created),
            "CompatibleRuntimes": list(version.runtimes),
            "CompatibleArchitectures": list(version.architectures),
        }
        return {**shown, "LicenseInfo": version.license} if version.license else shown

    def _shown(self, name: str, version: Version) -> Json:
        content = {"CodeSha256": digest(version.code[len("layer-") :]), "CodeSize": version.size}
        return {"LayerArn": self._arn(name), "Content": content, **self._row(name, version)}

    async def codes_of(self, arns: list[str]) -> tuple[str, ...]:
        """The packages of layer versions. Raises `ServiceError`."""
        found: list[str] = []
        for arn in arns:
            name, number = split(arn)
            layer = await self._layer(name)
            version = layer.versions.get(number) if layer else None
            if version is None:
                raise invalid(f"Layer version {arn} does not exist.")
            found.append(version.code)
        if len(found) > _MOST:
            raise invalid(f"Cannot reference more than {_MOST} layers.")
        return tuple(found)


_MOST = 5
"""Layers of a function. Source: Lambda quotas."""
