"""One resource of a stack: made, changed, put back or deleted, with what is told of it.

What is about to happen is written down first, so that whoever goes on after a process was killed
knows what may have been made.
"""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, structs

from torana.services.cloudformation.calls import Calls
from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.records import (
    Event,
    Intent,
    Json,
    Resource,
    Snapshot,
    Stack,
    Work,
)
from torana.services.cloudformation.shelf import Shelf
from torana.services.cloudformation.types import TYPES, Kind, Made, Task

_CUSTOM = (
    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
    "Rename {} and update the stack again."
)


class Plan(Struct, frozen=True):
    """How a resource is to be."""

    logical: str
    type: str
    properties: Json
    shown: str
    """The properties for events, as JSON."""
    needs: tuple[str, ...]
    deletion: str
    replacing: str
    metadata: str


class Making(Struct):
    """The resources of one stack during one operation."""

    shelf: Shelf
    stack: Stack
    work: Work
    calls: Callable[[], Calls]
    """Raises `Unmade`."""
    tags: dict[str, str]
    held: dict[str, Resource]
    """As they are; kept up to date."""

    async def make(self, plan: Plan) -> None:
        """Make or change a resource if it is not yet as planned. Raises `Unmade`."""
        try:
            await self._make(plan)
        except Unmade as error:
            there = self.held.get(plan.logical)
            if there is None or not there.status.endswith("_FAILED"):
                await self.refused(plan, str(error))
            raise

    async def _make(self, plan: Plan) -> None:
        there = self.held.get(plan.logical)
        if there is not None and there.type != plan.type and there.now is not None:
            raise Unmade(
                "Update of resource type is not permitted. The new template modifies resource "
                f"type of the following resources: [{plan.logical}]"
            )
        if there is None or there.now is None:
            await self._create(plan, there)
            return
        await self.as_declared(plan)
        own = self.held[plan.logical]
        unsure = there.wanted is not None or there.intent is not None
        if not unsure and there.now.properties == plan.properties:
            return
        changed = _differing((there.before or there.now).properties, plan.properties)
        if TYPES[plan.type].replaced(changed):
            await self._replace(plan, own)
        else:
            await self._update(plan, own)

    async def _create(self, plan: Plan, there: Resource | None) -> None:
        kind = TYPES[plan.type]
        resource = Resource(
            plan.logical,
            plan.type,
            "CREATE_IN_PROGRESS",
            time.time(),
            needs=plan.needs,
            deletion=plan.deletion,
            replacing=plan.replacing,
            metadata=plan.metadata,
            operation=self.work.id,
        )
        if there is not None and there.intent is not None:
            await self._undo(kind, there.intent, there)
        made = await self._attempt(kind, plan, resource, "CREATE")
        done = structs.replace(made, intent=None, time=time.time())
        event = self._event(done, done.status, _id(done), "Resource creation Initiated", plan.shown)
        # Clients sort what happened by its milliseconds.
        event = structs.replace(event, time=event.time - 0.001)
        await self._keep(structs.replace(done, status="CREATE_COMPLETE"), plan.shown, first=event)

    async def _replace(self, plan: Plan, there: Resource) -> None:
        kind, old = TYPES[plan.type], there.now
        assert old is not None
        fresh = not there.intent
        if fresh and kind.unique and old.properties.get(kind.unique):
            same = plan.properties.get(kind.unique) == old.properties[kind.unique]
            if same:
                raise Unmade(_CUSTOM.format(old.id))
        resource = structs.replace(
            there,
            status="UPDATE_IN_PROGRESS",
            reason="Requested update requires the creation of a new physical resource; hence "
            "creating one.",
            time=time.time(),
            before=there.before or old,
            operation=self.work.id,
        )
        if there.intent is not None:
            await self._undo(kind, there.intent, there)
        made = await self._attempt(kind, plan, resource, "UPDATE")
        done = structs.replace(
            made, status="UPDATE_COMPLETE", reason="", intent=None, left=(*there.left, old)
        )
        await self._keep(structs.replace(done, time=time.time()), plan.shown)

    async def _attempt(self, kind: Kind, plan: Plan, resource: Resource, verb: str) -> Resource:
        """Make one, and write it down. Raises `Unmade`; what was half made is written down too."""
        token = secrets.token_hex(8)
        task = self._task(kind, plan.logical, plan.properties, token)
        try:
            seen = await kind.see(task)
            if kind.unique and seen:
                name = task.properties.get(kind.unique)
                raise Unmade(f"{name} already exists")
        except Unmade as error:
            await self._failed(resource, verb, error, plan.shown)
            raise
        intent = Intent(token, tuple(sorted(seen)), plan.properties)
        resource = structs.replace(resource, intent=intent)
        await self._keep(resource, plan.shown)
        try:
            made = await kind.create(task)
        except Unmade as error:
            half = task.made
            if half.id:
                now = Snapshot(half.id, plan.properties, _plain(half.attributes), token)
                if resource.before is None:
                    resource = structs.replace(resource, now=now)
                else:
                    # A replacement that failed is of no use: the old one stays.
                    resource = structs.replace(resource, left=(*resource.left, now))
            await self._failed(structs.replace(resource, intent=None), verb, error, plan.shown)
            raise
        now = Snapshot(made.id, plan.properties, _plain(made.attributes), token)
        return structs.replace(resource, now=now)

    async def _undo(self, kind: Kind, intent: Intent, there: Resource) -> None:
        """Delete what a creation made whose end nobody saw."""
        task = self._task(kind, there.logical, intent.properties, intent.token)
        task.before = task.properties
        if kind.undo is not None:
            await kind.undo(task)
            return
        for id in sorted(await kind.see(task) - set(intent.seen)):
            task.made = Made(id)
            await kind.delete(task)

    async def _update(self, plan: Plan, there: Resource) -> None:
        kind, old = TYPES[plan.type], there.now
        assert old is not None
        resource = structs.replace(
            there,
            status="UPDATE_IN_PROGRESS",
            reason="",
            time=time.time(),
            before=there.before or old,
            wanted=plan.properties,
            operation=self.work.id,
        )
        await self._keep(resource, plan.shown)
        made = await self._change(kind, resource, old, plan.properties, plan.shown)
        now = Snapshot(made.id, plan.properties, {**old.attributes, **made.attributes}, old.token)
        done = structs.replace(
            resource, status="UPDATE_COMPLETE", now=now, wanted=None, time=time.time()
        )
        await self._keep(done, plan.shown)

    async def _change(
        self, kind: Kind, resource: Resource, old: Snapshot, wanted: Json, shown: str
    ) -> Made:
        assert kind.update is not None
        task = self._task(kind, resource.logical, wanted, old.token)
        task.made = Made(old.id, dict(old.attributes))
        task.before = self._named(kind, resource.logical, old.properties, old.token)
        try:
            made = await kind.update(task)
        except Unmade as error:
            if not task.calls.done:
                # Nothing was changed, so nothing is to be put back.
                resource = structs.replace(resource, wanted=None, before=None)
            await self._failed(resource, "UPDATE", error, shown)
            raise
        return structs.replace(made, attributes=_plain(made.attributes))

    async def back(self, resource: Resource) -> None:
        """As it was before this operation. Raises `Unmade`."""
        old, kind = resource.before, TYPES[resource.type]
        if old is None:
            return
        if resource.intent is not None:
            await self._undo(kind, resource.intent, resource)
        now = resource.now or old
        left = tuple(each for each in resource.left if each.id != old.id)
        if now.id != old.id:
            left = (*left, now)
        elif resource.wanted is not None or now.properties != old.properties:
            attempted = resource.wanted if resource.wanted is not None else now.properties
            going = structs.replace(
                resource, status="UPDATE_IN_PROGRESS", reason="", time=time.time()
            )
            await self._keep(going)
            changed = structs.replace(now, properties=attempted)
            await self._change(kind, going, changed, old.properties, "")
        done = structs.replace(
            resource,
            status="UPDATE_COMPLETE",
            reason="",
            now=old,
            before=None,
            wanted=None,
            intent=None,
            left=left,
            time=time.time(),
        )
        await self._keep(done)

    async def settle(self, resource: Resource, *, undone: bool = False) -> None:
        """The operation went well, or is `undone`: what it left is deleted. Raises `Unmade`."""
        for each in resource.left:
            if resource.replacing.startswith("Retain") and not undone:
                continue
            event = self._event(resource, "DELETE_IN_PROGRESS", each.id)
            await self.shelf.put(self.stack.id, resource, event)
            try:
                await self._away(TYPES[resource.type], resource.logical, each)
            except Unmade as error:
                failed = self._event(resource, "DELETE_FAILED", each.id, str(error))
                await self.shelf.put(self.stack.id, resource, failed)
                raise
            await self.shelf.put(
                self.stack.id, resource, self._event(resource, "DELETE_COMPLETE", each.id)
            )
        if resource.left or resource.before:
            await self._keep(structs.replace(resource, left=(), before=None), told=False)

    async def refused(self, plan: Plan, reason: str) -> None:
        """Tell that a resource cannot even be tried."""
        there = self.held.get(plan.logical)
        verb = "UPDATE" if there is not None and there.now is not None else "CREATE"
        resource = there or Resource(plan.logical, plan.type, "", 0.0, operation=self.work.id)
        await self._failed(resource, verb, Unmade(reason))

    async def as_declared(self, plan: Plan) -> None:
        """What the template says besides properties is so again."""
        there = self.held.get(plan.logical)
        if there is not None:
            own = structs.replace(
                there,
                needs=plan.needs,
                deletion=plan.deletion,
                replacing=plan.replacing,
                metadata=plan.metadata,
            )
            if own != there:
                await self._keep(own, told=False)

    async def delete(self, resource: Resource, *, retain: bool = False) -> None:
        """With all that it left. Raises `Unmade`."""
        kind = TYPES.get(resource.type)
        if retain or kind is None:
            event = self._event(resource, "DELETE_SKIPPED", _id(resource))
            await self.shelf.put(self.stack.id, resource.logical, event)
            self.held.pop(resource.logical, None)
            return
        going = structs.replace(
            resource,
            status="DELETE_IN_PROGRESS",
            reason="",
            time=time.time(),
            operation=self.work.id,
        )
        await self._keep(going)
        try:
            if resource.intent is not None:
                await self._undo(kind, resource.intent, resource)
            several = [*resource.left, *([resource.now] if resource.now else [])]
            for each in {each.id: each for each in several}.values():
                await self._away(kind, resource.logical, each)
        except Unmade as error:
            await self._failed(going, "DELETE", error)
            raise
        event = self._event(resource, "DELETE_COMPLETE", _id(resource))
        await self.shelf.put(self.stack.id, resource.logical, event)
        self.held.pop(resource.logical, None)

    async def _away(self, kind: Kind, logical: str, each: Snapshot) -> None:
        task = self._task(kind, logical, each.properties, each.token)
        task.before, task.made = task.properties, Made(each.id, dict(each.attributes))
        await kind.delete(task)

    def _task(self, kind: Kind, logical: str, properties: Json, token: str) -> Task:
        calls = structs.replace(self.calls(), done=[])
        task = Task(calls, self.stack.name, self.stack.arn, logical, token, {}, self.tags)
        task.properties = self._named(kind, logical, properties, token)
        return task

    def _named(self, kind: Kind, logical: str, properties: Json, token: str) -> Json:
        if kind.named is None:
            return dict(properties)
        task = Task(self.calls(), self.stack.name, self.stack.arn, logical, token, properties)
        return dict(kind.named.given(task, properties))

    async def _failed(
        self, resource: Resource, verb: str, error: Exception, shown: str = ""
    ) -> None:
        status = f"{verb}_FAILED"
        failed = structs.replace(resource, status=status, reason=str(error), time=time.time())
        await self._keep(failed, shown)

    async def _keep(
        self,
        resource: Resource,
        shown: str = "",
        *,
        told: bool = True,
        first: Event | None = None,
    ) -> None:
        event = self._event(resource, resource.status, _id(resource), resource.reason, shown)
        events = ([first] if first else []) + ([event] if told else [])
        await self.shelf.put(self.stack.id, resource, *events)
        self.held[resource.logical] = resource

    def _event(
        self, resource: Resource, status: str, physical: str, reason: str = "", shown: str = ""
    ) -> Event:
        return Event(
            f"{resource.logical}-{status}-{secrets.token_hex(4)}",
            resource.logical,
            physical,
            resource.type,
            time.time(),
            status,
            reason,
            shown,
            self.work.token,
        )


def _id(resource: Resource) -> str:
    return resource.now.id if resource.now else ""


def _differing(before: Json, after: Json) -> set[str]:
    names = before.keys() | after.keys()
    return {name for name in names if before.get(name) != after.get(name)}


def _plain(attributes: Json) -> Json:
    """As they will be read again."""
    return msgspec.json.decode(msgspec.json.encode(attributes))


def shown(properties: Any) -> str:
    """The properties of an event."""
    return json.dumps(properties, separators=(",", ":"))
