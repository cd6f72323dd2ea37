"""Pictures that come in requests, and what engines see in them."""

from typing import Any

from msgspec import Struct

from torana.message import BodyTooLarge, read
from torana.services.engine_calls import EngineCalls
from torana.services.ports import Call
from torana.state.objects import ObjectError, ObjectStore
from torana.wire.faults import ServiceError

Params = dict[str, Any]

_LARGEST_SENT = 5 * 1024 * 1024
_LARGEST_STORED = 15 * 1024 * 1024
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


class Look(Struct, frozen=True):
    """What the face engine takes."""

    picture: bytes
    embed: bool


class Pictures:
    """Where pictures come from, and the engines that look at them."""

    def __init__(self, engines: EngineCalls, objects: ObjectStore) -> None:
        self._engines = engines
        self._objects = objects

    async def bytes_of(self, image: Params) -> bytes:
        """A picture that was sent, or one from a bucket. Raises `ServiceError`."""
        if ("Bytes" in image) == ("S3Object" in image):
            raise invalid("Request has invalid parameters: give Bytes or S3Object")
        data: bytes = image["Bytes"] if "Bytes" in image else await self._stored(image["S3Object"])
        if len(data) > _LARGEST_SENT and "Bytes" in image:
            raise _too_large()
        if not data.startswith(_STARTS):
            raise _no_picture("Request has invalid image format")
        return data

    async def _stored(self, place: Params) -> bytes:
        if "Version" in place or not {"Bucket", "Name"} <= place.keys():
            raise invalid("S3Object: give Bucket and Name; versions are not kept here")
        try:
            found = await self._objects.get(place["Bucket"], place["Name"])
            if found.size > _LARGEST_STORED:
                raise _too_large()
            return await read(self._objects.read(found, 0, found.size), _LARGEST_STORED)
        except (ObjectError, ConnectionError, BodyTooLarge):
            raise ServiceError(
                "InvalidS3ObjectException",
                "Unable to get object metadata from S3. Check object key, region and/or access "
                "permissions.",
                status=400,
            ) from None

    async def faces(self, call: Call, image: Params, *, embed: bool) -> list[Any]:
        """The faces of a picture, largest first. Raises `ServiceError`."""
        look = Look(await self.bytes_of(image), embed)
        (seen,) = await self._engines.run(call, "faces", [look])
        if seen.bad:
            raise _no_picture(seen.bad)
        return seen.faces

    async def lines(self, call: Call, image: Params) -> list[Any]:
        """The lines of text in a picture. Raises `ServiceError`."""
        (found,) = await self._engines.run(call, "image_text", [await self.bytes_of(image)])
        if found.bad:
            raise _no_picture(found.bad)
        return found.lines

    async def labels(self, call: Call, image: Params) -> list[Any]:
        """What a picture shows, likeliest first. Raises `ServiceError`."""
        return await self._labels(call, "image_labels", image)

    async def moderated(self, call: Call, image: Params) -> list[Any]:
        """How fit for everybody a picture is: all classes. Raises `ServiceError`."""
        return await self._labels(call, "moderation", image)

    async def _labels(self, call: Call, capability: str, image: Params) -> list[Any]:
        (found,) = await self._engines.run(call, capability, [await self.bytes_of(image)])
        if found.bad:
            raise _no_picture(found.bad)
        return found.labels


def invalid(why: str) -> ServiceError:
    """`InvalidParameterException`."""
    return ServiceError("InvalidParameterException", why, status=400)


def _too_large() -> ServiceError:
    return ServiceError("ImageTooLargeException", "The image is too large", status=400)


def _no_picture(why: str) -> ServiceError:
    return ServiceError("InvalidImageFormatException", why, status=400)
