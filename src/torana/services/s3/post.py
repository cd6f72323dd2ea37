"""Uploads from a form in a browser, allowed by a signed policy.

Source: "Browser-based uploads using POST (AWS Signature Version 4)" (S3 API Reference).
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit
from xml.sax.saxutils import escape

import msgspec
from msgspec import Struct

from torana.auth.sigv4 import signing_key
from torana.message import Headers, Reply, Request
from torana.wire.faults import ServiceError

_BOUNDARY = re.compile(r'multipart/form-data\s*;.*\bboundary="?([^";]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'content-disposition:[^\r\n]*?[; ]name="([^"]*)"', re.IGNORECASE)
_FILE = re.compile(rb'content-disposition:[^\r\n]*?filename="([^"]*)"', re.IGNORECASE)
_ALGORITHM = "AWS4-HMAC-SHA256"
_OPERATORS = ("eq", "starts-with", "content-length-range")
_UNCHECKED = frozenset({"file", "policy", "x-amz-signature"})
_HEADERS = {
    "content-type": "Content-Type",
    "cache-control": "Cache-Control",
    "content-disposition": "Content-Disposition",
    "content-encoding": "Content-Encoding",
    "content-language": "Content-Language",
    "expires": "Expires",
    "tagging": "x-amz-tagging",
    "acl": "x-amz-acl",
}
"""Fields that become headers of the object; those with `x-amz-meta-` do too."""


class Form(Struct, frozen=True):
    """What was sent. Fields by name in lower case."""

    bucket: str
    fields: dict[str, str]
    content: bytes

    @property
    def scope(self) -> list[str]:
        """Access key, date, region, service, terminator. Raises `ServiceError`."""
        found = self.fields.get("x-amz-credential", "").split("/")
        if len(found) != 5 or self.fields.get("x-amz-algorithm") != _ALGORITHM:
            raise _denied("The form must be signed with AWS4-HMAC-SHA256")
        return found


def is_form(request: Request) -> bool:
    """Whether a request is such an upload."""
    kind = request.headers.get("content-type") or ""
    return request.method == "POST" and _BOUNDARY.match(kind) is not None


def read(request: Request) -> Form:
    """The form, of a request whose bucket is in the path. Raises `ServiceError`."""
    match = _BOUNDARY.match(request.headers.get("content-type") or "")
    assert match is not None
    assert isinstance(request.body, bytes)
    bucket = urlsplit(request.target).path.strip("/")
    fields: dict[str, str] = {}
    for part in request.body.split(b"--" + match[1].encode())[1:]:
        head, gap, content = part.partition(b"\r\n\r\n")
        named = _NAME.search(head)
        if not gap or named is None:
            continue
        name = named[1].decode("utf-8", "replace").lower()
        content = content.removesuffix(b"\r\n")
        if name == "file":
            file = _FILE.search(head)
            title = file[1].decode("utf-8", "replace") if file else ""
            key = fields.get("key", "").replace("${filename}", title)
            if not key:
                raise _bad("Bucket POST must contain a field named 'key'.")
            # The file is the last field: what follows is not heeded.
            return Form(bucket, {**fields, "key": key}, content)
        fields[name] = content.decode("utf-8", "replace")
    raise _bad("POST requires exactly one file upload per request.")


def verify(form: Form, secret: str, now: datetime) -> None:
    """Raises `ServiceError` unless the policy is signed, not over, and allows the form."""
    _, date, region, service, _ = form.scope
    key = signing_key(secret, date, region, service)
    policy = form.fields.get("policy", "")
    signed = hmac.new(key, policy.encode(), sha256).hexdigest()
    if not hmac.compare_digest(signed, form.fields.get("x-amz-signature", "")):
        raise ServiceError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check "
            "your key and signing method.",
            status=403,
        )
    given = _policy(policy)
    try:
        end = datetime.fromisoformat(given["expiration"])
        conditions: list[Any] = given["conditions"]
    except (KeyError, ValueError, TypeError):
        raise _bad("Invalid Policy: it must have expiration and conditions") from None
    if now >= (end if end.tzinfo else end.replace(tzinfo=UTC)):
        raise _denied("Invalid according to Policy: Policy expired.")
    _check(form, conditions)


def _policy(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(base64.b64decode(text, validate=True), type=dict[str, Any])
    except (binascii.Error, msgspec.MsgspecError):
        raise _bad("Invalid Policy: Invalid JSON.") from None


def _check(form: Form, conditions: list[Any]) -> None:
    named = {"bucket"}
    values = {**form.fields, "bucket": form.bucket}
    for condition in conditions:
        for operator, name, wanted in _tests(condition):
            if operator == "content-length-range":
                _check_size(len(form.content), name, wanted)
                continue
            named.add(name)
            found = values.get(name, "")
            good = found == wanted if operator == "eq" else found.startswith(wanted)
            if not good:
                told = msgspec.json.encode([operator, f"${name}", wanted]).decode()
                raise _denied(f"Invalid according to Policy: Policy Condition failed: {told}")
    for name in form.fields:
        if name not in named | _UNCHECKED and not name.startswith("x-ignore-"):
            raise _denied(f"Invalid according to Policy: Extra input fields: {name}")


def _tests(condition: Any) -> list[tuple[str, str, str]]:
    """Operator, field and value, of a condition in any of its forms. Raises `ServiceError`."""
    if isinstance(condition, dict):
        pairs = cast(Mapping[str, Any], condition).items()
        return [("eq", name.lower(), str(value)) for name, value in pairs]
    parts = cast("list[Any]", condition) if isinstance(condition, list) else []
    if len(parts) != 3 or str(parts[0]).lower() not in _OPERATORS:
        raise _bad("Invalid Policy: Invalid Condition.")
    return [(str(parts[0]).lower(), str(parts[1]).lower().removeprefix("$"), str(parts[2]))]


def _check_size(size: int, least: str, most: str) -> None:
    if not (least.isdigit() and most.isdigit()):
        raise _bad("Invalid Policy: Invalid content-length-range.")
    if size > int(most):
        text = "Your proposed upload exceeds the maximum allowed size"
        raise ServiceError("EntityTooLarge", text, status=400)
    if size < int(least):
        text = "Your proposed upload is smaller than the minimum allowed size"
        raise ServiceError("EntityTooSmall", text, status=400)


def put(form: Form, request: Request) -> Request:
    """The request that a signed client would have sent."""
    fields = [
        (_HEADERS.get(name, name), value)
        for name, value in form.fields.items()
        if name in _HEADERS or name.startswith("x-amz-meta-")
    ]
    host = request.headers.get("host") or ""
    fields += [("Host", host), ("Content-Length", str(len(form.content)))]
    target = f"/{form.bucket}/{quote(form.fields['key'])}"
    return Request("PUT", target, Headers(fields), form.content, request.peer)


def answer(form: Form, stored: Reply, host: str) -> Reply:
    """What the browser is told of an object that was stored."""
    etag, key = stored.headers.get("etag") or "", form.fields["key"]
    location = f"http://{host}/{form.bucket}/{quote(key)}"
    fields = [item for item in stored.headers if item[0].lower().startswith("x-amz")]
    fields += [("ETag", etag), ("Location", location)]
    redirect = form.fields.get("success_action_redirect") or form.fields.get("redirect")
    if redirect and urlsplit(redirect).scheme in ("http", "https"):
        mark = "&" if urlsplit(redirect).query else "?"
        query = urlencode({"bucket": form.bucket, "key": key, "etag": etag})
        fields[-1] = ("Location", f"{redirect}{mark}{query}")
        return Reply(303, Headers(fields), b"")
    status = form.fields.get("success_action_status")
    if status == "201":
        parts = {"Location": location, "Bucket": form.bucket, "Key": key, "ETag": etag}
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{inner}</PostResponse>'
        return Reply(201, Headers([*fields, ("Content-Type", "application/xml")]), body.encode())
    return Reply(200 if status == "200" else 204, Headers(fields), b"")


def _bad(text: str) -> ServiceError:
    return ServiceError("InvalidArgument", text, status=400)


def _denied(text: str) -> ServiceError:
    return ServiceError("AccessDenied", text, status=403)
