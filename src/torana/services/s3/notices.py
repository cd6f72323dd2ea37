"""Notifications: what happens to objects is told to functions, queues and topics.

An event is stored before the request that caused it is answered, and forgotten once it is
delivered: a crash may deliver one twice. Source: "Amazon S3 Event Notifications", "Event message
structure" (S3 User Guide).
"""

import asyncio
import logging
from datetime import UTC, datetime
from time import time_ns
from typing import Any, Protocol
from urllib.parse import quote, quote_plus, urlencode
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.message import Headers, Reply, Request
from torana.services.background import Background
from torana.services.documents import keep
from torana.services.members import part, parts
from torana.services.ports import Call
from torana.services.s3.refusals import Params, bad, not_implemented, only, translated
from torana.state.objects import ObjectStore
from torana.state.store import Change, Store

_log = logging.getLogger("torana.s3")

_KIND = "s3-notifications"
"""Under the bucket's name: its configuration."""
_EVENT = "s3-event"
"""Under `{node}/{id}`: on its way."""
_PAUSES = (0.0, 1.0, 5.0, 20.0, 60.0, 300.0)
_TARGETS = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}
_EVENTS = ("s3:ObjectCreated:", "s3:ObjectRemoved:")


class Others(Protocol):
    """The other services of the process."""

    async def call(self, service: str, request: Request, timeout: float = ...) -> Reply:
        """Raises `ConnectionError` and `TimeoutError`."""
        ...


class Event(Struct, frozen=True):
    """What is to be delivered."""

    target: str
    """An ARN."""
    body: dict[str, Any]


class Notices:
    """The operations, and the telling. `node` names this node in the store."""

    def __init__(
        self, objects: ObjectStore, store: Store, reach: Others, background: Background, node: str
    ) -> None:
        self._objects, self._store, self._reach = objects, store, reach
        self._background, self._prefix = background, f"{node}/"

    async def PutBucketNotificationConfiguration(self, call: Call, params: Params) -> Params:
        """In place of the configuration before; each queue and topic gets a test event."""
        only(call, params, "Bucket", "NotificationConfiguration", "SkipDestinationValidation")
        given: Params = params["NotificationConfiguration"]
        if "EventBridgeConfiguration" in given:
            raise not_implemented("EventBridgeConfiguration")
        with translated():
            await self._objects.bucket(params["Bucket"])
        kept: Params = {}
        for member, name in _TARGETS.items():
            kept[member] = [_checked(each) for each in parts(given, member)]
            for each in kept[member]:
                if not params.get("SkipDestinationValidation"):
                    await self._try(call, params["Bucket"], each[name])
        some = any(kept.values())
        body = msgspec.json.encode(kept) if some else None
        await keep(self._store, _KIND, params["Bucket"], body)
        return {}

    async def GetBucketNotificationConfiguration(self, call: Call, params: Params) -> Params:
        only(call, params, "Bucket")
        with translated():
            await self._objects.bucket(params["Bucket"])
        found = await self._store.get(_KIND, params["Bucket"])
        kept: Params = msgspec.json.decode(found.body) if found else {}
        return {name: each for name, each in kept.items() if each}

    async def _try(self, call: Call, bucket: str, target: str) -> None:
        """Raises the service's error for a target that is not there."""
        service = target.split(":")[2] if target.count(":") >= 5 else ""
        try:
            if service == "lambda":
                path = f"/2015-03-31/functions/{quote(target, safe='')}"
                reply = await self._reach.call("lambda", Request("GET", path, Headers(), b""))
            else:
                body = {
                    "Service": "Amazon S3",
                    "Event": "s3:TestEvent",
                    "Time": _now(),
                    "Bucket": bucket,
                    "RequestId": call.request_id,
                }
                reply = await self._reach.call(service, _request(service, target, body))
            there = reply.status < 300
        except (ConnectionError, TimeoutError, KeyError):
            there = False
        if not there:
            text = "Unable to validate the following destination configurations"
            raise bad(text, ArgumentName1=target, ArgumentValue1="Not there, or not to be reached")

    async def tell(
        self, call: Call, event: str, bucket: str, key: str, size: int | None = None, etag: str = ""
    ) -> None:
        """Something happened: stored for whoever wants to know of it."""
        found = await self._store.get(_KIND, bucket)
        if found is None:
            return
        events: list[Event] = []
        for member, name in _TARGETS.items():
            wanted: list[Params] = msgspec.json.decode(found.body)[member]
            for each in wanted:
                if _wants(each, event, key):
                    record = _record(call, event, bucket, key, size, etag, each["Id"])
                    events.append(Event(each[name], {"Records": [record]}))
        ids = [f"{self._prefix}{uuid4()}" for _ in events]
        if ids:
            pairs = zip(ids, events, strict=True)
            changes = [Change(_EVENT, id, 0, msgspec.json.encode(each)) for id, each in pairs]
            await self._store.commit(changes)
        for id, each in zip(ids, events, strict=True):
            self._background.start(self._deliver(id, each), "a notification of a bucket")

    async def resume(self) -> None:
        """Deliver what an earlier process left."""
        async for document in self._store.scan(_EVENT, self._prefix):
            event = msgspec.json.decode(document.body, type=Event)
            self._background.start(self._deliver(document.id, event), "a notification of a bucket")

    async def _deliver(self, id: str, event: Event) -> None:
        service, why = event.target.split(":")[2], ""
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            try:
                request = _request(service, event.target, event.body)
                reply = await self._reach.call(service, request)
            except (ConnectionError, TimeoutError) as error:
                why = str(error)
                continue
            if reply.status < 300:
                break
            why = f"status {reply.status}"
        else:
            _log.warning("%s was not told of an event: %s", event.target, why)
        await keep(self._store, _EVENT, id, None)


def _checked(given: Params) -> Params:
    """One target with what it wants. Raises `ServiceError`."""
    for event in given["Events"]:
        if not event.startswith(_EVENTS):
            raise not_implemented(f"the event {event}")
    rules = parts(part(part(given, "Filter"), "Key"), "FilterRules")
    names = [each["Name"].lower() for each in rules]
    if len(set(names)) < len(names):
        raise bad("Cannot specify more than one prefix or suffix rule in a filter.")
    return {**given, "Id": given.get("Id") or str(uuid4())}


def _wants(given: Params, event: str, key: str) -> bool:
    names = [each.removeprefix("s3:") for each in given["Events"]]
    if not any(each == event or each == f"{event.partition(':')[0]}:*" for each in names):
        return False
    rules = parts(part(part(given, "Filter"), "Key"), "FilterRules")
    tests = {"prefix": key.startswith, "suffix": key.endswith}
    return all(tests[each["Name"].lower()](each.get("Value", "")) for each in rules)


def _record(
    call: Call, event: str, bucket: str, key: str, size: int | None, etag: str, id: str
) -> Params:
    thing: Params = {"key": quote_plus(key, safe="/"), "sequencer": f"{time_ns():016X}"}
    if size is not None:
        thing |= {"size": size, "eTag": etag}
    peer = call.request.peer
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": call.region,
        "eventTime": _now(),
        "eventName": event,
        "userIdentity": {"principalId": call.principal.user_id},
        "requestParameters": {"sourceIPAddress": peer.address if peer else "127.0.0.1"},
        "responseElements": {"x-amz-request-id": call.request_id, "x-amz-id-2": call.request_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": id,
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": call.principal.account},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": thing,
        },
    }


def _now() -> str:
    at = datetime.now(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _request(service: str, target: str, body: Params) -> Request:
    """The event for a function, a queue or a topic."""
    encoded = msgspec.json.encode(body)
    if service == "lambda":
        path = f"/2015-03-31/functions/{quote(target, safe='')}/invocations"
        return Request("POST", path, Headers([("X-Amz-Invocation-Type", "Event")]), encoded)
    if service == "sns":
        fields = {
            "Action": "Publish",
            "Version": "2010-03-31",
            "TopicArn": target,
            "Subject": "Amazon S3 Notification",
            "Message": encoded.decode(),
        }
        kind = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        return Request("POST", "/", Headers([kind]), urlencode(fields).encode())
    account, name = target.split(":")[4:6]
    sent = {"QueueUrl": f"http://sqs/{account}/{name}", "MessageBody": encoded.decode()}
    headers = [
        ("X-Amz-Target", "AmazonSQS.SendMessage"),
        ("Content-Type", "application/x-amz-json-1.0"),
    ]
    return Request("POST", "/", Headers(headers), msgspec.json.encode(sent))
