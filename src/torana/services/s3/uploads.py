"""Multipart uploads. Source: "Uploading and copying objects using multipart upload"."""

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from torana.services.ports import Call
from torana.services.s3 import fields
from torana.services.s3.checksums import ALGORITHMS, MEMBERS, composite, given, joined, text_of
from torana.services.s3.contents import (
    COPY_CONDITIONS,
    SENT,
    WRITTEN,
    check_key,
    incoming,
    source_of,
)
from torana.services.s3.notices import Notices
from torana.services.s3.refusals import Params, bad, not_implemented, only, translated
from torana.state.objects import Object, ObjectStore, Part, Upload
from torana.wire.faults import ServiceError

_SMALLEST = 5 * 1024**2
"""Bytes of every part but the last."""
_MOST = 10_000
_PAGE = 1000
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_WANTED = "upload:checksum"
_TYPE = "upload:checksum-type"


class Uploads:
    """The operations on uploads."""

    def __init__(self, objects: ObjectStore, notices: Notices) -> None:
        self._objects, self._notices = objects, notices

    async def CreateMultipartUpload(self, call: Call, params: Params) -> Params:
        """An upload to send parts to."""
        only(call, params, *WRITTEN, "ChecksumAlgorithm", "ChecksumType")
        check_key(params["Key"])
        kept = fields.kept(params)
        answer: Params = {"Bucket": params["Bucket"], "Key": params["Key"]}
        if name := params.get("ChecksumAlgorithm"):
            if name not in ALGORITHMS:
                raise not_implemented(f"the checksum algorithm {name}")
            usual = "FULL_OBJECT" if name == "CRC64NVME" else "COMPOSITE"
            kept[_WANTED], kept[_TYPE] = name, params.get("ChecksumType", usual)
            answer.update({"ChecksumAlgorithm": name, "ChecksumType": kept[_TYPE]})
        with translated():
            upload = await self._objects.create_upload(params["Bucket"], params["Key"], kept)
        return {**answer, "UploadId": upload.id}

    async def UploadPart(self, call: Call, params: Params) -> Params:
        """The body becomes a part, streamed to the disk."""
        only(call, params, "Bucket", "Key", "UploadId", "PartNumber", *SENT)
        with translated():
            upload = await self._upload(params)
            body = incoming(call, params, upload.fields.get(_WANTED, ""))
            blob = await self._objects.write(body.__aiter__())
            etag, checksum = body.md5.hexdigest(), body.members()
            try:
                number = params["PartNumber"]
                await self._objects.put_part(upload, number, [blob], etag, checksum)
            except BaseException:
                await self._objects.discard([blob])
                raise
        return {"ETag": f'"{etag}"', **checksum}

    async def UploadPartCopy(self, call: Call, params: Params) -> Params:
        """A part of another object's bytes."""
        only(
            call,
            params,
            *("Bucket", "Key", "UploadId", "PartNumber", "CopySource", "CopySourceRange"),
            *COPY_CONDITIONS,
        )
        _, source = await source_of(self._objects, params)
        start, size = _copied(params.get("CopySourceRange"), source)
        with translated():
            upload = await self._upload(params)
            name = upload.fields.get(_WANTED)
            md5, digest = hashlib.md5(usedforsecurity=False), ALGORITHMS[name]() if name else None
            reading = self._objects.read(source, start, size)

            async def bytes_of() -> AsyncIterator[bytes]:
                async for piece in reading:
                    md5.update(piece)
                    if digest is not None:
                        digest.update(piece)
                    yield piece

            blob = await self._objects.write(bytes_of())
            checksum = {f"Checksum{name}": text_of(digest.digest())} if digest else {}
            try:
                part = await self._objects.put_part(
                    upload, params["PartNumber"], [blob], md5.hexdigest(), checksum
                )
            except BaseException:
                await self._objects.discard([blob])
                raise
        modified = datetime.fromtimestamp(int(part.modified), UTC)
        return {"CopyPartResult": {"ETag": f'"{part.etag}"', "LastModified": modified, **checksum}}

    async def _upload(self, params: Params) -> Upload:
        """The upload that is meant. Raises `ServiceError`."""
        number = params.get("PartNumber", 1)
        if not 1 <= number <= _MOST:
            raise bad(f"Part number must be an integer between 1 and {_MOST}, inclusive")
        return await self._objects.upload(params["Bucket"], params["Key"], params["UploadId"])

    async def CompleteMultipartUpload(self, call: Call, params: Params) -> Params:
        """The parts become the object; no byte is copied."""
        only(
            call,
            params,
            *("Bucket", "Key", "UploadId", "MultipartUpload", "MpuObjectSize", "ChecksumType"),
            *MEMBERS,
        )
        with translated():
            upload = await self._upload(params)
            there = {part.number: part for part in await self._objects.parts(upload)}
            named: list[Params] = params.get("MultipartUpload", {}).get("Parts", [])
            chosen = _chosen(named, there)
            size = sum(part.size for part in chosen)
            if params.get("MpuObjectSize", size) != size:
                raise bad("MpuObjectSize is not the size of the parts")
            digests = b"".join(bytes.fromhex(part.etag) for part in chosen)
            md5 = hashlib.md5(digests, usedforsecurity=False).hexdigest()
            etag = f"{md5}-{len(chosen)}"
            kept = {k: v for k, v in upload.fields.items() if not k.startswith("upload:")}
            checksum = _checksum(upload, chosen, params)
            await self._objects.complete(
                params["Bucket"],
                upload,
                [part.number for part in chosen],
                etag,
                {**kept, **checksum},
            )
        where = params["Bucket"], params["Key"]
        event = "ObjectCreated:CompleteMultipartUpload"
        await self._notices.tell(call, event, *where, size, etag)
        location = f"http://{call.request.headers.get('host')}/{params['Bucket']}/{params['Key']}"
        names = {"Bucket": params["Bucket"], "Key": params["Key"]}
        return {"Location": location, **names, "ETag": f'"{etag}"', **checksum}

    async def AbortMultipartUpload(self, call: Call, params: Params) -> Params:
        """The parts are forgotten."""
        only(call, params, "Bucket", "Key", "UploadId")
        with translated():
            await self._objects.abort(await self._upload(params))
        return {}

    async def ListParts(self, call: Call, params: Params) -> Params:
        """By number."""
        only(call, params, "Bucket", "Key", "UploadId", "MaxParts", "PartNumberMarker")
        with translated():
            upload = await self._upload(params)
            parts = await self._objects.parts(upload)
        after, most = int(params.get("PartNumberMarker", 0)), params.get("MaxParts", _PAGE)
        later = [part for part in parts if part.number > after]
        shown = later[:most]
        answer: Params = {
            **{name: params[name] for name in ("Bucket", "Key", "UploadId")},
            "PartNumberMarker": after,
            "MaxParts": most,
            "IsTruncated": len(later) > most,
            "Parts": [_part(part) for part in shown],
            "StorageClass": "STANDARD",
        }
        if len(later) > most and shown:
            answer["NextPartNumberMarker"] = shown[-1].number
        return answer

    async def ListMultipartUploads(self, call: Call, params: Params) -> Params:
        """Those under way, by key; all on one page."""
        only(call, params, "Bucket", "Prefix", "MaxUploads", "EncodingType")
        with translated():
            found = await self._objects.uploads(params["Bucket"], params.get("Prefix", ""))
        if len(found) > params.get("MaxUploads", _PAGE):
            raise not_implemented(f"a page of {params.get('MaxUploads', _PAGE)} of {len(found)}")
        uploads = [
            {
                "Key": each.key,
                "UploadId": each.id,
                "Initiated": datetime.fromtimestamp(int(each.started), UTC),
                "StorageClass": "STANDARD",
            }
            for each in found
        ]
        return {"Bucket": params["Bucket"], "IsTruncated": False, "Uploads": uploads}


def _copied(header: str | None, source: Object) -> tuple[int, int]:
    if header is None:
        return 0, source.size
    match = _RANGE.fullmatch(header)
    if match is None or not int(match[1]) <= int(match[2]) < source.size:
        raise bad(f"Range specified is not valid for source object of size: {source.size}")
    return int(match[1]), int(match[2]) - int(match[1]) + 1


def _part(part: Part) -> Params:
    modified = datetime.fromtimestamp(int(part.modified), UTC)
    shown = {"PartNumber": part.number, "LastModified": modified, "ETag": f'"{part.etag}"'}
    return {**shown, "Size": part.size, **fields.checksums(part.fields)}


def _chosen(named: list[Params], there: dict[int, Part]) -> list[Part]:
    """The parts of the object. Raises `ServiceError`."""
    numbers = [each.get("PartNumber", 0) for each in named]
    if not named:
        text = "The XML you provided was not well-formed or did not validate against our schema"
        raise ServiceError("MalformedXML", text, status=400)
    if numbers != sorted(set(numbers)):
        text = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise ServiceError("InvalidPartOrder", text, status=400)
    chosen: list[Part] = []
    for each in named:
        part = there.get(each["PartNumber"])
        if part is None or str(each.get("ETag", part.etag)).strip('"') != part.etag:
            raise ServiceError(
                "InvalidPart",
                "One or more of the specified parts could not be found. The part may not have been "
                "uploaded, or the specified entity tag may not match the part's entity tag.",
                status=400,
                fields={"PartNumber": str(each["PartNumber"])},
            )
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < _SMALLEST:
            text = "Your proposed upload is smaller than the minimum allowed size"
            sizes = {"ProposedSize": str(part.size), "MinSizeAllowed": str(_SMALLEST)}
            raise ServiceError("EntityTooSmall", text, status=400, fields=sizes)
    return chosen


def _checksum(upload: Upload, chosen: list[Part], params: Params) -> dict[str, str]:
    """Of the whole object, by those of its parts. Raises `ServiceError`."""
    kind = upload.fields.get(_TYPE, "COMPOSITE")
    whole = joined if kind == "FULL_OBJECT" else composite
    found = whole([(part.fields, part.size) for part in chosen])
    for name, value in given(params).items():
        expected = found.get(name, "")
        if value not in (expected, expected.rpartition("-")[0]):
            text = f"The {name} you specified did not match the calculated checksum."
            raise ServiceError("BadDigest", text, status=400)
    return {**found, fields.CHECKSUM_TYPE: kind} if found else {}
