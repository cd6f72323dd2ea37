"""The documents of stacks in the store."""

import time
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from torana.services.cloudformation.faults import no_stack
from torana.services.cloudformation.records import (
    EVENT,
    NAME,
    RESOURCE,
    STACK,
    Event,
    Resource,
    Stack,
    Values,
    Wanted,
)
from torana.services.seal import KeyFile
from torana.state.store import Change, Store

Json = dict[str, Any]
T = TypeVar("T", bound=Struct)

_LAST = (1 << 64) - 1


class _Sealed(Struct, frozen=True):
    sealed: str


class Shelf:
    """Reads and writes them; what resources are made of is sealed."""

    def __init__(self, store: Store, seal: KeyFile) -> None:
        self.store, self._seal = store, seal
        self._last = 0

    async def find(self, name: str) -> Stack:
        """A stack by name or ARN; a deleted one by its ARN only. Raises the service's error."""
        if name.startswith("arn:"):
            id = name.partition(":stack/")[2]
        else:
            there = await self.store.get(NAME, name)
            if there is None:
                raise no_stack(name)
            id = f"{name}/{there.body.decode()}"
        found = await self.store.get(STACK, id) if id else None
        if found is None:
            raise no_stack(name)
        return msgspec.json.decode(found.body, type=Stack)

    async def stack(self, id: str) -> tuple[Stack, int]:
        """A stack and its version. Raises `KeyError`."""
        found = await self.store.get(STACK, id)
        if found is None:
            raise KeyError(id)
        return msgspec.json.decode(found.body, type=Stack), found.version

    async def stacks(self) -> list[Stack]:
        """All, deleted ones too, the newest first."""
        found = [
            msgspec.json.decode(each.body, type=Stack) async for each in self.store.scan(STACK)
        ]
        return sorted(found, key=lambda each: -each.created)

    async def resources(self, stack: str) -> dict[str, Resource]:
        """By logical id."""
        found = [each async for each in self.store.scan(RESOURCE, f"{stack}/")]
        opened = [self._open(each.body) for each in found]
        return {each.logical: each for each in opened}

    def _open(self, body: bytes) -> Resource:
        sealed = msgspec.json.decode(body, type=_Sealed).sealed
        return msgspec.json.decode(self._seal.open(sealed), type=Resource)

    async def put(self, stack: str, resource: Resource | str, *events: Event) -> None:
        """Write a resource (or, by its logical id, forget it), and what happened, at once."""
        logical = resource if isinstance(resource, str) else resource.logical
        id = f"{stack}/{logical}"
        there = await self.store.get(RESOURCE, id)
        version = there.version if there else 0
        changes = [self.event(stack, each) for each in events]
        if isinstance(resource, Resource):
            body = _Sealed(self._seal.close(msgspec.json.encode(resource)))
            changes.append(Change(RESOURCE, id, version, msgspec.json.encode(body)))
        elif version:
            changes.append(Change(RESOURCE, id, version, None))
        if changes:
            await self.store.commit(changes)

    def event(self, stack: str, event: Event) -> Change:
        """To commit; later ones sort before."""
        self._last = max(self._last + 1, time.time_ns())
        id = f"{stack}/{_LAST - self._last:016x}"
        return Change(EVENT, id, 0, msgspec.json.encode(event))

    async def events(self, stack: str) -> list[tuple[str, Event]]:
        """The newest first, by the place of each."""
        return [
            (each.id.rpartition("/")[2], msgspec.json.decode(each.body, type=Event))
            async for each in self.store.scan(EVENT, f"{stack}/")
        ]

    def sealed(self, values: Values) -> str:
        """For `Wanted`."""
        return self._seal.close(msgspec.json.encode(values))

    def values(self, wanted: Wanted | None) -> Values:
        """The values of parameters."""
        if wanted is None:
            return Values({})
        return msgspec.json.decode(self._seal.open(wanted.sealed), type=Values)


def change(kind: str, id: str, version: int, record: Struct | None) -> Change:
    """To commit."""
    return Change(kind, id, version, None if record is None else msgspec.json.encode(record))
