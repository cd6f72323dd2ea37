"""What web ACLs saw: sampled requests, and who is over a rate.

Source: WAFV2 API Reference, "GetSampledRequests" and "GetRateBasedStatementManagedKeys".
"""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.services.wafv2.book import Json, by_arn, invalid, nonexistent, regional
from torana.wire.faults import ServiceError

_THREE_HOURS = 3 * 3600


class Sample(Struct, frozen=True):
    """A request that a rule of a web ACL matched, or that none did."""

    acl: str
    rule: str
    inner: str
    """The rule within a rule group."""
    action: str
    time: float
    address: str
    uri: str
    method: str
    fields: list[tuple[str, str]]
    labels: list[str]


class Seen(Protocol):
    """What the processes of the node saw."""

    def samples(self, arn: str) -> list[Sample]: ...
    def above(self, rule: str, limit: int) -> list[str]:
        """The keys over the limit of a rule: `{ARN of the web ACL}/{its name}`."""
        ...


class Samples:
    """The operations."""

    def __init__(self, book: Book, seen: Seen | None) -> None:
        self._book, self._seen = book, seen

    def _see(self) -> Seen:
        if self._seen is None:
            raise ServiceError(
                "WAFInternalErrorException", "Web ACLs are not evaluated here", status=500
            )
        return self._seen

    async def GetSampledRequests(self, call: Call, params: Json) -> Json:
        regional(params)

        async def work(sheet: Sheet) -> Json:
            return await by_arn(sheet, params["WebAclArn"])

        acl = await self._book.read(work)
        rule = _rule_of(acl, params["RuleMetricName"])
        window = params["TimeWindow"]
        start, end = window["StartTime"].timestamp(), window["EndTime"].timestamp()
        if end < start:
            raise invalid("TIME_WINDOW", str(window["EndTime"]), "It ends before it starts")
        start = max(start, end - _THREE_HOURS)
        found = [
            sample
            for sample in self._see().samples(acl["ARN"])
            if sample.rule == rule and start <= sample.time <= end
        ]
        return {
            "SampledRequests": [_shown(sample) for sample in found[-params["MaxItems"] :]],
            "PopulationSize": len(found),
            "TimeWindow": {
                "StartTime": datetime.fromtimestamp(start, UTC),
                "EndTime": window["EndTime"],
            },
        }

    async def GetRateBasedStatementManagedKeys(self, call: Call, params: Json) -> Json:
        regional(params)

        async def work(sheet: Sheet) -> Json | None:
            return await sheet.get("waf-webacl", params["WebACLName"])

        acl = await self._book.read(work)
        if acl is None or acl["Id"] != params["WebACLId"]:
            raise nonexistent()
        limit = next(_limits(acl, params["RuleName"]), None)
        if limit is None:
            raise nonexistent()
        addresses = self._see().above(f"{acl['ARN']}/{params['RuleName']}", limit)
        versions: dict[int, list[str]] = {4: [], 6: []}
        for address in addresses:
            try:
                versions[ipaddress.ip_address(address).version].append(address)
            except ValueError:
                raise ServiceError(
                    "WAFUnsupportedAggregateKeyTypeException",
                    "The rule that you've named doesn't aggregate solely on the IP address or "
                    "solely on the forwarded IP address.",
                ) from None
        return {
            "ManagedKeysIPV4": {"IPAddressVersion": "IPV4", "Addresses": versions[4]},
            "ManagedKeysIPV6": {"IPAddressVersion": "IPV6", "Addresses": versions[6]},
        }


def _rule_of(acl: Json, metric: str) -> str:
    """The rule of a metric's name; the web ACL's own metric is the default action's."""
    if metric == acl["VisibilityConfig"]["MetricName"] or metric == "Default_Action":
        return "Default_Action"
    for rule in acl.get("Rules") or ():
        if rule["VisibilityConfig"]["MetricName"] == metric:
            return rule["Name"]
    raise nonexistent()


def _limits(acl: Json, name: str) -> Iterator[int]:
    for rule in acl.get("Rules") or ():
        if rule["Name"] == name and "RateBasedStatement" in rule["Statement"]:
            yield rule["Statement"]["RateBasedStatement"]["Limit"]


def _shown(sample: Sample) -> Json:
    shown: Json = {
        "Request": {
            "ClientIP": sample.address,
            "URI": sample.uri,
            "Method": sample.method,
            "HTTPVersion": "HTTP/1.1",
            "Headers": [{"Name": name, "Value": value} for name, value in sample.fields],
        },
        "Weight": 1,
        "Timestamp": datetime.fromtimestamp(sample.time, UTC),
        "Action": sample.action,
        "Labels": [{"Name": label} for label in sample.labels],
    }
    if sample.inner:
        shown["RuleNameWithinRuleGroup"] = sample.inner
    return shown
