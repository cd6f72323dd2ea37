"""Operations that make, change and delete stacks. Source: AWS CloudFormation API Reference."""

import time
from uuid import uuid4

from msgspec import structs

from torana.services.cloudformation.asked import NAME as NAMES
from torana.services.cloudformation.asked import asked, keeps_failed
from torana.services.cloudformation.book import resting, write
from torana.services.cloudformation.exports import Exports
from torana.services.cloudformation.faults import Unmade, exists, invalid
from torana.services.cloudformation.prepare import Asked, prepare
from torana.services.cloudformation.records import (
    NAME,
    STACK,
    WORK,
    Json,
    Stack,
    Wanted,
    Who,
    Work,
)
from torana.services.cloudformation.running import stack_event
from torana.services.cloudformation.shelf import Shelf, change
from torana.services.cloudformation.who import Callers
from torana.services.ports import Call
from torana.state.store import Change, Expect
from torana.wire.faults import ServiceError

AT_REST = (
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("CREATE_FAILED", "UPDATE_FAILED"),
)
_DELETABLE = (
    *AT_REST,
    *("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"),
    "REVIEW_IN_PROGRESS",
)


def new_stack(call: Call, name: str, status: str) -> Stack:
    """Not written yet. Raises the service's error for a name that cannot be."""
    if not NAMES.fullmatch(name):
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    unique = str(uuid4())
    arn = f"arn:aws:cloudformation:{call.region}:{call.principal.account}:stack/{name}/{unique}"
    return Stack(f"{name}/{unique}", name, arn, time.time(), status)


async def begin(
    shelf: Shelf, call: Call, stack: Stack, version: int, work: Work, *more: Change | Expect
) -> None:
    """Write a stack and what is to be done with it. `version` 0: the stack is new."""
    changes: list[Change | Expect] = [
        change(STACK, stack.id, version, stack),
        change(WORK, stack.id, 0, work),
        shelf.event(stack.id, stack_event(stack, work.token)),
        *more,
    ]
    if not version:
        changes.append(Change(NAME, stack.name, 0, stack.id.partition("/")[2].encode()))
    await write(shelf.store, call, changes)


def work_of(call: Call, stack: Stack, verb: str, who: Who, params: Json, **more: object) -> Work:
    """What is to be done."""
    made = Work(stack.id, call.request_id, "CREATE", who, time.time())
    token = params.get("ClientRequestToken") or ""
    return structs.replace(made, verb=verb, token=token, **more)


class Stacks:
    """Operations on stacks."""

    def __init__(self, shelf: Shelf, callers: Callers) -> None:
        self._shelf, self._callers, self._exports = shelf, callers, Exports(shelf)

    async def CreateStack(self, call: Call, params: Json) -> Json:
        """A new stack, made after this is answered."""
        name, token = params["StackName"], params.get("ClientRequestToken") or ""
        if params.get("OnFailure") and params.get("DisableRollback") is not None:
            raise invalid("You can specify either DisableRollback or OnFailure, but not both.")
        there = await self._shelf.store.get(NAME, name)
        if there is not None:
            stack = await self._shelf.find(name)
            if token and stack.token == token:
                return {"StackId": stack.arn}
            raise exists(name)
        stack = new_stack(call, name, "CREATE_IN_PROGRESS")
        who, ask = await self._ask(call, stack, params, None)
        wanted = await self._prepared(stack, who, ask, None)
        stack = structs.replace(
            stack,
            wanted=wanted,
            description=str(wanted.processed.get("Description") or ""),
            reason="User Initiated",
            no_rollback=keeps_failed(params),
            timeout=params.get("TimeoutInMinutes") or 0,
            protected=bool(params.get("EnableTerminationProtection")),
            token=token,
        )
        work = work_of(
            call,
            stack,
            "CREATE",
            who,
            params,
            wanted=wanted,
            on_failure=params.get("OnFailure") or "ROLLBACK",
            no_rollback=stack.no_rollback,
        )
        await begin(self._shelf, call, stack, 0, work)
        return {"StackId": stack.arn}

    async def UpdateStack(self, call: Call, params: Json) -> Json:
        """The stack is changed after this is answered."""
        keeps_failed(params)
        found = await self._shelf.find(params["StackName"])
        token = params.get("ClientRequestToken") or ""
        if token and found.token == token:
            return {"StackId": found.arn}
        stack, version = await self._shelf.stack(found.id)
        resting(stack.status, stack.arn, "updated", AT_REST)
        who, ask = await self._ask(call, stack, params, stack.wanted)
        wanted = await self._prepared(stack, who, ask, stack.wanted)
        whole = stack.status not in ("CREATE_FAILED", "UPDATE_FAILED")
        if whole and same(self._shelf, stack.wanted, wanted):
            raise invalid("No updates are to be performed.")
        await update(self._shelf, call, stack, version, who, wanted, params)
        return {"StackId": stack.arn}

    async def DeleteStack(self, call: Call, params: Json) -> Json:
        """The stack is deleted after this is answered; one that is not there is no error."""
        try:
            found = await self._shelf.find(params["StackName"])
        except ServiceError:
            if params["StackName"].startswith("arn:"):
                raise
            return {}
        if found.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
            return {}
        stack, version = await self._shelf.stack(found.id)
        if stack.protected:
            raise invalid(
                f"Stack [{stack.arn}] cannot be deleted while TerminationProtection is enabled"
            )
        resting(stack.status, stack.arn, "deleted", _DELETABLE)
        retain = tuple(params.get("RetainResources") or ())
        if retain and stack.status != "DELETE_FAILED":
            raise invalid("RetainResources can be specified only for stacks in DELETE_FAILED state")
        used = await self._used(stack)
        if used:
            kept = structs.replace(stack, reason=used)
            event = self._shelf.event(stack.id, stack_event(kept, ""))
            await write(self._shelf.store, call, [change(STACK, stack.id, version, kept), event])
            return {}
        role = params.get("RoleARN") or (stack.wanted.role if stack.wanted else "")
        work = work_of(
            call,
            stack,
            "DELETE",
            self._callers.of(call, role),
            params,
            wanted=stack.wanted,
            retain=retain,
        )
        going = structs.replace(stack, status="DELETE_IN_PROGRESS", reason="User Initiated")
        await begin(self._shelf, call, going, version, work)
        return {}

    async def _used(self, stack: Stack) -> str:
        """Why the stack cannot be deleted now."""
        for name in stack.exports:
            users = await self._exports.importers(name)
            if users:
                return (
                    f"Delete canceled. Cannot delete export {name} as it is in use by "
                    f"{', '.join(sorted(users))}."
                )
        return ""

    async def ContinueUpdateRollback(self, call: Call, params: Json) -> Json:
        """Try again to put back what an update changed."""
        return await self._roll_back(
            call, params, ("UPDATE_ROLLBACK_FAILED",), tuple(params.get("ResourcesToSkip") or ())
        )

    async def RollbackStack(self, call: Call, params: Json) -> Json:
        """Put back what a failed operation left."""
        return await self._roll_back(call, params, ("UPDATE_FAILED", "CREATE_FAILED"), ())

    async def _roll_back(
        self, call: Call, params: Json, allowed: tuple[str, ...], skip: tuple[str, ...]
    ) -> Json:
        found = await self._shelf.find(params["StackName"])
        stack, version = await self._shelf.stack(found.id)
        resting(stack.status, stack.arn, "rolled back", allowed)
        role = params.get("RoleARN") or (stack.wanted.role if stack.wanted else "")
        first = stack.status == "CREATE_FAILED"
        work = work_of(
            call,
            stack,
            "CREATE" if first else "UPDATE",
            self._callers.of(call, role),
            params,
            wanted=stack.wanted,
            phase="back",
            skip=skip,
        )
        status = "ROLLBACK_IN_PROGRESS" if first else "UPDATE_ROLLBACK_IN_PROGRESS"
        going = structs.replace(stack, status=status, reason="User Initiated")
        await begin(self._shelf, call, going, version, work)
        return {"StackId": stack.arn}

    async def UpdateTerminationProtection(self, call: Call, params: Json) -> Json:
        """Whether the stack may be deleted."""
        found = await self._shelf.find(params["StackName"])
        stack, version = await self._shelf.stack(found.id)
        kept = structs.replace(stack, protected=params["EnableTerminationProtection"])
        await write(self._shelf.store, call, [change(STACK, stack.id, version, kept)])
        return {"StackId": stack.arn}

    async def _ask(
        self, call: Call, stack: Stack, params: Json, before: Wanted | None
    ) -> tuple[Who, Asked]:
        """Templates are read as the caller; what is made is made as the role, if there is one."""
        own = self._callers.of(call)
        try:
            ask = await asked(self._callers.calls(own, stack.arn), params, before)
        except Unmade as error:
            raise invalid(str(error)) from None
        return (self._callers.of(call, ask.role) if ask.role else own), ask

    async def _prepared(self, stack: Stack, who: Who, ask: Asked, before: Wanted | None) -> Wanted:
        try:
            calls = self._callers.calls(who, stack.arn)
        except Unmade as error:
            raise invalid(str(error)) from None
        return await prepare(self._shelf, calls, stack, ask, before)


async def update(
    shelf: Shelf,
    call: Call,
    stack: Stack,
    version: int,
    who: Who,
    wanted: Wanted,
    params: Json,
    change_set: str = "",
) -> None:
    """Begin an update."""
    work = work_of(
        call,
        stack,
        "UPDATE",
        who,
        params,
        wanted=wanted,
        no_rollback=keeps_failed(params),
        change_set=change_set,
    )
    going = structs.replace(
        stack,
        status="UPDATE_IN_PROGRESS",
        reason="User Initiated",
        updated=time.time(),
        token=work.token,
        change_set=change_set and change_set_arn(stack, change_set),
        description=str(wanted.processed.get("Description") or ""),
    )
    await begin(shelf, call, going, version, work)


def change_set_arn(stack: Stack, id: str) -> str:
    """Of a change set by its id in the store."""
    name, _, unique = id.rpartition("/")[2].partition("~")
    return f"{stack.arn.rpartition(':stack/')[0]}:changeSet/{name}/{unique}"


def same(shelf: Shelf, before: Wanted | None, after: Wanted) -> bool:
    """Whether nothing would be done."""
    return (
        before is not None
        and before.processed == after.processed
        and before.tags == after.tags
        and shelf.values(before) == shelf.values(after)
    )
