"""Sampling rules: which requests of traced stages, and of the programs that ask, are traced.

Source: X-Ray Developer Guide, "Configuring sampling rules" and "Using sampling rules with the
X-Ray API".
"""

import math
import time
from typing import Any

import msgspec
from msgspec import Struct

from torana.services.apigateway.book import Book, Sheet
from torana.services.given import items
from torana.services.moments import moment
from torana.services.ports import Call
from torana.services.xray.faults import invalid
from torana.telemetry.sampling import DEFAULT, Rule
from torana.wire.faults import ServiceError

Json = dict[str, Any]

RULE = "xray-rule"
_MOST = 25
_INTERVAL = 10
"""Seconds between two reports of a program."""
_FIELDS = {
    "RuleName": "name",
    "Priority": "priority",
    "FixedRate": "rate",
    "ReservoirSize": "reservoir",
    "ServiceName": "service_name",
    "ServiceType": "service_type",
    "Host": "host",
    "HTTPMethod": "method",
    "URLPath": "url_path",
    "ResourceARN": "resource_arn",
    "Attributes": "attributes",
}
_OF_DEFAULT = frozenset({"RuleName", "RuleARN", "FixedRate", "ReservoirSize"})


class Statistics(Struct):
    """What programs have told of a rule."""

    requests: int = 0
    sampled: int = 0
    borrowed: int = 0
    at: float = 0.0
    clients: dict[str, float] = {}
    """When each program told last."""


def rule_of(document: bytes) -> Rule:
    """A stored rule, for the gateway's sampler."""
    given: Json = msgspec.json.decode(document)["rule"]
    return Rule(**{own: given[name] for name, own in _FIELDS.items() if name in given})


class Rules:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._told: dict[str, Statistics] = {}

    async def CreateSamplingRule(self, call: Call, params: Json) -> Json:
        given = {name: value for name, value in params["SamplingRule"].items() if value is not None}
        name = given.get("RuleName")
        if not name or "RuleARN" in given:
            raise invalid("A rule needs a RuleName, and no RuleARN")
        if given.get("Version") != 1:
            raise invalid("Version must be 1")
        if "SamplingRateBoost" in given:
            raise invalid("SamplingRateBoost is not supported")
        given.setdefault("Attributes", {})
        given["RuleARN"] = _arn(call, name)
        tags = {each["Key"]: each["Value"] for each in items(params, "Tags")}

        async def work(sheet: Sheet) -> Json:
            there = await sheet.now(RULE)
            if name == DEFAULT.name or any(id == name for id, _ in there):
                raise invalid(f"Sampling rule {name} already exists")
            if len(there) >= _MOST:
                raise ServiceError(
                    "RuleLimitExceededException", f"There are {_MOST} sampling rules already"
                )
            now = time.time()
            made = {"rule": given, "created": now, "modified": now, "tags": tags}
            sheet.put(RULE, name, made)
            return {"SamplingRuleRecord": _record(made)}

        return await self._book.edit(call, work)

    async def UpdateSamplingRule(self, call: Call, params: Json) -> Json:
        update = {
            name: value for name, value in params["SamplingRuleUpdate"].items() if value is not None
        }
        name = _name(update)
        if "SamplingRateBoost" in update:
            raise invalid("SamplingRateBoost is not supported")
        if name == DEFAULT.name and update.keys() - _OF_DEFAULT:
            raise invalid("Of the default rule only FixedRate and ReservoirSize can be changed")

        async def work(sheet: Sheet) -> Json:
            found = await sheet.get(RULE, name)
            if found is None:
                if name != DEFAULT.name:
                    raise _missing(name)
                found = _default(call)
            changes = {key: value for key, value in update.items() if key != "RuleARN"}
            found["rule"] |= changes | {"RuleName": name}
            found["modified"] = time.time()
            sheet.put(RULE, name, found)
            return {"SamplingRuleRecord": _record(found)}

        return await self._book.edit(call, work)

    async def DeleteSamplingRule(self, call: Call, params: Json) -> Json:
        name = _name(params)
        if name == DEFAULT.name:
            raise invalid("The default rule cannot be deleted")

        async def work(sheet: Sheet) -> Json:
            found = await sheet.get(RULE, name)
            if found is None:
                raise _missing(name)
            sheet.delete(RULE, name)
            return {"SamplingRuleRecord": _record(found)}

        return await self._book.edit(call, work)

    async def GetSamplingRules(self, call: Call, params: Json) -> Json:
        """All of them, by priority."""
        return {"SamplingRuleRecords": [_record(each) for each in await self._all(call)]}

    async def GetSamplingStatisticSummaries(self, call: Call, params: Json) -> Json:
        """What programs have told in the last ten seconds."""
        since = time.time() - _INTERVAL
        return {
            "SamplingStatisticSummaries": [
                {
                    "RuleName": name,
                    "Timestamp": moment(told.at),
                    "RequestCount": told.requests,
                    "BorrowCount": told.borrowed,
                    "SampledCount": told.sampled,
                }
                for name, told in self._told.items()
                if told.at >= since
            ]
        }

    async def GetSamplingTargets(self, call: Call, params: Json) -> Json:
        """A share of each rule's reservoir, for every program that traces by it."""
        records = {each["rule"]["RuleName"]: each for each in await self._all(call)}
        now = time.time()
        targets: list[Json] = []
        refused: list[Json] = []
        for told in params["SamplingStatisticsDocuments"]:
            name = told["RuleName"]
            found = records.get(name)
            if found is None:
                why = {"ErrorCode": "400", "Message": "Unknown rule"}
                refused.append({"RuleName": name, **why})
                continue
            clients = self._note(told, now)
            rule = found["rule"]
            targets.append(
                {
                    "RuleName": name,
                    "FixedRate": rule["FixedRate"],
                    "ReservoirQuota": math.ceil(rule["ReservoirSize"] / clients),
                    "ReservoirQuotaTTL": moment(now + 2 * _INTERVAL),
                    "Interval": _INTERVAL,
                }
            )
        changed = max(each["modified"] for each in records.values())
        return {
            "SamplingTargetDocuments": targets,
            "LastRuleModification": moment(changed),
            "UnprocessedStatistics": refused,
        }

    def _note(self, told: Json, now: float) -> int:
        """How many programs trace by this rule now."""
        found = self._told.setdefault(told["RuleName"], Statistics())
        if now - found.at > _INTERVAL:
            found.requests = found.sampled = found.borrowed = 0
            found.at = now
        found.requests += told["RequestCount"]
        found.sampled += told["SampledCount"]
        found.borrowed += told.get("BorrowCount") or 0
        found.clients[told["ClientID"]] = now
        alive = {id: at for id, at in found.clients.items() if now - at < 3 * _INTERVAL}
        found.clients = alive
        return len(alive)

    async def _all(self, call: Call) -> list[Json]:
        async def work(sheet: Sheet) -> list[Json]:
            return [each async for _, each in sheet.scan(RULE)]

        found = await self._book.read(work)
        if all(each["rule"]["RuleName"] != DEFAULT.name for each in found):
            found.append(_default(call))
        return sorted(found, key=lambda each: each["rule"]["Priority"])


def _default(call: Call) -> Json:
    """As it is before anybody changes it."""
    rule = {name: getattr(DEFAULT, own) for name, own in _FIELDS.items()}
    rule |= {"RuleARN": _arn(call, DEFAULT.name), "Version": 1}
    return {"rule": rule, "created": 0.0, "modified": 0.0, "tags": {}}


def _record(found: Json) -> Json:
    return {
        "SamplingRule": found["rule"],
        "CreatedAt": moment(found["created"]),
        "ModifiedAt": moment(found["modified"]),
    }


def _name(params: Json) -> str:
    name, arn = params.get("RuleName"), params.get("RuleARN")
    if bool(name) == bool(arn):
        raise invalid("Give either a RuleName or a RuleARN")
    return name or str(arn).rpartition("/")[2]


def _arn(call: Call, name: str) -> str:
    return f"arn:aws:xray:{call.region}:{call.principal.account}:sampling-rule/{name}"


def _missing(name: str) -> ServiceError:
    return invalid(f"Sampling rule {name} does not exist")
