"""Operations' changes of stacks, written whole and put on record."""

from collections.abc import Sequence
from typing import Any

import msgspec

from torana.services.audit import committed, record
from torana.services.cloudformation.faults import invalid
from torana.services.ports import Call
from torana.state.store import Change, Conflict, Expect, Store
from torana.wire.faults import ServiceError


async def write(store: Store, call: Call, changes: Sequence[Change | Expect]) -> None:
    """All or none. Raises the service's error when somebody else was first."""
    edits: list[tuple[str, str, bytes | None, bytes | None]] = []
    for each in changes:
        if isinstance(each, Change):
            before = await store.get(each.kind, each.id) if each.version else None
            edits.append((each.kind, each.id, _bare(before and before.body), _bare(each.body)))
    whole = [*changes, record(call, "cloudformation", edits)]
    try:
        await store.commit(whole)
    except Conflict:
        raise ServiceError(
            "OperationInProgressException",
            "The stack is being changed by another request",
            status=409,
        ) from None
    committed(whole)


def resting(status: str, arn: str, verb: str, allowed: Sequence[str]) -> None:
    """Raises the service's error for a stack that is in no such state."""
    if status not in allowed:
        raise invalid(f"Stack:{arn} is in {status} state and can not be {verb}.")


def _bare(body: bytes | None) -> bytes | None:
    """Without templates: the store has them anyway."""
    if body is None or not body.startswith(b"{"):
        return body
    document: dict[str, Any] = msgspec.json.decode(body)
    document.pop("wanted", None)
    return msgspec.json.encode(document)
