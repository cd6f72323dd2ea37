"""What alarms do: functions, topics, webhooks, and taking a canary back.

An action is stored with the change of state that calls for it, and forgotten when it is done: a
crash loses none, and may do one twice.
"""

import asyncio
import re
import time
from collections.abc import Callable
from urllib.parse import quote
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.message import Headers, Reply, Request
from torana.services.background import Background
from torana.services.cloudwatch.faults import validation
from torana.services.cloudwatch.history import entry
from torana.services.documents import keep
from torana.services.reach import Reach, form
from torana.state.store import Change, Store

ACTION = "cloudwatch-alarm-action"
_PAUSES = (1.0, 5.0, 20.0, 60.0)
"""Seconds before an action that failed is tried again."""


class Due(Struct, frozen=True):
    """An action to be done."""

    alarm: str
    target: str
    state: str
    subject: str
    message: str
    event: msgspec.Raw = msgspec.Raw(b"{}")


def _function(due: Due) -> tuple[str, Request]:
    name = quote(due.target, safe="")
    headers = Headers([("X-Amz-Invocation-Type", "Event")])
    return "lambda", Request(
        "POST", f"/2015-03-31/functions/{name}/invocations", headers, bytes(due.event)
    )


def _topic(due: Due) -> tuple[str, Request]:
    return "sns", form(
        Action="Publish",
        Version="2010-03-31",
        TopicArn=due.target,
        Subject=due.subject,
        Message=due.message,
    )


_CANARY = re.compile(
    r"arn:torana:apigateway:[a-z0-9-]+:\d*:restapis/([A-Za-z0-9_-]+)/stages/([A-Za-z0-9_-]+)/canary"
)


def _canary(due: Due) -> tuple[str, Request]:
    found = _CANARY.fullmatch(due.target)
    assert found is not None
    body = {"patchOperations": [{"op": "remove", "path": "/canarySettings"}]}
    headers = Headers([("Content-Type", "application/json")])
    path = f"/restapis/{found[1]}/stages/{found[2]}"
    return "apigateway", Request("PATCH", path, headers, msgspec.json.encode(body))


_KINDS: tuple[tuple[re.Pattern[str], Callable[[Due], tuple[str, Request]] | None], ...] = (
    (
        re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?"),
        _function,
    ),
    (re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+(?:\.fifo)?"), _topic),
    (_CANARY, _canary),
    (re.compile(r"https?://[^\s]+"), None),
)
"""Forms of actions; None: a webhook."""


def check(targets: list[str] | None) -> None:
    """Raises the service's error for an action that there is not."""
    for target in targets or []:
        if not any(form.fullmatch(target) for form, _ in _KINDS):
            raise validation(
                f"Invalid action ARN: {target}. Actions are functions, SNS topics, webhooks "
                "(https://…) and arn:torana:apigateway:…:restapis/…/stages/…/canary."
            )


class Actions:
    """Does them."""

    def __init__(
        self,
        store: Store,
        reach: Reach,
        background: Background,
        clock: Callable[[], float] = time.time,
        pauses: tuple[float, ...] = _PAUSES,
    ) -> None:
        self._store, self._reach, self._background = store, reach, background
        self._clock, self._pauses = clock, pauses
        self._under_way: set[str] = set()

    def put(self, due: Due) -> tuple[str, Change]:
        """What to commit, and the id to start it by then."""
        id = str(uuid4())
        return id, Change(ACTION, id, 0, msgspec.json.encode(due))

    def start(self, id: str, due: Due) -> None:
        """Do it, beside everything else."""
        if id not in self._under_way:
            self._under_way.add(id)
            self._background.start(self._do(id, due), f"an action of the alarm {due.alarm}")

    async def resume(self) -> None:
        """Those that were left undone."""
        async for document in self._store.scan(ACTION):
            self.start(document.id, msgspec.json.decode(document.body, type=Due))

    async def _do(self, id: str, due: Due) -> None:
        try:
            error = await self._tried(due)
            outcome = "Failed" if error else "Successfully executed"
            summary = (
                f"{outcome} action {due.target}"
                if not error
                else (f"Failed to execute action {due.target}. Received error: {error}")
            )
            data = {"actionState": "Failed" if error else "Succeeded", "stateUpdate": due.state,
                    "notificationResource": due.target, "error": error or None}  # fmt: skip
            await self._store.commit([entry(due.alarm, "Action", summary, data, self._clock())])
            await keep(self._store, ACTION, id, None)
        finally:
            self._under_way.discard(id)

    async def _tried(self, due: Due) -> str:
        """Why it failed in the end; empty: it did not."""
        error = ""
        for pause in (0.0, *self._pauses):
            await asyncio.sleep(pause)
            try:
                reply = await self._once(due)
            except (ConnectionError, TimeoutError, ValueError) as problem:
                error = str(problem) or "no answer in time"
                continue
            if reply.status < 300:
                return ""
            error = f"status {reply.status}: {_text(reply)}"
            if reply.status < 500 and reply.status not in (408, 409, 429):
                return error
        return error

    async def _once(self, due: Due) -> Reply:
        for form_, make in _KINDS:
            if form_.fullmatch(due.target):
                if make is not None:
                    return await self._reach.call(*make(due))
                headers = {"Content-Type": "application/json"}
                return await self._reach.post(due.target, due.message.encode(), headers)
        raise ValueError("there is no such action")


def _text(reply: Reply) -> str:
    return reply.body[:300].decode("utf-8", "replace") if isinstance(reply.body, bytes) else ""
