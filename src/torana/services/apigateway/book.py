"""Documents of the control plane, read and written whole or not at all.

An operation reads what it needs and says what it writes; a commit fails if anything that was read
has changed meanwhile, and the operation is then done again. So concurrent edits lose nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from random import choices, random
from string import ascii_lowercase, digits
from typing import Any, TypeVar

import msgspec

from torana.services.apigateway.faults import bad, conflict, unavailable
from torana.services.audit import committed, record
from torana.services.ports import Call
from torana.state.store import Change, Conflict, Expect, Store, StoreUnavailable

Json = dict[str, Any]
T = TypeVar("T")

_TRIES = 30

API = "rest-api"
RESOURCE = "rest-resource"
"""Under `{api}/{resource}`, with its methods."""
PATH = "rest-path"
"""Under `{api}/{parent}/{path part}`: no two children of one name. `{}` for a variable."""
PART = "rest-part"
"""Under `{api}/{kind}/{id}`: models, validators, authorizers, gateway responses and the like."""
DEPLOYMENT = "rest-deployment"
"""Under `{api}/{deployment}`: the API as it was, ready to be compiled."""
STAGE = "rest-stage"
"""Under `{api}/{stage}`."""
FLUSH = "rest-stage-flush"
"""Under `{api}/{stage}`: how often its cache and its authorizers' were flushed."""
LIFECYCLE = "lifecycle"
"""Under `{api}/{stage}`, of either control plane or of a file: what was said of a version at run
time."""
VERSION_SET = "version-set"
"""Under `{domain}/{base path}`, `(none)` for the empty one."""
DOMAIN = "domain-name"
MAPPING = "base-path-mapping"
"""Under `{domain}/{base path}`, `(none)` for the empty one."""
ACCESS = "domain-name-access"
"""Under `{domain}/{VPC endpoint}`."""
VPC_LINK = "vpc-link"
CLIENT_CERTIFICATE = "client-certificate"
"""With its private key, sealed."""
KEY = "api-key"
KEY_VALUE = "api-key-value"
"""Under the hash of its value: no two keys of one value."""
PLAN = "usage-plan"
PLAN_KEY = "usage-plan-key"
"""Under `{plan}/{key}`."""


class Sheet:
    """One attempt at an operation."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._versions: dict[tuple[str, str], int] = {}
        self._before: dict[tuple[str, str], bytes] = {}
        self._written: dict[tuple[str, str], bytes | None] = {}

    async def get(self, kind: str, id: str) -> Json | None:
        """A document, or None. That it stays so is a condition of the commit."""
        if (kind, id) in self._written:
            body = self._written[kind, id]
            return None if body is None else msgspec.json.decode(body)
        document = await self._store.get(kind, id)
        # What was seen first counts: if it has changed since, the commit is to fail.
        self._versions.setdefault((kind, id), document.version if document else 0)
        if document is None:
            return None
        self._before.setdefault((kind, id), document.body)
        return msgspec.json.decode(document.body)

    async def scan(self, kind: str, prefix: str = "") -> AsyncIterator[tuple[str, Json]]:
        """Ids and documents, by id."""
        async for document in self._store.scan(kind, prefix):
            if (kind, document.id) not in self._versions:
                self._versions[kind, document.id] = document.version
                self._before[kind, document.id] = document.body
            yield document.id, msgspec.json.decode(document.body)

    async def now(self, kind: str, prefix: str = "") -> list[tuple[str, Json]]:
        """What `scan` finds, as this attempt leaves it."""
        found = {id: each async for id, each in self.scan(kind, prefix)}
        for (written, id), body in self._written.items():
            if written == kind and id.startswith(prefix):
                found.pop(id, None)
                if body is not None:
                    found[id] = msgspec.json.decode(body)
        return sorted(found.items(), key=lambda each: each[0])

    def put(self, kind: str, id: str, value: Json) -> None:
        """Write a document. What was not read before must not exist."""
        self._written[kind, id] = msgspec.json.encode(value)

    def delete(self, kind: str, id: str) -> None:
        """Delete a document that was read."""
        self._written[kind, id] = None

    def changes(self, call: Call, source: str) -> list[Change | Expect]:
        """What to commit: what is written, under the condition of what was read, and its audit."""
        if not self._written:
            return []
        made: list[Change | Expect] = []
        edits: list[tuple[str, str, bytes | None, bytes | None]] = []
        for (kind, id), body in self._written.items():
            version = self._versions.get((kind, id), 0)
            before = self._before.get((kind, id))
            if body is not None or version:
                made.append(Change(kind, id, version, body))
            if body != before:
                edits.append((kind, id, before, body))
        made.append(record(call, source, edits))
        made += [
            Expect(kind, id, version)
            for (kind, id), version in self._versions.items()
            if (kind, id) not in self._written
        ]
        return made


async def _at_once(revision: int) -> None:
    """Nobody waits for others to see what was written."""


class Book:
    """The documents, and the audit of their changes."""

    def __init__(
        self,
        store: Store,
        source: str = "apigateway",
        written: Callable[[int], Awaitable[None]] = _at_once,
    ) -> None:
        """`source`: the service that the audit names. `written` is told each new revision."""
        self.store, self._source, self._written = store, source, written

    async def read(self, work: Callable[[Sheet], Awaitable[T]]) -> T:
        """Do something that writes nothing. Raises what `work` raises, and the service's error
        when the store is away."""
        try:
            return await work(Sheet(self.store))
        except StoreUnavailable as error:
            raise unavailable() from error

    async def edit(self, call: Call, work: Callable[[Sheet], Awaitable[T]]) -> T:
        """Do something that is written whole, again if others wrote first.

        Raises what `work` raises, and the service's errors when others write all the time or the
        store is away.
        """
        for attempt in range(_TRIES):
            sheet = Sheet(self.store)
            try:
                done = await work(sheet)
                changes = sheet.changes(call, self._source)
                if changes:
                    revision = await self.store.commit(changes)
                    committed(changes)
                    await self._written(revision)
            except Conflict:
                await asyncio.sleep(random() * min(0.002 * 2**attempt, 0.1))  # noqa: S311
                continue
            except StoreUnavailable as error:
                raise unavailable() from error
            return done
        raise conflict(
            "Unable to complete operation due to concurrent modification. Please try again later."
        )


def new_id(length: int = 10) -> str:
    """An identifier of the service's form."""
    return "".join(choices(ascii_lowercase + digits, k=length))  # noqa: S311


def limit_of(params: Json) -> int:
    """How many items a page has. Raises the service's error."""
    limit = int(params.get("limit") or 25)
    if limit < 1:
        raise bad("Invalid limit specified: it must be between 1 and 500")
    return min(limit, 500)


def page(items: list[Json], params: Json, by: str = "id") -> Json:
    """A page of a list, by `position` and `limit`."""
    limit = limit_of(params)
    start = params.get("position")
    rest = items if not start else [item for item in items if str(item[by]) >= start]
    answer: Json = {"items": rest[:limit]}
    if len(rest) > limit:
        answer["position"] = str(rest[limit][by])
    return answer
