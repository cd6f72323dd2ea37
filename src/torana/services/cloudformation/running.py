"""An operation on a stack, from what is wanted to what is there, and back when it fails.

Every step is found again in the store: a run that was cut off is simply run again.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, structs

from torana.services.cloudformation import dynamic
from torana.services.cloudformation.calls import Calls
from torana.services.cloudformation.exports import Exports
from torana.services.cloudformation.faults import BadTemplate, Unmade
from torana.services.cloudformation.graph import ordered
from torana.services.cloudformation.intrinsics import Scope, evaluate
from torana.services.cloudformation.making import Making, Plan, shown
from torana.services.cloudformation.prepare import existing, outputs_of
from torana.services.cloudformation.records import (
    CHANGE_SET,
    CLAIM,
    NAME,
    STACK,
    WORK,
    ChangeSet,
    Event,
    Json,
    Resource,
    Stack,
    Wanted,
    Work,
)
from torana.services.cloudformation.scope import scope_of
from torana.services.cloudformation.shaping import text
from torana.services.cloudformation.shelf import Shelf, change
from torana.services.cloudformation.who import Callers
from torana.services.members import part
from torana.state.store import Change, Conflict, Expect, StoreError

_log = logging.getLogger("torana.services")
_TRIES = 20
TYPE = "AWS::CloudFormation::Stack"


class _Failed(Exception):
    """Some resources could not be made; the text is the stack's reason."""


class Draft(Struct):
    """A template with its values, and the resources that are there."""

    whole: Json
    scope: Scope
    masked: Scope
    live: dict[str, Json]
    order: dict[str, tuple[str, ...]]


class Run:
    """One operation, done by this process."""

    def __init__(self, shelf: Shelf, callers: Callers, stack: Stack, work: Work) -> None:
        self._shelf, self._callers, self._stack, self._work = shelf, callers, stack, work
        self._exports = Exports(shelf)

    async def go(self) -> None:
        """Until the stack is at rest. Raises `StoreError`."""
        verbs = {"CREATE": self._create, "UPDATE": self._update, "DELETE": self._delete}
        await verbs[self._work.verb]()

    async def broken(self) -> None:
        """It cannot be gone on with: the stack rests as it is."""
        back = self._work.verb == "UPDATE" and self._work.phase == "back"
        status = "UPDATE_ROLLBACK" if back else self._work.verb
        await self._done(f"{status}_FAILED", "Internal Failure")

    async def _create(self) -> None:
        if self._work.phase == "forward":
            try:
                async with asyncio.timeout(self._stack.timeout * 60 or None):
                    outputs = await self._forward()
            except TimeoutError:
                await self._create_failed("Stack creation time exceeded the specified timeout.")
            except _Failed as error:
                await self._create_failed(str(error))
            else:
                await self._done("CREATE_COMPLETE", outputs=outputs)
                return
        if self._work.phase == "back":
            await self._undo_creation()

    async def _create_failed(self, reason: str) -> None:
        how = "DO_NOTHING" if self._work.no_rollback else self._work.on_failure
        if how == "DO_NOTHING":
            await self._done("CREATE_FAILED", reason)
            return
        await self._status(f"{how}_IN_PROGRESS", f"{reason} Rollback requested by user.")
        await self._phase("back")

    async def _undo_creation(self) -> None:
        failed = await self._delete_all(undone=True)
        gone = self._work.on_failure == "DELETE"
        if failed:
            status = "DELETE_FAILED" if gone else "ROLLBACK_FAILED"
            await self._done(status, _not_deleted(failed))
        else:
            await self._done("DELETE_COMPLETE" if gone else "ROLLBACK_COMPLETE")

    async def _update(self) -> None:
        outputs: tuple[list[Json], list[str]] | None = None
        if self._work.phase == "forward":
            try:
                outputs = await self._forward()
                await self._status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
                await self._phase("clean")
            except _Failed as error:
                if self._work.no_rollback:
                    await self._done("UPDATE_FAILED", str(error))
                    return
                await self._status("UPDATE_ROLLBACK_IN_PROGRESS", str(error))
                await self._phase("back")
        if self._work.phase == "back":
            await self._put_back()
        elif self._work.phase == "clean":
            await self._clean(outputs)

    async def _clean(self, outputs: tuple[list[Json], list[str]] | None) -> None:
        assert self._work.wanted is not None
        making = await self._making(self._work.wanted)
        draft = await self._draft(self._work.wanted, making.held)
        if outputs is None:
            outputs = await self._outputs(draft)
        await self._sweep(making, draft, undone=False)
        await self._done("UPDATE_COMPLETE", outputs=outputs)

    async def _sweep(self, making: Making, draft: Draft, *, undone: bool) -> None:
        """What is not in the template any more, and what was replaced, goes. What cannot be
        deleted is told of, and tried again with the next update."""
        gone = [each for name, each in making.held.items() if name not in draft.live]
        for each in _last_first(gone):
            try:
                retain = each.deletion == "Retain" and not undone
                await making.delete(each, retain=retain)
            except Unmade as error:
                _log.warning("%s: %s stays: %s", self._stack.arn, each.logical, error)
        for each in list(making.held.values()):
            try:
                await making.settle(each, undone=undone)
            except Unmade as error:
                _log.warning("%s: %s left something: %s", self._stack.arn, each.logical, error)

    async def _put_back(self) -> None:
        assert self._stack.wanted is not None
        making = await self._making(self._stack.wanted)
        failed: list[str] = []
        draft = await self._draft(self._stack.wanted, making.held)
        for name, wanted in draft.order.items():
            await making.as_declared(self._declared(name, wanted, draft))
            if name in self._work.skip or name not in making.held:
                continue
            try:
                await making.back(making.held[name])
            except Unmade:
                failed.append(name)
        if failed:
            reason = f"The following resource(s) failed to update: [{', '.join(failed)}]."
            await self._done("UPDATE_ROLLBACK_FAILED", reason)
            return
        await self._status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        await self._sweep(making, draft, undone=True)
        await self._done("UPDATE_ROLLBACK_COMPLETE")

    async def _delete(self) -> None:
        try:
            await self._exports.check(self._stack, [])
        except Unmade as error:
            await self._done("DELETE_FAILED", str(error))
            return
        failed = await self._delete_all(undone=False)
        if failed:
            await self._done("DELETE_FAILED", _not_deleted(failed))
        else:
            await self._done("DELETE_COMPLETE")

    async def _delete_all(self, *, undone: bool) -> list[str]:
        """The resources that could not be deleted. What they need stays as well."""
        making = await self._making(self._work.wanted or self._stack.wanted)
        failed: list[str] = []
        kept: set[str] = set()
        for each in _last_first(list(making.held.values())):
            if each.logical in kept:
                kept |= set(each.needs)
                continue
            keep = each.deletion == "Retain" and each.now is not None
            keep = keep or (each.deletion == "RetainExceptOnCreate" and not undone)
            try:
                await making.delete(each, retain=keep or each.logical in self._work.retain)
            except Unmade:
                failed.append(each.logical)
                kept |= set(each.needs)
        return failed

    async def _forward(self) -> tuple[list[Json], list[str]]:
        """Make everything. The outputs, and the exports that were imported. Raises `_Failed`."""
        assert self._work.wanted is not None
        making = await self._making(self._work.wanted)
        try:
            draft = await self._draft(self._work.wanted, making.held)
        except BadTemplate as error:
            raise _Failed(str(error)) from None
        verb = "create" if self._work.verb == "CREATE" else "update"
        for name, wanted in draft.order.items():
            plan = self._declared(name, wanted, draft)
            try:
                plan = await self._planned(plan, draft, making.calls)
            except (BadTemplate, Unmade) as error:
                await making.refused(plan, str(error))
                raise _Failed(_not_made(verb, name)) from None
            try:
                await making.make(plan)
            except Unmade:
                raise _Failed(_not_made(verb, name)) from None
            except (StoreError, asyncio.CancelledError):
                raise
            except Exception:  # noqa: BLE001  a fault of one type must not stall the stack
                _log.exception("%s: %s", self._stack.arn, name)
                await making.refused(plan, "Internal Failure")
                raise _Failed(_not_made(verb, name)) from None
        try:
            return await self._outputs(draft)
        except (BadTemplate, Unmade) as error:
            raise _Failed(str(error)) from None

    async def _making(self, wanted: Wanted | None) -> Making:
        calls = _Late(self._callers, self._work, self._stack.arn)
        tags = wanted.tags if wanted else {}
        held = await self._shelf.resources(self._stack.id)
        return Making(self._shelf, self._stack, self._work, calls.now, dict(tags), held)

    async def _draft(self, wanted: Wanted, held: Mapping[str, Resource]) -> Draft:
        whole, values = wanted.processed, self._shelf.values(wanted)
        exports = await self._exports.values()
        stack = self._stack
        scope = scope_of(stack, whole, values, held, exports)
        masked = scope_of(stack, whole, values, held, exports, mask=True)
        masked.conditions = scope.conditions
        live = existing(whole, scope)
        return Draft(whole, scope, masked, live, ordered(live, scope.conditions))

    def _declared(self, name: str, needs: tuple[str, ...], draft: Draft) -> Plan:
        """What a template says of a resource besides its properties."""
        own = draft.live[name]
        deletion = evaluate(own.get("DeletionPolicy") or "Delete", draft.scope)
        replacing = evaluate(own.get("UpdateReplacePolicy") or "Delete", draft.scope)
        metadata = json.dumps(own["Metadata"]) if "Metadata" in own else ""
        return Plan(name, own["Type"], {}, "", needs, str(deletion), str(replacing), metadata)

    async def _planned(self, plan: Plan, draft: Draft, calls: Any) -> Plan:
        given = part(draft.live[plan.logical], "Properties")
        properties = await dynamic.resolved(evaluate(given, draft.scope), calls())
        seen = shown(evaluate(given, draft.masked))
        return structs.replace(plan, properties=properties, shown=seen)

    async def _outputs(self, draft: Draft) -> tuple[list[Json], list[str]]:
        """Raises `BadTemplate` and `Unmade`."""
        made: list[Json] = []
        for name, about in outputs_of(draft.whole, draft.scope).items():
            value = evaluate(about["Value"], draft.scope)
            if isinstance(value, dict | list):
                raise BadTemplate(
                    "Template format error: The Value field of every Outputs member must evaluate "
                    "to a String."
                )
            output: Json = {"OutputKey": name, "OutputValue": text(value)}
            if about.get("Description"):
                output["Description"] = str(about["Description"])
            if about.get("Export"):
                output["ExportName"] = str(evaluate(about["Export"]["Name"], draft.scope))
            made.append(output)
        await self._exports.check(self._stack, made)
        return made, self._exports.used(draft.whole, draft.scope)

    async def _status(self, status: str, reason: str = "") -> None:
        await self._commit(status, reason, [])

    async def _phase(self, phase: str) -> None:
        self._work = structs.replace(self._work, phase=phase)
        there = await self._shelf.store.get(WORK, self._stack.id)
        version = there.version if there else 0
        await self._shelf.store.commit([change(WORK, self._stack.id, version, self._work)])

    async def _done(
        self, status: str, reason: str = "", outputs: tuple[list[Json], list[str]] | None = None
    ) -> None:
        """The stack is at rest: that, its outputs and its exports are written at once."""
        changes: list[Change | Expect] = []
        for kind in (WORK, CLAIM):
            there = await self._shelf.store.get(kind, self._stack.id)
            if there is not None:
                changes.append(Change(kind, there.id, there.version, None))
        edits: Json = {}
        good = status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED")
        if good:
            edits["wanted"] = self._work.wanted
        if outputs is not None:
            names = {o["ExportName"]: o["OutputValue"] for o in outputs[0] if "ExportName" in o}
            edits |= {"outputs": tuple(outputs[0]), "imports": tuple(outputs[1])}
            edits["exports"] = names
            changes += await self._exports.changes(self._stack, names)
        if status == "DELETE_COMPLETE":
            edits |= {"deleted": time.time(), "exports": {}, "imports": ()}
            changes += await self._exports.changes(self._stack, {})
            changes += await self._forget()
        changes += await self._executed(good="FAILED" not in status and "ROLLBACK" not in status)
        await self._commit(status, reason, changes, edits)

    async def _forget(self) -> list[Change | Expect]:
        found = await self._shelf.store.get(NAME, self._stack.name)
        if found is None or f"{self._stack.name}/{found.body.decode()}" != self._stack.id:
            return []
        return [Change(NAME, self._stack.name, found.version, None)]

    async def _executed(self, *, good: bool) -> list[Change | Expect]:
        if not self._work.change_set:
            return []
        there = await self._shelf.store.get(CHANGE_SET, self._work.change_set)
        if there is None:
            return []
        found = msgspec.json.decode(there.body, type=ChangeSet)
        execution = "EXECUTE_COMPLETE" if good else "EXECUTE_FAILED"
        done = structs.replace(found, execution=execution)
        return [change(CHANGE_SET, there.id, there.version, done)]

    async def _commit(
        self, status: str, reason: str, changes: list[Change | Expect], edits: Json | None = None
    ) -> None:
        for attempt in range(_TRIES):
            stack, version = await self._shelf.stack(self._stack.id)
            self._stack = structs.replace(stack, status=status, reason=reason, **(edits or {}))
            event = self._shelf.event(stack.id, stack_event(self._stack, self._work.token))
            try:
                await self._shelf.store.commit(
                    [change(STACK, stack.id, version, self._stack), event, *changes]
                )
            except Conflict as conflict:
                if conflict.kind != STACK or attempt == _TRIES - 1:
                    raise
            else:
                return


class _Late:
    """The services as the operation's caller, who is looked up at each use."""

    def __init__(self, callers: Callers, work: Work, arn: str) -> None:
        self._callers, self._work, self._arn = callers, work, arn

    def now(self) -> Calls:
        """Raises `Unmade`."""
        return self._callers.calls(self._work.who, self._arn)


def stack_event(stack: Stack, token: str) -> Event:
    """Of the stack as a whole."""
    id = secrets.token_hex(16)
    event = Event(id, stack.name, stack.arn, TYPE, time.time(), stack.status, stack.reason)
    return structs.replace(event, token=token)


def _last_first(resources: list[Resource]) -> list[Resource]:
    """Every resource before what it needs."""
    by_name = {each.logical: each for each in resources}
    placed: dict[str, Resource] = {}

    def place(name: str, above: frozenset[str]) -> None:
        if name in placed or name not in by_name or name in above:
            return
        for needed in by_name[name].needs:
            place(needed, above | {name})
        placed[name] = by_name[name]

    for name in sorted(by_name, key=lambda each: by_name[each].time):
        place(name, frozenset())
    return list(reversed(placed.values()))


def _not_made(verb: str, name: str) -> str:
    return f"The following resource(s) failed to {verb}: [{name}]."


def _not_deleted(names: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(names)}]. "
