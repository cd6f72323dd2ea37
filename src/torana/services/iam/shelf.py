"""The identities as they are kept, and how operations find and change them."""

from collections.abc import Awaitable, Callable
from time import time
from typing import Protocol, TypeVar

from torana.services.apigateway.book import Book, Sheet
from torana.services.iam.managed import MANAGED
from torana.services.iam.names import (
    POLICY,
    Json,
    arn,
    exists,
    in_use,
    invalid,
    missing,
    new_id,
    no,
    over,
    shown_tags,
)
from torana.services.ports import Call
from torana.state.store import Store
from torana.wire.faults import ServiceError

T = TypeVar("T")
_TAGS = 50
_KEYS_TAKEN = "Duplicate tag keys found. Please note that Tag keys are case insensitive."


class Seal(Protocol):
    """Encrypts what is kept."""

    def close(self, plain: bytes) -> str: ...
    def open(self, sealed: str) -> bytes: ...


class Shelf:
    """Every identity of the account."""

    def __init__(self, store: Store, seal: Seal, seen: Callable[[int], Awaitable[None]]) -> None:
        """`seen` waits until this process lives by what a revision of the store says."""
        self._book, self.seal = Book(store, "iam", seen), seal

    async def read(self, work: Callable[[Sheet], Awaitable[T]]) -> T:
        """Do something that writes nothing."""
        try:
            return await self._book.read(work)
        except ServiceError as error:
            raise _own(error) from None

    async def edit(self, call: Call, work: Callable[[Sheet], Awaitable[T]]) -> T:
        """Do something that is written whole, again if others wrote first."""
        try:
            return await self._book.edit(call, work)
        except ServiceError as error:
            raise _own(error) from None


def _own(error: ServiceError) -> ServiceError:
    """The book speaks for API Gateway; this service has other words."""
    if error.code == "ConflictException":
        return ServiceError("ConcurrentModification", error.message, status=409)
    if error.code == "ServiceUnavailableException":
        return ServiceError("ServiceFailure", error.message, status=500)
    return error


def made(kind: str, name: str, path: str | None, tags: list[Json] | None) -> Json:
    """What every identity has."""
    return {
        "Name": name,
        "Id": new_id(kind),
        "Path": path or "/",
        "Created": time(),
        "Tags": tagged({}, tags or []),
    }


def tagged(tags: dict[str, str], more: list[Json]) -> dict[str, str]:
    """Tags with more of them; keys differ by more than case. Raises the service's errors."""
    keys = [each["Key"].lower() for each in more]
    if len(set(keys)) < len(keys):
        raise invalid(_KEYS_TAKEN)
    kept = {key: value for key, value in tags.items() if key.lower() not in keys}
    found = {**kept, **{each["Key"]: each["Value"] for each in more}}
    if len(found) > _TAGS:
        raise over("TagsPerResource", _TAGS)
    return found


def untagged(tags: dict[str, str], keys: list[str]) -> dict[str, str]:
    """Tags without some."""
    gone = {key.lower() for key in keys}
    return {key: value for key, value in tags.items() if key.lower() not in gone}


async def find(sheet: Sheet, kind: str, name: str) -> Json:
    """An identity by its name. Raises the service's error."""
    found = await sheet.get(kind, name.lower())
    if found is None:
        raise no(kind, name)
    return found


async def free(sheet: Sheet, kind: str, name: str, message: str) -> None:
    """Raises the service's error for a name that is taken."""
    if await sheet.get(kind, name.lower()) is not None:
        raise exists(message)


def keep(sheet: Sheet, kind: str, entity: Json) -> None:
    """Write an identity."""
    sheet.put(kind, entity["Name"].lower(), entity)


async def find_policy(sheet: Sheet, call: Call, policy: str, message: str = "") -> Json:
    """A managed policy by its ARN, the account's or AWS'. Raises the service's error."""
    own = MANAGED.get(policy)
    if own is not None:
        return own
    found = await sheet.get(POLICY, policy.rpartition("/")[2].lower() or "-")
    if found is None or arn(call.principal.account, POLICY, found) != policy:
        raise missing(message or f"Policy {policy} was not found.")
    return found


async def with_boundary(sheet: Sheet, call: Call, entity: Json, policy: str | None) -> None:
    """Bound an identity by a managed policy; None: not any more."""
    if policy:
        await find_policy(
            sheet, call, policy, f"Scope ARN: {policy} does not exist or is not attachable."
        )
        entity["Boundary"] = policy
    else:
        entity.pop("Boundary", None)


async def bound(shelf: Shelf, call: Call, kind: str, name: str, policy: str | None) -> Json:
    """`with_boundary` of an identity that there is."""

    async def work(sheet: Sheet) -> Json:
        entity = await find(sheet, kind, name)
        await with_boundary(sheet, call, entity, policy)
        keep(sheet, kind, entity)
        return {}

    return await shelf.edit(call, work)


def bare(entity: Json) -> None:
    """Raises the service's error for an identity that still has policies."""
    if entity.get("Inline"):
        raise in_use("Cannot delete entity, must delete policies first.")
    if entity.get("Attached"):
        raise in_use("Cannot delete entity, must detach all policies first.")


def extras(entity: Json) -> Json:
    """Boundary and tags, as the wire takes them where they are shown."""
    shown: Json = {}
    if entity.get("Boundary"):
        shown["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": entity["Boundary"],
        }
    if entity.get("Tags"):
        shown["Tags"] = shown_tags(entity["Tags"])
    return shown
