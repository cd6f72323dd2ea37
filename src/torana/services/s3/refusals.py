"""S3's errors, and what is refused rather than ignored.

Source: "Error responses" (S3 API Reference).
"""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import Any

from torana.services.ports import Call
from torana.state.objects import (
    BucketNotEmpty,
    BucketThere,
    Changed,
    Full,
    NoBucket,
    NoObject,
    NoUpload,
    ObjectError,
)
from torana.wire.faults import ServiceError

Params = dict[str, Any]

_ERRORS: dict[type[ObjectError], tuple[str, int, str, str]] = {
    NoBucket: ("NoSuchBucket", 404, "The specified bucket does not exist", "BucketName"),
    NoObject: ("NoSuchKey", 404, "The specified key does not exist.", "Key"),
    NoUpload: (
        "NoSuchUpload",
        404,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
        "been aborted or completed.",
        "UploadId",
    ),
    BucketNotEmpty: (
        "BucketNotEmpty",
        409,
        "The bucket you tried to delete is not empty",
        "BucketName",
    ),
    BucketThere: (
        "BucketAlreadyOwnedByYou",
        409,
        "Your previous request to create the named bucket succeeded and you already own it.",
        "BucketName",
    ),
    Changed: (
        "PreconditionFailed",
        412,
        "At least one of the pre-conditions you specified did not hold",
        "Key",
    ),
    Full: ("ServiceUnavailable", 503, "There is no room left on this device.", "Reason"),
}


@contextmanager
def translated() -> Generator[None]:
    """The store's errors become S3's."""
    try:
        yield
    except ObjectError as error:
        code, status, message, field = _ERRORS[type(error)]
        raise ServiceError(code, message, status=status, fields={field: str(error)}) from None


def not_implemented(what: str) -> ServiceError:
    """For what the store has not."""
    return ServiceError(
        "NotImplemented",
        f"A header or parameter you provided implies functionality that is not implemented: {what}",
        status=501,
    )


_HARMLESS: dict[str, Collection[Any]] = {
    "ACL": ("private", "bucket-owner-full-control"),
    "StorageClass": ("STANDARD",),
    "ServerSideEncryption": (),
    "BucketKeyEnabled": (False,),
    "ObjectOwnership": ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"),
    "ObjectLockEnabledForBucket": (False,),
    "VersionId": ("null",),
    "RequestPayer": ("requester",),
}
"""Members with the values that ask for nothing that the store does not do anyway."""


def only(call: Call, params: Params, *known: str) -> None:
    """Refuses every member that the operation does not heed here. Raises `ServiceError`."""
    owner = params.get("ExpectedBucketOwner", call.principal.account)
    if owner != call.principal.account:
        raise ServiceError("AccessDenied", "Access Denied", status=403)
    for name, value in params.items():
        if name in known or name == "ExpectedBucketOwner" or value in _HARMLESS.get(name, ()):
            continue
        raise not_implemented(name)


def bad(message: str, **fields: str) -> ServiceError:
    """`InvalidArgument`."""
    return ServiceError("InvalidArgument", message, status=400, fields=fields)
