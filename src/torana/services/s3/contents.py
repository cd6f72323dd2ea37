"""Objects: written, read, copied, deleted."""

from datetime import UTC
from typing import Any
from urllib.parse import unquote

from torana.services.payload import as_stream
from torana.services.ports import Answer, Call
from torana.services.s3 import conditions, fields, tags
from torana.services.s3.checksums import MEMBERS, Checked
from torana.services.s3.notices import Notices
from torana.services.s3.refusals import Params, bad, only, translated
from torana.state.objects import NoObject, Object, ObjectStore
from torana.wire.faults import ServiceError

_LARGEST = 5 * 1024**3
"""Bytes of one PUT or copy."""
_LONGEST_KEY = 1024
_MOST_DELETED = 1000
_OVERRIDES = {
    f"Response{name}": name for name in fields.HEADERS if name != "WebsiteRedirectLocation"
}
_READ = (
    *("Bucket", "Key", "Range", "PartNumber", "ChecksumMode"),
    *("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince"),
    *_OVERRIDES,
)
WRITTEN = ("Bucket", "Key", "Metadata", "Tagging", *fields.HEADERS)
"""Members of every operation that describes an object."""
SENT = ("Body", "ContentLength", "ContentMD5", "ChecksumAlgorithm", *MEMBERS)
"""Members of every operation that sends content."""


def check_key(key: str) -> None:
    """Raises `ServiceError` for one that is too long."""
    size = len(key.encode())
    if size > _LONGEST_KEY:
        raise ServiceError(
            "KeyTooLongError",
            "Your key is too long",
            status=400,
            fields={"Size": str(size), "MaxSizeAllowed": str(_LONGEST_KEY)},
        )


def incoming(call: Call, params: Params, algorithm: str = "") -> Checked:
    """The content of a request, with a checksum of that `algorithm` if one is named.

    Raises `ServiceError`.
    """
    headers = call.request.headers
    size = params.get("ContentLength", 0)
    if size > _LARGEST:
        text = "Your proposed upload exceeds the maximum allowed size"
        raise ServiceError("EntityTooLarge", text, status=400, fields={"ProposedSize": str(size)})
    decoded = headers.get("x-amz-decoded-content-length")
    told = {**params, "ContentLength": int(decoded)} if decoded and decoded.isdigit() else params
    if decoded is None and "ContentLength" in params and "Body" not in params:
        told = {**params, "ContentLength": 0}
    body = as_stream(params.get("Body", b""))
    found = Checked(body, told, headers.get("x-amz-trailer"), algorithm)
    if algorithm and found.algorithm != algorithm:
        raise ServiceError(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {algorithm.lower()}, actual "
            f"checksum Type: {found.algorithm.lower()}",
            status=400,
        )
    return found


class Contents:
    """The operations on single objects."""

    def __init__(self, objects: ObjectStore, notices: Notices) -> None:
        self._objects, self._notices = objects, notices

    async def PutObject(self, call: Call, params: Params) -> Params:
        """The body becomes the object, streamed to the disk."""
        only(call, params, *WRITTEN, *SENT, "IfMatch", "IfNoneMatch")
        check_key(params["Key"])
        kept = fields.kept(params)
        body = incoming(call, params)
        replaces = conditions.replaces(params)
        with translated():
            await self._objects.bucket(params["Bucket"])
            blob = await self._objects.write(body.__aiter__())
            etag, checksum = body.md5.hexdigest(), body.members()
            if checksum:
                checksum[fields.CHECKSUM_TYPE] = "FULL_OBJECT"
            try:
                await self._objects.put(
                    params["Bucket"], params["Key"], [blob], etag, {**kept, **checksum}, replaces
                )
            except BaseException:
                await self._objects.discard([blob])
                raise
        where = params["Bucket"], params["Key"]
        await self._notices.tell(call, "ObjectCreated:Put", *where, blob.size, etag)
        return {"ETag": f'"{etag}"', **checksum}

    async def GetObject(self, call: Call, params: Params) -> Answer | Params:
        """The object, or a range of it, streamed from the disk."""
        found, members, span = await self._found(call, params)
        start, size = span or (0, found.size)
        members["Body"] = self._objects.read(found, start, size)
        return Answer(members, 206) if span else members

    async def HeadObject(self, call: Call, params: Params) -> Answer | Params:
        """What GetObject would say of it."""
        try:
            _, members, span = await self._found(call, params)
        except ServiceError as error:
            if error.code == "NoSuchKey":
                # A reply to HEAD has no body to name the key in, and another code.
                raise ServiceError("NotFound", "Not Found", status=404) from None
            raise
        return Answer(members, 206) if span else members

    async def _found(
        self, call: Call, params: Params
    ) -> tuple[Object, Params, tuple[int, int] | None]:
        only(call, params, *_READ)
        with translated():
            found = await self._objects.get(params["Bucket"], params["Key"])
        conditions.check(found, params)
        if params.get("PartNumber", 1) != 1:
            raise bad("PartNumber: only part 1, the whole object, can be asked for")
        span = conditions.span(params.get("Range"), found.size)
        members = {
            **fields.described(found.fields),
            "AcceptRanges": "bytes",
            "LastModified": conditions.modified(found),
            "ContentLength": span[1] if span else found.size,
            "ETag": f'"{found.etag}"',
        }
        if span:
            members["ContentRange"] = f"bytes {span[0]}-{span[0] + span[1] - 1}/{found.size}"
        elif params.get("ChecksumMode") == "ENABLED":
            members.update(fields.checksums(found.fields))
        if tagged := len(tags.of_fields(found.fields)):
            members["TagCount"] = tagged
        for name, member in _OVERRIDES.items():
            if name in params:
                members[member] = _http(params[name])
        return found, members, span

    async def DeleteObject(self, call: Call, params: Params) -> Params:
        """Deleting what is not there succeeds."""
        only(call, params, "Bucket", "Key")
        await self._delete(call, params["Bucket"], params["Key"])
        return {}

    async def _delete(self, call: Call, bucket: str, key: str) -> None:
        with translated():
            there = await self._objects.delete(bucket, key)
        if there:
            await self._notices.tell(call, "ObjectRemoved:Delete", bucket, key)

    async def DeleteObjects(self, call: Call, params: Params) -> Params:
        """Up to 1000 at once."""
        only(call, params, "Bucket", "Delete", "ChecksumAlgorithm")
        wanted: list[dict[str, Any]] = params["Delete"]["Objects"]
        if len(wanted) > _MOST_DELETED:
            text = "The XML you provided was not well-formed or did not validate against our schema"
            raise ServiceError("MalformedXML", text, status=400)
        for each in wanted:
            only(call, each, "Key")
        with translated():
            await self._objects.bucket(params["Bucket"])
        for each in wanted:
            await self._delete(call, params["Bucket"], each["Key"])
        quiet = params["Delete"].get("Quiet", False)
        return {"Deleted": [] if quiet else [{"Key": each["Key"]} for each in wanted]}

    async def CopyObject(self, call: Call, params: Params) -> Params:
        """No byte is copied: the new object shares the files of the old."""
        only(
            call,
            params,
            *WRITTEN,
            *("CopySource", "MetadataDirective", "TaggingDirective", "IfMatch", "IfNoneMatch"),
            *COPY_CONDITIONS,
        )
        check_key(params["Key"])
        source_bucket, source = await source_of(self._objects, params)
        replace = params.get("MetadataDirective", "COPY") == "REPLACE"
        if not replace and (source_bucket, source.key) == (params["Bucket"], params["Key"]):
            raise ServiceError(
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself "
                "without changing the object's metadata, storage class, website redirect location "
                "or encryption attributes.",
                status=400,
            )
        if source.size > _LARGEST:
            raise bad("The specified copy source is larger than the maximum allowable size")
        kept = source.fields
        old = {name: each for name, each in kept.items() if name.startswith(tags.TAG)}
        new = fields.kept(params)
        retag = params.get("TaggingDirective", "COPY") == "REPLACE"
        if replace:
            kept = {**new, **fields.checksums(source.fields)}
        kept = {name: each for name, each in kept.items() if not name.startswith(tags.TAG)}
        kept |= {n: e for n, e in (new if retag else old).items() if n.startswith(tags.TAG)}
        with translated():
            await self._objects.bucket(params["Bucket"])
            blobs = await self._objects.share(source)
            try:
                made = await self._objects.put(
                    params["Bucket"],
                    params["Key"],
                    blobs,
                    source.etag,
                    kept,
                    conditions.replaces(params),
                )
            except BaseException:
                await self._objects.discard(blobs)
                raise
        where = params["Bucket"], params["Key"]
        await self._notices.tell(call, "ObjectCreated:Copy", *where, made.size, made.etag)
        result = {"ETag": f'"{made.etag}"', "LastModified": conditions.modified(made)}
        return {"CopyObjectResult": {**result, **fields.checksums(made.fields)}}


COPY_CONDITIONS = (
    "CopySourceIfMatch",
    "CopySourceIfNoneMatch",
    "CopySourceIfModifiedSince",
    "CopySourceIfUnmodifiedSince",
    "ExpectedSourceBucketOwner",
)


async def source_of(objects: ObjectStore, params: Params) -> tuple[str, Object]:
    """The bucket and the object that a copy begins with. Raises `ServiceError`."""
    given, _, version = str(params["CopySource"]).partition("?versionId=")
    bucket, slash, key = unquote(given).removeprefix("/").partition("/")
    if not slash or not key or version not in ("", "null"):
        raise bad("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    with translated():
        try:
            found = await objects.get(bucket, key)
        except NoObject:
            raise NoObject(key) from None
    conditions.check(found, params, "CopySource")
    return bucket, found


def _http(value: Any) -> str:
    """A header's text, of a time too."""
    if hasattr(value, "astimezone"):
        return value.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return str(value)
