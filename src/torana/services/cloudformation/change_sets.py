"""Operations on change sets. Source: AWS CloudFormation API Reference."""

import time
from uuid import uuid4

import msgspec
from msgspec import structs

from torana.services.cloudformation.asked import asked, keeps_failed
from torana.services.cloudformation.asked import refuse as refuse_unsupported
from torana.services.cloudformation.book import resting, write
from torana.services.cloudformation.described import Described, page, tags
from torana.services.cloudformation.exports import Exports
from torana.services.cloudformation.faults import BadTemplate, Unmade, invalid, no_change_set
from torana.services.cloudformation.planning import changes
from torana.services.cloudformation.prepare import prepare
from torana.services.cloudformation.records import (
    CHANGE_SET,
    NAME,
    STACK,
    ChangeSet,
    Json,
    Stack,
    Wanted,
    Who,
)
from torana.services.cloudformation.running import stack_event
from torana.services.cloudformation.shelf import Shelf, change
from torana.services.cloudformation.stacks import (
    AT_REST,
    begin,
    change_set_arn,
    new_stack,
    same,
    update,
    work_of,
)
from torana.services.cloudformation.who import Callers
from torana.services.moments import moment
from torana.services.ports import Call
from torana.state.store import Change, Expect
from torana.wire.faults import ServiceError

_REVIEW = "REVIEW_IN_PROGRESS"
_NOTHING = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


class ChangeSets:
    """Operations on change sets."""

    def __init__(self, shelf: Shelf, callers: Callers) -> None:
        self._shelf, self._callers = shelf, callers
        self._described, self._exports = Described(shelf), Exports(shelf)

    async def CreateChangeSet(self, call: Call, params: Json) -> Json:
        """What would change, worked out at once; nothing is changed."""
        refuse_unsupported(params)
        left = keeps_failed({**params, "DisableRollback": False})
        kind = params.get("ChangeSetType") or "UPDATE"
        stack, version = await self._stack(call, params["StackName"], kind)
        name = params["ChangeSetName"]
        if await self._of(stack, name):
            raise ServiceError(
                "AlreadyExistsException", f"ChangeSet {name} already exists", status=400
            )
        own = self._callers.of(call)
        try:
            ask = await asked(self._callers.calls(own, stack.arn), params, stack.wanted)
            who = self._callers.of(call, ask.role) if ask.role else own
            calls = self._callers.calls(who, stack.arn)
        except Unmade as error:
            raise invalid(str(error)) from None
        ask = structs.replace(ask, reviewed=True)
        wanted = await prepare(self._shelf, calls, stack, ask, stack.wanted)
        made = await self._made(stack, name, kind, wanted, who, params)
        made = structs.replace(made, on_failure="DO_NOTHING") if left else made
        written: list[Change | Expect] = [change(CHANGE_SET, made.id, 0, made)]
        if not version:
            unique = stack.id.partition("/")[2]
            written += [
                change(STACK, stack.id, 0, stack),
                Change(NAME, stack.name, 0, unique.encode()),
                self._shelf.event(stack.id, stack_event(stack, "")),
            ]
        await write(self._shelf.store, call, written)
        return {"Id": made.arn, "StackId": stack.arn}

    async def _stack(self, call: Call, name: str, kind: str) -> tuple[Stack, int]:
        if kind not in ("CREATE", "UPDATE"):
            raise invalid(f"ChangeSetType {kind} is not supported here")
        try:
            found = await self._shelf.find(name)
        except ServiceError:
            if kind != "CREATE" or name.startswith("arn:"):
                raise
            stack = new_stack(call, name, _REVIEW)
            return structs.replace(stack, reason="User Initiated"), 0
        stack, version = await self._shelf.stack(found.id)
        if kind == "CREATE" and stack.status != _REVIEW:
            raise invalid(
                f"Stack [{stack.name}] already exists and cannot be created again with the "
                f"changeSet [{name}]."
            )
        if kind == "UPDATE":
            resting(stack.status, stack.arn, "updated", AT_REST)
        return stack, version

    async def _made(
        self, stack: Stack, name: str, kind: str, wanted: Wanted, who: Who, params: Json
    ) -> ChangeSet:
        id = f"{stack.id}/{name}~{uuid4()}"
        held = await self._shelf.resources(stack.id)
        reason, found = "", list[Json]()
        try:
            found = await changes(
                stack,
                wanted,
                self._shelf.values(wanted),
                held,
                await self._exports.values(),
                self._callers.calls(who, stack.arn),
            )
            rest = stack.status not in ("CREATE_FAILED", "UPDATE_FAILED")
            if kind == "UPDATE" and not found and rest and _alike(self._shelf, stack, wanted):
                reason = _NOTHING
        except (BadTemplate, Unmade) as error:
            reason = str(error)
        return ChangeSet(
            id,
            name,
            stack.id,
            change_set_arn(stack, id),
            time.time(),
            kind,
            "FAILED" if reason else "CREATE_COMPLETE",
            wanted,
            reason,
            "UNAVAILABLE" if reason else "AVAILABLE",
            params.get("Description") or "",
            tuple(found),
            params.get("OnStackFailure") or "ROLLBACK",
            tuple(self._described.parameters(wanted)),
        )

    async def DescribeChangeSet(self, call: Call, params: Json) -> Json:
        """A change set with its changes."""
        made, stack = await self.find(params)
        shown: Json = {
            **self._summary(made, stack),
            "Parameters": list(made.parameters),
            "NotificationARNs": [],
            "RollbackConfiguration": {},
            "Capabilities": list(made.wanted.capabilities) if made.wanted else [],
            "Tags": tags(made.wanted),
            "OnStackFailure": made.on_failure,
        }
        return {**shown, **page(list(made.changes), params, "Changes")}

    async def ListChangeSets(self, call: Call, params: Json) -> Json:
        """Of a stack."""
        stack = await self._shelf.find(params["StackName"])
        found = [self._summary(each, stack) for each in await self._of(stack)]
        return page(found, params, "Summaries")

    async def DeleteChangeSet(self, call: Call, params: Json) -> Json:
        """It cannot be executed any more."""
        try:
            made, _ = await self.find(params)
        except ServiceError as error:
            if error.code != "ChangeSetNotFound":
                raise
            return {}
        there = await self._shelf.store.get(CHANGE_SET, made.id)
        if there is not None:
            gone = Change(CHANGE_SET, made.id, there.version, None)
            await write(self._shelf.store, call, [gone])
        return {}

    async def ExecuteChangeSet(self, call: Call, params: Json) -> Json:
        """The stack is made or changed after this is answered."""
        made, found = await self.find(params)
        if made.execution != "AVAILABLE" or made.wanted is None:
            raise ServiceError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{made.arn}] cannot be executed in its current status of "
                f"[{made.status if made.status == 'FAILED' else made.execution}]",
                status=400,
            )
        stack, version = await self._shelf.stack(found.id)
        role = made.wanted.role
        who = self._callers.of(call, role)
        await self._obsolete(stack, made, call)
        keep = keeps_failed(params) or made.on_failure == "DO_NOTHING"
        if made.kind == "UPDATE":
            params = {**params, "DisableRollback": keep}
            resting(stack.status, stack.arn, "updated", AT_REST)
            await update(self._shelf, call, stack, version, who, made.wanted, params, made.id)
            return {}
        resting(stack.status, stack.arn, "created", (_REVIEW,))
        work = work_of(
            call,
            stack,
            "CREATE",
            who,
            params,
            wanted=made.wanted,
            no_rollback=keep,
            on_failure=made.on_failure,
            change_set=made.id,
        )
        going = structs.replace(
            stack,
            status="CREATE_IN_PROGRESS",
            reason="User Initiated",
            wanted=made.wanted,
            no_rollback=keep,
            change_set=made.arn,
            description=str(made.wanted.processed.get("Description") or ""),
        )
        await begin(self._shelf, call, going, version, work)
        return {}

    async def _obsolete(self, stack: Stack, executed: ChangeSet, call: Call) -> None:
        """The one is under way, and the others do not fit the stack any more."""
        written: list[Change | Expect] = []
        for each in await self._of(stack):
            state = "EXECUTE_IN_PROGRESS" if each.id == executed.id else "OBSOLETE"
            if each.execution == "AVAILABLE":
                there = await self._shelf.store.get(CHANGE_SET, each.id)
                version = there.version if there else 0
                kept = structs.replace(each, execution=state)
                written.append(change(CHANGE_SET, each.id, version, kept))
        await write(self._shelf.store, call, written)

    async def _of(self, stack: Stack, name: str = "") -> list[ChangeSet]:
        prefix = f"{stack.id}/{name}~" if name else f"{stack.id}/"
        return [
            msgspec.json.decode(each.body, type=ChangeSet)
            async for each in self._shelf.store.scan(CHANGE_SET, prefix)
        ]

    async def find(self, params: Json) -> tuple[ChangeSet, Stack]:
        """By name within a stack, or by ARN. Raises the service's errors."""
        name = params["ChangeSetName"]
        if not name.startswith("arn:"):
            if not params.get("StackName"):
                raise invalid(
                    "StackName must be specified if ChangeSetName is not specified as an ARN."
                )
            stack = await self._shelf.find(params["StackName"])
            found = await self._of(stack, name)
            if not found:
                raise no_change_set(name)
            return found[0], stack
        async for each in self._shelf.store.scan(CHANGE_SET):
            made = msgspec.json.decode(each.body, type=ChangeSet)
            if made.arn == name:
                return made, (await self._shelf.stack(made.stack))[0]
        raise no_change_set(name)

    def _summary(self, made: ChangeSet, stack: Stack) -> Json:
        shown: Json = {
            "ChangeSetName": made.name,
            "ChangeSetId": made.arn,
            "StackId": stack.arn,
            "StackName": stack.name,
            "Description": made.description or None,
            "CreationTime": moment(made.created),
            "ExecutionStatus": made.execution,
            "Status": made.status,
            "StatusReason": made.reason or None,
        }
        return {name: value for name, value in shown.items() if value is not None}


def _alike(shelf: Shelf, stack: Stack, wanted: Wanted) -> bool:
    """Whether outputs, policies and tags stay too, so that there is nothing to do."""
    before = stack.wanted
    if same(shelf, before, wanted) or before is None:
        return True
    kept = ("Outputs", "Conditions", "Mappings", "Resources")
    return before.tags == wanted.tags and all(
        before.processed.get(name) == wanted.processed.get(name) for name in kept
    )
