"""Where web ACLs write what they judged: log groups whose names begin with `aws-waf-logs-`.

A configuration is kept with its web ACL, so that who evaluates the one has the other.
Source: WAFV2 API Reference, "PutLoggingConfiguration".
"""

import re

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.services.wafv2.book import (
    WEB_ACL,
    Json,
    by_arn,
    invalid,
    kind_of,
    nonexistent,
    regional,
)
from torana.waf.logs import FIELDS

_GROUP = re.compile(r"arn:[a-z-]+:logs:[a-z0-9-]*:\d*:log-group:aws-waf-logs-[\w./#-]+(:\*)?")
_KEPT = ("LogDestinationConfigs", "RedactedFields", "LoggingFilter")
_NOT_HERE = {"LogScope": "CUSTOMER", "LogType": "WAF_LOGS"}


class Logging:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def PutLoggingConfiguration(self, call: Call, params: Json) -> Json:
        given = params["LoggingConfiguration"]
        _check(given)

        async def work(sheet: Sheet) -> Json:
            acl = await by_arn(sheet, given["ResourceArn"], f"waf-{WEB_ACL}")
            acl["Logging"] = {name: given[name] for name in _KEPT if given.get(name)}
            sheet.put(kind_of(acl["ARN"]), acl["Name"], acl)
            return {"LoggingConfiguration": _shown(acl)}

        return await self._book.edit(call, work)

    async def GetLoggingConfiguration(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"LoggingConfiguration": _shown(await _logged(sheet, params))}

        return await self._book.read(work)

    async def DeleteLoggingConfiguration(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            acl = await _logged(sheet, params)
            del acl["Logging"]
            sheet.put(kind_of(acl["ARN"]), acl["Name"], acl)
            return {}

        return await self._book.edit(call, work)

    async def ListLoggingConfigurations(self, call: Call, params: Json) -> Json:
        regional(params)
        after, limit = params.get("NextMarker") or "", params.get("Limit") or 100

        async def work(sheet: Sheet) -> Json:
            found = [
                acl
                async for name, acl in sheet.scan(f"waf-{WEB_ACL}")
                if "Logging" in acl and name > after
            ]
            found.sort(key=lambda acl: acl["Name"])
            answer: Json = {"LoggingConfigurations": [_shown(acl) for acl in found[:limit]]}
            if len(found) > limit:
                answer["NextMarker"] = found[limit - 1]["Name"]
            return answer

        return await self._book.read(work)


async def _logged(sheet: Sheet, params: Json) -> Json:
    acl = await by_arn(sheet, params["ResourceArn"], f"waf-{WEB_ACL}")
    if "Logging" not in acl:
        raise nonexistent()
    return acl


def _shown(acl: Json) -> Json:
    return {
        "ResourceArn": acl["ARN"],
        **acl["Logging"],
        "ManagedByFirewallManager": False,
        "LogType": "WAF_LOGS",
        "LogScope": "CUSTOMER",
    }


def _check(given: Json) -> None:
    """Raises the service's error."""
    if len(given["LogDestinationConfigs"]) != 1:
        reason = "You must specify exactly one destination"
        raise invalid("LOG_DESTINATION", str(given["LogDestinationConfigs"]), reason)
    destination = given["LogDestinationConfigs"][0]
    if not _GROUP.fullmatch(destination):
        reason = "The ARN isn't valid: it must be of a log group named aws-waf-logs-…"
        raise invalid("LOG_DESTINATION", destination, reason)
    for name, only in _NOT_HERE.items():
        if given.get(name, only) != only:
            raise invalid("LOGGING_FILTER", given[name], "This is not served here")
    for field in given.get("RedactedFields") or ():
        name = next(iter(field), "")
        if name not in FIELDS and name != "SingleHeader":
            raise invalid("FIELD_TO_MATCH", name, "This field can't be redacted")
    filters: list[Json] = given["LoggingFilter"]["Filters"] if given.get("LoggingFilter") else []
    for each in filters:
        conditions: list[Json] = each["Conditions"]
        for condition in conditions:
            if len(condition) != 1:
                raise invalid("FILTER_CONDITION", str(condition), "It must have one condition")
