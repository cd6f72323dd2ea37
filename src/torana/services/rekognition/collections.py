"""Collections of faces, and the search for a face in them. Kept by region."""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import TypeVar
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.services.documents import keep
from torana.services.ports import Call
from torana.services.rekognition.faces import (
    Face,
    box,
    check_attributes,
    check_quality,
    detail,
    similarity,
)
from torana.services.rekognition.pictures import Params, Pictures, invalid
from torana.state.store import Change, Conflict, Store
from torana.wire.faults import ServiceError

_COLLECTION, _FACE = "rekognition-collection", "rekognition-face"
_MODEL = "torana-dlib-1"
_PAGE = 1000

T = TypeVar("T")


class Collection(Struct, frozen=True):
    """What is kept of a collection."""

    id: str
    created: float


class Indexed(Struct, frozen=True):
    """What is kept of a face."""

    id: str
    image: str
    external: str
    box: dict[str, float]
    confidence: float
    embedding: tuple[float, ...]

    def shown(self) -> Params:
        """As the service writes it."""
        named = {"ExternalImageId": self.external} if self.external else {}
        return {
            "FaceId": self.id,
            "ImageId": self.image,
            "BoundingBox": self.box,
            "Confidence": self.confidence,
            "IndexFacesModelVersion": _MODEL,
            **named,
        }


class Collections:
    """The operations on collections."""

    def __init__(self, pictures: Pictures, store: Store) -> None:
        self._pictures = pictures
        self._store = store

    async def CreateCollection(self, call: Call, params: Params) -> Params:
        """An empty collection."""
        if params.get("Tags"):
            raise invalid("Tags are not supported here")
        name: str = params["CollectionId"]
        body = msgspec.json.encode(Collection(name, datetime.now(UTC).timestamp()))
        try:
            await self._store.commit([Change(_COLLECTION, _id(call, name), 0, body)])
        except Conflict:
            text = f"The collection id: {name} already exists"
            raise ServiceError("ResourceAlreadyExistsException", text, status=400) from None
        return {"StatusCode": 200, "CollectionArn": _arn(call, name), "FaceModelVersion": _MODEL}

    async def DeleteCollection(self, call: Call, params: Params) -> Params:
        """With its faces."""
        name: str = params["CollectionId"]
        await self._find(call, name)
        for face in await self._faces(call, name):
            await keep(self._store, _FACE, _id(call, name, face.id), None)
        await keep(self._store, _COLLECTION, _id(call, name), None)
        return {"StatusCode": 200}

    async def ListCollections(self, call: Call, params: Params) -> Params:
        """By name."""
        found = [
            msgspec.json.decode(document.body, type=Collection).id
            async for document in self._store.scan(_COLLECTION, _id(call, ""))
        ]
        shown, token = _page(found, params, 4096)
        return {"CollectionIds": shown, "FaceModelVersions": [_MODEL] * len(shown), **token}

    async def DescribeCollection(self, call: Call, params: Params) -> Params:
        """How many faces it has."""
        found = await self._find(call, params["CollectionId"])
        return {
            "FaceCount": len(await self._faces(call, found.id)),
            "FaceModelVersion": _MODEL,
            "CollectionARN": _arn(call, found.id),
            "CreationTimestamp": datetime.fromtimestamp(found.created, UTC),
        }

    async def IndexFaces(self, call: Call, params: Params) -> Params:
        """Keeps the numbers of the faces of a picture, not the picture."""
        check_attributes(params.get("DetectionAttributes", []))
        check_quality(params)
        name: str = params["CollectionId"]
        await self._find(call, name)
        data = await self._pictures.bytes_of(params["Image"])
        found: list[Face] = await self._pictures.faces(call, {"Bytes": data}, embed=True)
        most = params.get("MaxFaces", 100)
        image = hashlib.sha256(data).hexdigest()[:32]
        records: list[Params] = []
        for face in found[:most]:
            made = Indexed(
                str(uuid4()),
                f"{image[:8]}-{image[8:12]}-{image[12:16]}-{image[16:20]}-{image[20:]}",
                params.get("ExternalImageId", ""),
                box(face),
                100 * face.score,
                face.embedding,
            )
            await keep(self._store, _FACE, _id(call, name, made.id), msgspec.json.encode(made))
            records.append({"Face": made.shown(), "FaceDetail": detail(face)})
        left = [
            {"Reasons": ["EXCEEDS_MAX_FACES"], "FaceDetail": detail(face)} for face in found[most:]
        ]
        return {"FaceRecords": records, "UnindexedFaces": left, "FaceModelVersion": _MODEL}

    async def ListFaces(self, call: Call, params: Params) -> Params:
        """Those of a collection."""
        if "UserId" in params:
            raise invalid("UserId is not supported here")
        await self._find(call, params["CollectionId"])
        found = await self._faces(call, params["CollectionId"])
        wanted = params.get("FaceIds")
        chosen = [face.shown() for face in found if wanted is None or face.id in wanted]
        shown, token = _page(chosen, params, _PAGE)
        return {"Faces": shown, "FaceModelVersion": _MODEL, **token}

    async def DeleteFaces(self, call: Call, params: Params) -> Params:
        """Those that are there."""
        name: str = params["CollectionId"]
        await self._find(call, name)
        there = {face.id for face in await self._faces(call, name)}
        wanted: list[str] = params["FaceIds"]
        for face in there & set(wanted):
            await keep(self._store, _FACE, _id(call, name, face), None)
        failed = [
            {"FaceId": face, "Reasons": ["FACE_NOT_FOUND"]} for face in wanted if face not in there
        ]
        deleted = [face for face in wanted if face in there]
        return {"DeletedFaces": deleted, "UnsuccessfulFaceDeletions": failed}

    async def SearchFaces(self, call: Call, params: Params) -> Params:
        """Those like one of the collection, without itself."""
        await self._find(call, params["CollectionId"])
        faces = await self._faces(call, params["CollectionId"])
        sought = next((face for face in faces if face.id == params["FaceId"]), None)
        if sought is None:
            raise invalid("faceId was not found in the collection")
        others = [face for face in faces if face is not sought]
        return {
            "SearchedFaceId": sought.id,
            "FaceMatches": await _matches(sought.embedding, others, params),
            "FaceModelVersion": _MODEL,
        }

    async def SearchFacesByImage(self, call: Call, params: Params) -> Params:
        """Those like the largest face of a picture."""
        check_quality(params)
        await self._find(call, params["CollectionId"])
        seen: list[Face] = await self._pictures.faces(call, params["Image"], embed=True)
        if not seen:
            raise invalid("There are no faces in the image. Should be at least 1.")
        faces = await self._faces(call, params["CollectionId"])
        return {
            "SearchedFaceBoundingBox": box(seen[0]),
            "SearchedFaceConfidence": 100 * seen[0].score,
            "FaceMatches": await _matches(seen[0].embedding, faces, params),
            "FaceModelVersion": _MODEL,
        }

    async def _find(self, call: Call, name: str) -> Collection:
        document = await self._store.get(_COLLECTION, _id(call, name))
        if document is None:
            text = f"The collection id: {name} does not exist"
            raise ServiceError("ResourceNotFoundException", text, status=400)
        return msgspec.json.decode(document.body, type=Collection)

    async def _faces(self, call: Call, name: str) -> list[Indexed]:
        return [
            msgspec.json.decode(document.body, type=Indexed)
            async for document in self._store.scan(_FACE, _id(call, name, ""))
        ]


async def _matches(sought: tuple[float, ...], faces: list[Indexed], params: Params) -> list[Params]:
    least: float = params.get("FaceMatchThreshold", 80.0)

    def search() -> list[Params]:
        alike = [(similarity(sought, face.embedding), face) for face in faces]
        best = sorted((pair for pair in alike if pair[0] >= least), key=lambda pair: -pair[0])
        return [{"Similarity": much, "Face": face.shown()} for much, face in best]

    return (await asyncio.to_thread(search))[: params.get("MaxFaces", 80)]


def _id(call: Call, *names: str) -> str:
    return "/".join((call.region, *names))


def _arn(call: Call, name: str) -> str:
    return f"aws:rekognition:{call.region}:{call.principal.account}:collection/{name}"


def _page(found: list[T], params: Params, most: int) -> tuple[list[T], Params]:
    """A page, whose token is the place where it begins."""
    token: str = params.get("NextToken", "0")
    if not token.isdigit():
        text = "The pagination token is not valid"
        raise ServiceError("InvalidPaginationTokenException", text, status=400)
    start, size = int(token), min(params.get("MaxResults", most), most)
    end = start + size
    return found[start:end], {"NextToken": str(end)} if len(found) > end else {}
