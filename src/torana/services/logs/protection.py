"""Data protection of log groups: what is found is masked for everybody who may not see it, and
counted. Events from before the policy stay as they are, as on the service.

Source: CloudWatch Logs User Guide, "Help protect sensitive log data with masking".
"""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field, structs

from torana.auth.grants import decide
from torana.auth.policy import Question
from torana.services.given import members
from torana.services.logs.faults import invalid
from torana.services.logs.groups import Groups, arn, find, plain
from torana.services.logs.identifiers import ARN, KNOWN, Find, managed, masked, own
from torana.services.ports import Call
from torana.telemetry.log_catalog import Group
from torana.telemetry.logbook import Event, LogBook
from torana.wire.faults import ServiceError

Json = dict[str, Any]
SETTING = "protection"
"""Of a group's: `document` and `since`, in milliseconds."""
_LONGEST = 30_720


class Protection(Struct, frozen=True):
    """A policy, compiled."""

    finds: tuple[tuple[str, Find], ...]
    log_group: str
    """Where findings are written; empty: nowhere."""
    since: int = 0

    def hide(self, event: Event) -> Event:
        """The event as everybody may see it."""
        if event.ingested < self.since:
            return event
        found = [span for _, spans in self.finds for span in spans(event.text)]
        return structs.replace(event, text=masked(event.text, found)) if found else event

    def findings(self, event: Event) -> list[Json]:
        """What is found, as audits tell it."""
        told: list[Json] = []
        for name, spans in self.finds:
            found = [{"start": begin, "end": end} for begin, end in spans(event.text)]
            if found:
                told.append({"name": name, "count": len(found), "detections": found})
        return told


def of(group: Group) -> Protection | None:
    """A group's."""
    kept: dict[str, str] = members(group.config, SETTING)
    return _kept(kept["document"], int(kept["since"])) if kept else None


def hiding(group: Group) -> Callable[[Sequence[Event]], list[Event]]:
    """Events of a group as everybody may see them."""
    found = of(group)
    return list if found is None else lambda events: [found.hide(each) for each in events]


def seeing(call: Call, group: Group, params: Json) -> Callable[[Sequence[Event]], list[Event]]:
    """The same, or as they are for those who ask for it and may do `logs:Unmask`.

    Raises the service's error.
    """
    if not params.get("unmask"):
        return hiding(group)
    who, name = call.principal, arn(call, group.name)
    if not decide(who.grants, Question("logs:Unmask", f"{name}:*", who.caller)).allowed:
        raise ServiceError(
            "AccessDeniedException",
            f"User: {who.arn} is not authorized to perform: logs:Unmask on resource: {name}",
            status=400,
        )
    return list


@lru_cache(256)
def _kept(document: str, since: int) -> Protection:
    return structs.replace(compile_policy(document), since=since)


class _Audit(Struct, rename="pascal"):
    findings_destination: dict[str, dict[str, str]]


class _Operation(Struct, rename="pascal"):
    audit: _Audit | None = None
    deidentify: dict[str, dict[str, str]] | None = None


class _Statement(Struct, rename="pascal"):
    operation: _Operation
    data_identifier: Annotated[list[str], Meta(min_length=1)]


class _Custom(Struct, rename="pascal"):
    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,128}$")]
    regex: Annotated[str, Meta(min_length=1, max_length=200)]


class _Configuration(Struct, rename="pascal"):
    custom_data_identifier: Annotated[list[_Custom], Meta(max_length=10)] = []


class _Policy(Struct, rename="pascal"):
    name: str
    version: Literal["2021-06-01"]
    statement: list[_Statement]
    configuration: _Configuration = field(default_factory=_Configuration)


def compile_policy(document: str) -> Protection:
    """Raises the service's error."""
    if len(document) > _LONGEST:
        raise invalid(f"The data protection policy is longer than {_LONGEST} characters")
    try:
        policy = msgspec.json.decode(document, type=_Policy)
    except msgspec.DecodeError as error:
        raise invalid(f"The data protection policy cannot be read: {error}") from None
    audits = [each for each in policy.statement if each.operation.audit is not None]
    hides = [each for each in policy.statement if each.operation.deidentify is not None]
    if len(audits) != 1 or len(hides) != 1 or len(policy.statement) > 2:
        raise invalid("The policy needs one statement with Audit and one with Deidentify")
    [audit], [hide] = audits, hides
    if hide.operation.deidentify != {"MaskConfig": {}}:
        raise invalid('Deidentify must be {"MaskConfig": {}}')
    if audit.data_identifier != hide.data_identifier:
        raise invalid("The DataIdentifier arrays of both statements must match exactly")
    custom = _custom(policy.configuration)
    assert audit.operation.audit is not None
    return Protection(
        tuple(_identified(each, custom) for each in audit.data_identifier),
        _destination(audit.operation.audit.findings_destination),
    )


def _custom(configuration: _Configuration) -> dict[str, Find]:
    found: dict[str, Find] = {}
    for each in configuration.custom_data_identifier:
        try:
            found[each.name] = own(each.regex)
        except ValueError as error:
            raise invalid(f"The data identifier {each.name} cannot be: {error}") from None
    return found


def _identified(name: str, custom: dict[str, Find]) -> tuple[str, Find]:
    if name in custom:
        return name, custom[name]
    known = name.removeprefix(ARN)
    if known not in KNOWN:
        raise invalid(
            f"The data identifier {name[:200]} is not known here. Known: {', '.join(sorted(KNOWN))}"
        )
    return known, managed(known)


def _destination(to: dict[str, dict[str, str]]) -> str:
    others = {*to} - {"CloudWatchLogs"}
    if others:
        raise invalid(f"Findings go to log groups only here, not to {', '.join(sorted(others))}")
    return to.get("CloudWatchLogs", {}).get("LogGroup", "")


class DataProtection:
    """The operations."""

    def __init__(self, book: LogBook, groups: Groups, changed: Callable[[], Any]) -> None:
        """`changed` is told that policies may be others."""
        self._book, self._groups, self._changed = book, groups, changed

    async def PutDataProtectionPolicy(self, call: Call, params: Json) -> Json:
        """Mask and count from now on."""
        name, document = plain(params["logGroupIdentifier"]), params["policyDocument"]
        policy = compile_policy(document)
        if policy.log_group:
            await self._book.read(lambda db: find(db, policy.log_group))
        now = int(self._book.clock() * 1000)
        setting = {"document": document, "since": str(now)}
        await self._groups.set(call, name, protection=setting)
        await self._changed()
        return _shown(params, document, now)

    async def GetDataProtectionPolicy(self, call: Call, params: Json) -> Json:
        """As it was put."""
        name = plain(params["logGroupIdentifier"])
        group = await self._book.read(lambda db: find(db, name))
        kept: dict[str, str] = members(group.config, SETTING)
        if not kept:
            return {"logGroupIdentifier": params["logGroupIdentifier"]}
        return _shown(params, kept["document"], int(kept["since"]))

    async def DeleteDataProtectionPolicy(self, call: Call, params: Json) -> Json:
        """Mask no more: not what was masked before, either."""
        await self._groups.set(call, plain(params["logGroupIdentifier"]), protection={})
        await self._changed()
        return {}


def _shown(params: Json, document: str, since: int) -> Json:
    return {
        "logGroupIdentifier": params["logGroupIdentifier"],
        "policyDocument": document,
        "lastUpdatedTime": since,
    }


def told(at: float, resource: str, found: list[Json]) -> str:
    """A finding, as it is written to a log group."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    line = {"auditTimestamp": stamp, "resourceArn": resource, "dataIdentifiers": found}
    return msgspec.json.encode(line).decode()
