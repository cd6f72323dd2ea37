"""Checksums of a body while it is written: its MD5, and the one that the client sent.

Source: "Checking object integrity for data uploads in Amazon S3" (S3 User Guide).
"""

import base64
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from torana.message import Stream
from torana.services.s3.refusals import Params, not_implemented
from torana.wire.faults import ServiceError


class Digest(Protocol):
    """What hashlib's objects do."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Cyclic:
    """A cyclic redundancy check as a digest."""

    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step, self._size, self._value = step, size, 0

    def update(self, data: bytes, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def _crt(name: str) -> Callable[..., int]:
    return getattr(import_module("awscrt.checksums"), name)


ALGORITHMS: Mapping[str, Callable[[], Digest]] = {
    "CRC32": lambda: _Cyclic(zlib.crc32, 4),
    "CRC32C": lambda: _Cyclic(_crt("crc32c"), 4),
    "CRC64NVME": lambda: _Cyclic(_crt("crc64nvme"), 8),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
}
_HEADER = "x-amz-checksum-"
MEMBERS = tuple(f"Checksum{name}" for name in ALGORITHMS)
"""Members of requests that may hold a checksum."""


def text_of(digest: bytes) -> str:
    """As it travels."""
    return base64.b64encode(digest).decode()


class Checked:
    """A body on its way to the store, with its checksums. Iterate it once, then `settle`."""

    def __init__(self, body: Stream, params: Params, trailer: str | None, usual: str = "") -> None:
        """`trailer`: the name of the header that is to follow the body, if one is announced.
        `usual`: the algorithm when the request names none."""
        self.size = 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._body, self._params = body, params
        self._trailer = (trailer or "").strip().lower()
        self.algorithm, self._expected = self._wanted(usual)
        self._digest = ALGORITHMS[self.algorithm]() if self.algorithm else None

    def _wanted(self, usual: str) -> tuple[str, str | None]:
        """The algorithm, and the value if it is known before the body."""
        for name in ALGORITHMS:
            if f"Checksum{name}" in self._params:
                return name, self._params[f"Checksum{name}"]
        name = str(self._params.get("ChecksumAlgorithm", usual))
        if self._trailer.startswith(_HEADER):
            name = self._trailer.removeprefix(_HEADER).upper()
        if name and name not in ALGORITHMS:
            raise not_implemented(f"the checksum algorithm {name}")
        return name, None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._body:
            self.size += len(piece)
            self.md5.update(piece)
            if self._digest is not None:
                self._digest.update(piece)
            yield piece
        self._check()

    def _check(self) -> None:
        """Raises the service's error when the body is not what the client said it was."""
        length = self._params.get("ContentLength")
        if length is not None and length != self.size:
            text = "You did not provide the number of bytes specified by the Content-Length header"
            raise ServiceError("IncompleteBody", text, status=400)
        md5 = self._params.get("ContentMD5")
        if md5 is not None and md5 != text_of(self.md5.digest()):
            text = "The Content-MD5 you specified did not match what we received."
            raise ServiceError("BadDigest", text, status=400)
        if self._digest is None:
            return
        expected = self._expected
        if expected is None and self._trailer:
            expected = self._body.trailers.get(self._trailer)
        if expected is not None and expected != text_of(self._digest.digest()):
            text = f"The {self.algorithm} you specified did not match the calculated checksum."
            raise ServiceError("BadDigest", text, status=400)

    def members(self) -> dict[str, str]:
        """The checksum as a member of outputs; empty when the client wanted none."""
        if self._digest is None:
            return {}
        return {f"Checksum{self.algorithm}": text_of(self._digest.digest())}


Parts = Sequence[tuple[Mapping[str, str], int]]
"""The checksum members and the size of each part."""


def _shared(parts: Parts) -> str:
    """The member that all of them have."""
    return next((name for name in MEMBERS if parts and all(name in each for each, _ in parts)), "")


def composite(parts: Parts) -> dict[str, str]:
    """An object's checksum as that of its parts' checksums, if they have the same kind of one."""
    if not (member := _shared(parts)):
        return {}
    digest = ALGORITHMS[member.removeprefix("Checksum")]()
    for each, _ in parts:
        digest.update(base64.b64decode(each[member]))
    return {member: f"{text_of(digest.digest())}-{len(parts)}"}


def joined(parts: Parts) -> dict[str, str]:
    """An object's own checksum, computed from those of its parts (cyclic ones only)."""
    member = _shared(parts)
    if not member.startswith("ChecksumCRC"):
        return {}
    combine = _crt(f"combine_{member.removeprefix('Checksum').lower()}")
    value, width = 0, 0
    for each, size in parts:
        digest = base64.b64decode(each[member])
        value, width = combine(value, int.from_bytes(digest, "big"), size), len(digest)
    return {member: text_of(value.to_bytes(width, "big"))}


def given(params: Mapping[str, Any]) -> dict[str, str]:
    """The checksum members of a request."""
    return {name: params[name] for name in MEMBERS if name in params}
