"""AWS CloudTrail: who changed what, from the audit records of the store.

Source: CloudTrail API Reference, "LookupEvents"; User Guide, "CloudTrail record contents".
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from torana.services.audit import KIND, Record, id_at
from torana.services.ports import Call
from torana.state.store import Store
from torana.wire.faults import ServiceError

Json = dict[str, Any]
_MOST = 50


def _names(record: Record) -> list[str]:
    return [edit.id for edit in record.edits]


_ATTRIBUTES: Mapping[str, Callable[[Record, str], bool]] = {
    "EventId": lambda record, value: record.request_id == value,
    "EventName": lambda record, value: record.operation == value,
    "EventSource": lambda record, value: _source(record) == value,
    "ReadOnly": lambda record, value: value.lower() == "false",
    "ResourceName": lambda record, value: any(
        value in (name, name.partition("/")[0]) for name in _names(record)
    ),
    "ResourceType": lambda record, value: any(edit.kind == value for edit in record.edits),
    "Username": lambda record, value: value in (record.user_id, _user(record)),
}


class CloudTrail:
    """The facade. Only changes are recorded, never reads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def LookupEvents(self, call: Call, params: Json) -> Json:
        """Changes, the newest first."""
        del call
        wanted = [_wanted(each) for each in params.get("LookupAttributes") or ()]
        start, end = params.get("StartTime"), params.get("EndTime")
        if start and end and start > end:
            raise ServiceError("InvalidTimeRangeException", "The start time is after the end time.")
        after = params.get("NextToken") or (id_at(end.timestamp() + 1e-6) if end else "")
        limit = params.get("MaxResults") or _MOST
        events: list[Json] = []
        last = ""
        async for document in self._store.scan(KIND, after=after):
            record = msgspec.json.decode(document.body, type=Record)
            if start and record.time < start.timestamp():
                break
            if not all(fits(record, value) for fits, value in wanted):
                continue
            if len(events) == limit:
                return {"Events": events, "NextToken": last}
            events.append(_event(record))
            last = document.id
        return {"Events": events}


def _wanted(attribute: Json) -> tuple[Callable[[Record, str], bool], str]:
    key = attribute["AttributeKey"]
    if key not in _ATTRIBUTES:
        raise ServiceError(
            "InvalidLookupAttributesException",
            f"{key} is not recorded here; known: {', '.join(_ATTRIBUTES)}",
        )
    return _ATTRIBUTES[key], attribute["AttributeValue"]


def _source(record: Record) -> str:
    return f"{record.source}.amazonaws.com"


def _user(record: Record) -> str:
    return record.arn.rpartition(":")[2].rpartition("/")[2]


def _event(record: Record) -> Json:
    when = datetime.fromtimestamp(record.time, UTC)
    told = {
        "eventVersion": "1.08",
        "userIdentity": {
            "principalId": record.user_id,
            "arn": record.arn,
            "accountId": record.account,
        },
        "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": _source(record),
        "eventName": record.operation,
        "awsRegion": record.region,
        "sourceIPAddress": record.address,
        "userAgent": record.agent,
        "requestID": record.request_id,
        "eventID": record.request_id,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "recipientAccountId": record.account,
        "serviceEventDetails": {"edits": record.edits},
    }
    return {
        "EventId": record.request_id,
        "EventName": record.operation,
        "ReadOnly": "false",
        "EventTime": when,
        "EventSource": _source(record),
        "Username": _user(record),
        "Resources": [
            {"ResourceType": edit.kind, "ResourceName": edit.id} for edit in record.edits
        ],
        "CloudTrailEvent": msgspec.json.encode(told).decode(),
    }
