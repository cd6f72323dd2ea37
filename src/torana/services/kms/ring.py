"""The keys as they are kept, and how operations find one.

Source: KMS API Reference, "Key states of KMS keys" and the operations' errors.
"""

import secrets
from time import time
from typing import Any, Protocol
from uuid import uuid4

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Json = dict[str, Any]

KEY, ALIAS = "kms-key", "kms-alias"
BYTES = {
    "SYMMETRIC_DEFAULT": 32,
    "HMAC_224": 28,
    "HMAC_256": 32,
    "HMAC_384": 48,
    "HMAC_512": 64,
}
"""Of the material, by the key's spec."""
DAY = 86400.0


class Seal(Protocol):
    """Encrypts what is kept."""

    def close(self, plain: bytes) -> str: ...
    def open(self, sealed: str) -> bytes: ...


class Ring:
    """Every key of the account."""

    def __init__(self, book: Book, seal: Seal) -> None:
        self.book, self._seal = book, seal

    def make(self, call: Call, spec: str, usage: str) -> Json:
        """A new key, not kept yet."""
        id = str(uuid4())
        return {
            "KeyId": id,
            "Arn": arn(call, f"key/{id}"),
            "CreationDate": time(),
            "KeySpec": spec,
            "KeyUsage": usage,
            "KeyState": "Enabled",
            "materials": [self.material(spec)],
        }

    def material(self, spec: str) -> str:
        """Fresh material, sealed."""
        return self._seal.close(secrets.token_bytes(BYTES[spec]))

    def opened(self, key: Json, version: int) -> bytes:
        """The material of a version. Raises the service's error for a key file that is not the
        one the key was sealed with."""
        try:
            return self._seal.open(key["materials"][version])
        except ValueError as error:
            raise ServiceError("KeyUnavailableException", str(error), status=500) from error

    async def find(self, sheet: Sheet, call: Call, name: str) -> Json:
        """A key by its id, its ARN, an alias or an alias' ARN. Raises the service's error."""
        plain = name.partition(":key/")[2] or name
        if ":alias/" in name:
            plain = "alias/" + name.partition(":alias/")[2]
        if plain.startswith("alias/"):
            alias = await sheet.get(ALIAS, plain)
            if alias is None:
                raise missing(f"Alias {arn(call, plain)} is not found.")
            plain = alias["TargetKeyId"]
        found = await sheet.get(KEY, plain)
        if found is None or found.get("DeletionDate", float("inf")) <= time():
            shown = plain if plain.startswith("arn:") else arn(call, f"key/{plain}")
            raise missing(f"Key '{shown}' does not exist")
        return found

    async def usable(self, sheet: Sheet, call: Call, name: str, usage: str) -> Json:
        """A key that may be used for something. Raises the service's errors."""
        key = await self.find(sheet, call, name)
        if key["KeyUsage"] != usage:
            raise ServiceError(
                "InvalidKeyUsageException",
                f"{key['Arn']} key usage is {key['KeyUsage']} which is not valid for "
                f"{call.operation}.",
            )
        if key["KeyState"] == "Disabled":
            raise ServiceError("DisabledException", f"{key['Arn']} is disabled.")
        standing(key)
        return key


def standing(key: Json) -> None:
    """Raises the service's error for a key that is to be deleted."""
    if key["KeyState"] == "PendingDeletion":
        raise ServiceError("KMSInvalidStateException", f"{key['Arn']} is pending deletion.")


def arn(call: Call, place: str) -> str:
    """Of a key or an alias."""
    return f"arn:aws:kms:{call.region}:{call.principal.account}:{place}"


def missing(message: str) -> ServiceError:
    """There is no such key."""
    return ServiceError("NotFoundException", message)


def unsupported(message: str) -> ServiceError:
    """What keys of this gateway cannot do."""
    return ServiceError("UnsupportedOperationException", message)


def refuse(params: Json, *names: str) -> None:
    """Raises the service's error for options that nothing here heeds."""
    for name in names:
        if params.get(name):
            raise unsupported(f"{name} is not supported here")


def dry(params: Json) -> None:
    """Raises what a dry run that would succeed is answered."""
    if params.get("DryRun"):
        raise ServiceError(
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun option is set.",
            status=412,
        )


def page(items: list[Json], params: Json, members: str, by: str) -> Json:
    """A page of a list."""
    after = params.get("Marker")
    rest = [item for item in items if not after or item[by] > after]
    limit = params.get("Limit") or 100
    answer: Json = {members: rest[:limit], "Truncated": len(rest) > limit}
    if len(rest) > limit:
        answer["NextMarker"] = rest[limit - 1][by]
    return answer
