"""What is kept with an object: its headers, its own metadata, its checksum."""

from collections.abc import Mapping

from torana.services.s3 import tags
from torana.services.s3.checksums import MEMBERS
from torana.services.s3.refusals import Params
from torana.wire.faults import ServiceError

HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "WebsiteRedirectLocation",
)
_OWN = "meta:"
_MOST = 2048
"""Bytes of all names and values of an object's own metadata."""
DEFAULT_TYPE = "binary/octet-stream"
CHECKSUM_TYPE = "ChecksumType"


def kept(params: Params) -> dict[str, str]:
    """The fields of an object that a request describes. Raises `ServiceError`."""
    fields = {name: str(params[name]) for name in HEADERS if name in params}
    encodings = [part.strip() for part in fields.pop("ContentEncoding", "").split(",")]
    # `aws-chunked` is the way the body came, not a property of the object.
    if kept_encodings := [part for part in encodings if part and part != "aws-chunked"]:
        fields["ContentEncoding"] = ",".join(kept_encodings)
    own: dict[str, str] = params.get("Metadata", {})
    size = sum(len(name.encode()) + len(value.encode()) for name, value in own.items())
    if size > _MOST:
        text = "Your metadata headers exceed the maximum allowed metadata size"
        fields_of = {"Size": str(size), "MaxSizeAllowed": str(_MOST)}
        raise ServiceError("MetadataTooLarge", text, status=400, fields=fields_of)
    if params.get("Tagging"):
        fields.update(tags.of_header(params["Tagging"]))
    fields.update({f"{_OWN}{name.lower()}": value for name, value in own.items()})
    return fields


def described(fields: Mapping[str, str]) -> Params:
    """The members of a reply about an object with these fields."""
    members: Params = {name: fields[name] for name in HEADERS if name in fields}
    members.setdefault("ContentType", DEFAULT_TYPE)
    own = {
        name.removeprefix(_OWN): value for name, value in fields.items() if name.startswith(_OWN)
    }
    if own:
        members["Metadata"] = own
    return members


def checksums(fields: Mapping[str, str]) -> Params:
    """The members with the object's checksum."""
    return {name: fields[name] for name in (*MEMBERS, CHECKSUM_TYPE) if name in fields}
