"""Who changed what: a record in the store for every change, written with the change or not at all.

Records are only ever added. Secrets are left out of them, and so are snapshots that the store keeps
anyway.
"""

import re
from collections.abc import Iterable
from contextvars import ContextVar
from hashlib import sha256
from time import time_ns
from typing import Any

import msgspec
from msgspec import Struct

from torana.services.ports import Call
from torana.state.store import Change, Expect

KIND = "audit"
"""Under an id that sorts the newest first."""
_LAST = (1 << 64) - 1
_LEFT_OUT = frozenset(
    {"value", "valueHash", "api", "apiMethods", "materials", "Snapshot", "sealed", "profile"}
    | {"Secret"}
)
_SUSPECT = re.compile(
    rb'"(?:value|valueHash|api|apiMethods|materials|Snapshot|sealed|profile|Secret)"'
)


COMMITTED: ContextVar[list[str]] = ContextVar("audit records of this call")
"""Ids and digests of the records that the operation under way has committed."""


def committed(changes: Iterable[Change | Expect]) -> None:
    """These are in the store, and the record among them."""
    noted = COMMITTED.get(None)
    for change in changes:
        if noted is not None and change.kind == KIND and isinstance(change, Change):
            noted.append(f"{change.id} {sha256(change.body or b'').hexdigest()}")


class Edit(Struct, frozen=True):
    """A document before and after: None where there was, or is, none."""

    kind: str
    id: str
    before: Any
    after: Any


class Record(Struct, frozen=True):
    """One operation that changed something."""

    time: float
    """Seconds since 1970."""
    request_id: str
    source: str
    """The service, such as `apigateway`."""
    operation: str
    region: str
    account: str
    arn: str
    user_id: str
    address: str
    agent: str
    edits: tuple[Edit, ...]


def record(
    call: Call, source: str, edits: Iterable[tuple[str, str, bytes | None, bytes | None]]
) -> Change:
    """What to commit along with the changes: kind, id, before and after of each."""
    now = time_ns()
    who = call.principal
    made = Record(
        time=now / 1e9,
        request_id=call.request_id,
        source=source,
        operation=call.operation,
        region=call.region,
        account=who.account,
        arn=who.arn,
        user_id=who.user_id,
        address=call.request.peer.address,
        agent=call.request.headers.get("user-agent") or "",
        edits=tuple(Edit(kind, id, _plain(was), _plain(now_is)) for kind, id, was, now_is in edits),
    )
    return Change(KIND, f"{_LAST - now:016x}-{call.request_id}", 0, msgspec.json.encode(made))


def id_at(seconds: float) -> str:
    """Every record of that time or earlier sorts behind this."""
    return f"{_LAST - int(seconds * 1e9):016x}"


def _plain(body: bytes | None) -> msgspec.Raw | None:
    if body is None:
        return None
    if _SUSPECT.search(body) is None:
        return msgspec.Raw(body)
    document: dict[str, Any] = msgspec.json.decode(body)
    kept = {name: value for name, value in document.items() if name not in _LEFT_OUT}
    return msgspec.Raw(msgspec.json.encode(kept))
