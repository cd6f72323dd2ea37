"""aws-chunked bodies: bytes in, checked content out. No I/O in it.

Source: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
Chunks" and "... Trailing headers" (S3 API Reference).
"""

import hmac
import re

from torana.auth.canonical import EMPTY_SHA256, sha256_hex
from torana.auth.signing_key import signing_key
from torana.auth.sigv4 import MISMATCH, STREAMING, Claim, SignatureError
from torana.message import Headers

_HEAD = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?")
_LONGEST_LINE = 4096
_LONGEST_TRAILER = 16384


class ChunkDecoder:
    """Decodes one body. A signed chunk is given out only once its signature was checked, so it
    is held whole: `longest_chunk` bounds the memory."""

    def __init__(self, claim: Claim, secret: str, longest_chunk: int = 16 * 1024 * 1024) -> None:
        if claim.payload not in STREAMING:
            raise ValueError(f"{claim.payload} is not a chunked form")
        self._signed = claim.payload.startswith("STREAMING-AWS4")
        self._trailing = claim.payload.endswith("-TRAILER")
        self._key = signing_key(secret, claim.date, claim.region, claim.service)
        self._preamble = f"{claim.timestamp}\n{claim.scope()}\n"
        self._previous = claim.signature
        self._longest = longest_chunk
        self._pending = bytearray()
        self._chunk: tuple[int, str] | None = None
        self._last = False
        self.trailers = Headers()
        self.finished = False

    def feed(self, data: bytes) -> bytes:
        """The content that `data` completes, perhaps none. Raises `SignatureError`."""
        if self.finished:
            if data:
                raise SignatureError("payload", "There is data after the last chunk.")
            return b""
        self._pending += data
        content: list[bytes] = []
        while not self.finished:
            piece = self._step()
            if piece is None:
                break
            content.append(piece)
        if self.finished and self._pending:
            raise SignatureError("payload", "There is data after the last chunk.")
        return b"".join(content)

    def close(self) -> None:
        """The body has ended. Raises `SignatureError` if its last chunk did not come."""
        if not self.finished:
            raise SignatureError("payload", "The body ended before its last chunk.")

    def _step(self) -> bytes | None:
        """One step further: content, or None while more bytes are needed."""
        if self._last:
            return self._read_trailer()
        if self._chunk is None:
            return self._read_head()
        return self._read_content(*self._chunk)

    def _read_head(self) -> bytes | None:
        line = self._line(_LONGEST_LINE)
        if line is None:
            return None
        match = _HEAD.fullmatch(line)
        if match is None or (match[2] is None) == self._signed:
            raise SignatureError("payload", "A chunk's head is malformed.")
        size = int(match[1], 16)
        if size > self._longest:
            raise SignatureError("payload", f"A chunk is longer than {self._longest} bytes.")
        self._chunk = size, match[2].decode() if match[2] else ""
        return b""

    def _read_content(self, size: int, signature: str) -> bytes | None:
        if size == 0:
            self._check_chunk(b"", signature)
            self._last = True
            return b""
        if len(self._pending) < size + 2:
            return None
        if not self._pending.startswith(b"\r\n", size):
            raise SignatureError("payload", "A chunk is not as long as its head says.")
        content = bytes(self._pending[:size])
        del self._pending[: size + 2]
        self._check_chunk(content, signature)
        self._chunk = None
        return content

    def _read_trailer(self) -> bytes | None:
        """The lines after the last chunk: trailers if the form has them, then an empty one."""
        line = self._line(_LONGEST_TRAILER)
        if line is None:
            return None
        if line:
            if not self._trailing or len(self.trailers) > 32:
                raise SignatureError("payload", "There is data after the last chunk.")
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers.add(name.strip().lower(), value.strip())
            return b""
        if self._trailing and self._signed:
            self._check_trailer()
        self.finished = True
        return b""

    def _line(self, longest: int) -> bytes | None:
        end = self._pending.find(b"\r\n", 0, longest + 2)
        if end < 0:
            if len(self._pending) > longest:
                raise SignatureError("payload", "A chunk's head is too long.")
            return None
        line = bytes(self._pending[:end])
        del self._pending[: end + 2]
        return line

    def _check_chunk(self, content: bytes, signature: str) -> None:
        if not self._signed:
            return
        text = (
            f"AWS4-HMAC-SHA256-PAYLOAD\n{self._preamble}{self._previous}\n"
            f"{EMPTY_SHA256}\n{sha256_hex(content)}"
        )
        self._check(text, signature)
        self._previous = signature

    def _check_trailer(self) -> None:
        signature = self.trailers.get("x-amz-trailer-signature") or ""
        self.trailers.remove("x-amz-trailer-signature")
        lines = "".join(f"{name}:{value}\n" for name, value in self.trailers)
        text = (
            f"AWS4-HMAC-SHA256-TRAILER\n{self._preamble}{self._previous}\n"
            f"{sha256_hex(lines.encode())}"
        )
        self._check(text, signature)

    def _check(self, text: str, signature: str) -> None:
        expected = hmac.digest(self._key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise SignatureError("mismatch", MISMATCH)
