"""The built application: hashed files that browsers keep for good, and the page that names them."""

import gzip
import hashlib
import mimetypes
import re
import secrets
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from msgspec import Struct

from torana.message import Headers, Reply, Request

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SMALL = 1024
"""Bytes below which compressing gains nothing."""
_TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")
_NONCE, _BASE, _ASSETS = b"__nonce__", b"__base__", b'"./assets/'
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFE = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(self), payment=()"),
)


def policy(nonce: str) -> str:
    """What a page may do, for `Content-Security-Policy`."""
    return _POLICY.format(nonce=nonce)


class File(Struct, frozen=True):
    """A file, ready to be sent."""

    type: str
    plain: bytes
    packed: bytes | None
    """With gzip, where that is smaller."""
    tag: str


class StaticFiles:
    """What `make console` built. Files are read, and compressed, at their first use."""

    def __init__(self, folder: Traversable | None = None) -> None:
        self._folder = folder or files("torana.console").joinpath("static")
        self._load = cache(self._read)

    def file(self, request: Request, name: str) -> Reply | None:
        """A file by its name below `assets`, or None. Names bear a hash: they never change."""
        found = self._load(name) if _NAME.fullmatch(name) else None
        if found is None:
            return None
        fields = [
            ("Content-Type", found.type),
            ("Cache-Control", "public, max-age=31536000, immutable"),
            ("ETag", found.tag),
            ("Vary", "Accept-Encoding"),
            *SAFE,
        ]
        if found.tag in (request.headers.get("if-none-match") or ""):
            return Reply(304, Headers(fields[1:]))
        if found.packed is not None and "gzip" in (request.headers.get("accept-encoding") or ""):
            return Reply(200, Headers([*fields, ("Content-Encoding", "gzip")]), found.packed)
        return Reply(200, Headers(fields), found.plain)

    def page(self, name: str, base: str) -> Reply:
        """A page, whatever part of it is asked for; its address is below `base`."""
        nonce = secrets.token_urlsafe(16)
        body = self._folder.joinpath(name).read_bytes().replace(_NONCE, nonce.encode())
        body = body.replace(_ASSETS, f'"{base}/assets/'.encode()).replace(_BASE, base.encode())
        fields = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", "no-cache"),
            ("Content-Security-Policy", policy(nonce)),
            *SAFE,
        ]
        return Reply(200, Headers(fields), body)

    def _read(self, name: str) -> File | None:
        path = self._folder.joinpath("assets", name)
        if not path.is_file():
            return None
        plain = path.read_bytes()
        type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        packed = None
        if type.startswith(_TEXT) and len(plain) > _SMALL:
            packed = gzip.compress(plain, 9, mtime=0)
        return File(type, plain, packed, f'"{hashlib.sha256(plain).hexdigest()[:32]}"')
