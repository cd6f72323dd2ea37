"""Web ACLs, rule groups, IP sets and regex pattern sets: the same five operations for each.

Source: WAFV2 API Reference.
"""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import uuid4

from msgspec import Struct

from torana.services.apigateway.book import STAGE, Book, Sheet
from torana.services.ports import Call
from torana.services.wafv2.book import (
    IP_SET,
    REGEX_SET,
    RULE_GROUP,
    WEB_ACL,
    Json,
    associated,
    bad,
    beyond,
    by_arn,
    duplicate,
    everything,
    invalid,
    nonexistent,
    outdated,
    page,
    regional,
)
from torana.waf.acl import capacity, compile_acl
from torana.waf.faults import BadRule
from torana.waf.geo import countries
from torana.waf.shelf import Shelf, label_prefix, thawed
from torana.waf.statements import network

_MOST_CAPACITY = 5000
_REFUSED = (
    "ApplicationConfig",
    "CaptchaConfig",
    "ChallengeConfig",
    "DataProtectionConfig",
    "MonetizationConfig",
    "OnSourceDDoSProtectionConfig",
    "TokenDomains",
)


class Kind(Struct, frozen=True):
    """What tells the kinds apart."""

    name: str
    """In ARNs."""
    shown: str
    """The answer's member of the whole item."""
    listed: str
    kept: Sequence[str]
    """The members that callers set."""
    fixed: Sequence[str] = ()
    """Those that cannot be changed."""


_RULES = ("Description", "Rules", "VisibilityConfig", "CustomResponseBodies")
_WEB_ACL = Kind(
    WEB_ACL, "WebACL", "WebACLs", ("DefaultAction", *_RULES, "AssociationConfig")
)  # fmt: skip
_RULE_GROUP = Kind(RULE_GROUP, "RuleGroup", "RuleGroups", _RULES, ("Capacity",))
_IP_SET = Kind(IP_SET, "IPSet", "IPSets", ("Description", "Addresses"), ("IPAddressVersion",))
_REGEX_SET = Kind(
    REGEX_SET, "RegexPatternSet", "RegexPatternSets", ("Description", "RegularExpressionList")
)


class Items:
    """The operations on all four."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateWebACL(self, call: Call, params: Json) -> Json:
        return await self._create(call, params, _WEB_ACL)

    async def GetWebACL(self, call: Call, params: Json) -> Json:
        return await self._get(params, _WEB_ACL)

    async def UpdateWebACL(self, call: Call, params: Json) -> Json:
        return await self._update(call, params, _WEB_ACL)

    async def DeleteWebACL(self, call: Call, params: Json) -> Json:
        return await self._delete(call, params, _WEB_ACL)

    async def ListWebACLs(self, call: Call, params: Json) -> Json:
        return await self._list(params, _WEB_ACL)

    async def CreateRuleGroup(self, call: Call, params: Json) -> Json:
        return await self._create(call, params, _RULE_GROUP)

    async def GetRuleGroup(self, call: Call, params: Json) -> Json:
        return await self._get(params, _RULE_GROUP)

    async def UpdateRuleGroup(self, call: Call, params: Json) -> Json:
        return await self._update(call, params, _RULE_GROUP)

    async def DeleteRuleGroup(self, call: Call, params: Json) -> Json:
        return await self._delete(call, params, _RULE_GROUP)

    async def ListRuleGroups(self, call: Call, params: Json) -> Json:
        return await self._list(params, _RULE_GROUP)

    async def CreateIPSet(self, call: Call, params: Json) -> Json:
        return await self._create(call, params, _IP_SET)

    async def GetIPSet(self, call: Call, params: Json) -> Json:
        return await self._get(params, _IP_SET)

    async def UpdateIPSet(self, call: Call, params: Json) -> Json:
        return await self._update(call, params, _IP_SET)

    async def DeleteIPSet(self, call: Call, params: Json) -> Json:
        return await self._delete(call, params, _IP_SET)

    async def ListIPSets(self, call: Call, params: Json) -> Json:
        return await self._list(params, _IP_SET)

    async def CreateRegexPatternSet(self, call: Call, params: Json) -> Json:
        return await self._create(call, params, _REGEX_SET)

    async def GetRegexPatternSet(self, call: Call, params: Json) -> Json:
        return await self._get(params, _REGEX_SET)

    async def UpdateRegexPatternSet(self, call: Call, params: Json) -> Json:
        return await self._update(call, params, _REGEX_SET)

    async def DeleteRegexPatternSet(self, call: Call, params: Json) -> Json:
        return await self._delete(call, params, _REGEX_SET)

    async def ListRegexPatternSets(self, call: Call, params: Json) -> Json:
        return await self._list(params, _REGEX_SET)

    async def CheckCapacity(self, call: Call, params: Json) -> Json:
        regional(params)

        async def work(sheet: Sheet) -> Json:
            shelf = await _shelf(sheet)
            return {"Capacity": await _capacity(params["Rules"], {}, shelf)}

        return await self._book.read(work)

    async def _create(self, call: Call, params: Json, kind: Kind) -> Json:
        regional(params)

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(f"waf-{kind.name}", params["Name"]) is not None:
                raise duplicate()
            id = str(uuid4())
            place = f"regional/{kind.name}/{params['Name']}/{id}"
            item: Json = {
                "Name": params["Name"],
                "Id": id,
                "ARN": f"arn:aws:wafv2:{call.region}:{call.principal.account}:{place}",
                "Tags": {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()},
                **{name: params[name] for name in kind.fixed},
            }
            await _save(sheet, kind, item, params)
            return {"Summary": _summary(item)}

        return await self._book.edit(call, work)

    async def _update(self, call: Call, params: Json, kind: Kind) -> Json:
        async def work(sheet: Sheet) -> Json:
            item = await _the(sheet, kind, params)
            if item["LockToken"] != params["LockToken"]:
                raise outdated()
            await _save(sheet, kind, item, params)
            return {"NextLockToken": item["LockToken"]}

        return await self._book.edit(call, work)

    async def _get(self, params: Json, kind: Kind) -> Json:
        async def work(sheet: Sheet) -> Json:
            if params.get("ARN"):
                return await by_arn(sheet, params["ARN"], f"waf-{kind.name}")
            return await _the(sheet, kind, params)

        item = await self._book.read(work)
        return {kind.shown: shown(item), "LockToken": item["LockToken"]}

    async def _delete(self, call: Call, params: Json, kind: Kind) -> Json:
        async def work(sheet: Sheet) -> Json:
            item = await _the(sheet, kind, params)
            if item["LockToken"] != params["LockToken"]:
                raise outdated()
            async for other in everything(sheet):
                if other["ARN"] != item["ARN"] and item["ARN"] in _arns(other):
                    raise associated()
            async for _, stage in sheet.scan(STAGE):
                if stage.get("webAclArn") == item["ARN"]:
                    raise associated()
            sheet.delete(f"waf-{kind.name}", item["Name"])
            return {}

        return await self._book.edit(call, work)

    async def _list(self, params: Json, kind: Kind) -> Json:
        regional(params)

        async def work(sheet: Sheet) -> Json:
            found = [_summary(item) async for _, item in sheet.scan(f"waf-{kind.name}")]
            return page(found, params, kind.listed)

        return await self._book.read(work)


async def _the(sheet: Sheet, kind: Kind, params: Json) -> Json:
    regional(params)
    found = await sheet.get(f"waf-{kind.name}", params["Name"])
    if found is None or found["Id"] != params["Id"]:
        raise nonexistent()
    return found


def shown(item: Json) -> Json:
    """An item as the service answers it, whole."""
    whole = {
        name: part for name, part in item.items() if name not in ("LockToken", "Logging", "Tags")
    }
    if "VisibilityConfig" in whole:
        whole["LabelNamespace"] = label_prefix(item["ARN"])
    return thawed(whole)


def _summary(item: Json) -> Json:
    names = ("Name", "Id", "Description", "LockToken", "ARN")
    return {name: item[name] for name in names if name in item}


def _arns(value: object) -> set[str]:
    """Every ARN that an item refers to."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.values()  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, str) and each.startswith("arn:"):
            found.add(each)
    return found


async def _shelf(sheet: Sheet) -> Shelf:
    documents = {item["ARN"]: item async for item in everything(sheet)}
    return Shelf(documents, country=countries())


async def _save(sheet: Sheet, kind: Kind, item: Json, params: Json) -> None:
    """Write an item that can be evaluated, with what refers to it. Raises the service's errors."""
    for name in _REFUSED:
        if params.get(name):
            raise invalid("UNSUPPORTED", name, "This is not served here")
    for name in kind.kept:
        item.pop(name, None)
        if params.get(name) is not None:
            item[name] = params[name]
    await _CHECKS[kind.name](sheet, item)
    item["LockToken"] = str(uuid4())
    sheet.put(f"waf-{kind.name}", item["Name"], item)


async def _check_acl(sheet: Sheet, item: Json) -> None:
    shelf = await _shelf(sheet)
    try:
        acl = await asyncio.to_thread(compile_acl, item, label_prefix(item["ARN"]), shelf)
    except BadRule as error:
        raise bad(error) from error
    if acl.capacity > _MOST_CAPACITY:
        raise beyond(f"The web ACL needs {acl.capacity} WCUs of {_MOST_CAPACITY}.")
    item["Capacity"] = acl.capacity


async def _check_group(sheet: Sheet, item: Json) -> None:
    bodies: Json = item.get("CustomResponseBodies") or {}
    needed = await _capacity(item.get("Rules") or (), bodies, await _shelf(sheet))
    if needed > item["Capacity"]:
        raise beyond(f"The rules need {needed} WCUs, the group has {item['Capacity']}.")


async def _check_ips(sheet: Sheet, item: Json) -> None:
    if len(item["Addresses"]) > 10_000:
        raise beyond("An IP set holds 10,000 addresses.")
    for text in item["Addresses"]:
        try:
            made = network(text)
        except BadRule as error:
            raise bad(error) from error
        if f"IPV{made.version}" != item["IPAddressVersion"]:
            raise invalid("IP_ADDRESS", text, f"The set is {item['IPAddressVersion']}")


async def _check_patterns(sheet: Sheet, item: Json) -> None:
    texts = [each["RegexString"] for each in item["RegularExpressionList"]]
    if len(texts) > 10:
        raise beyond("A regex pattern set holds 10 patterns.")
    shelf = Shelf({item["ARN"]: item})
    rule: Json = {
        "Name": "check",
        "Priority": 0,
        "Action": {"Count": {}},
        "Statement": {
            "RegexPatternSetReferenceStatement": {
                "ARN": item["ARN"],
                "FieldToMatch": {"UriPath": {}},
                "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
            }
        },
    }
    await _capacity([rule], {}, shelf)


async def _capacity(rules: Sequence[Json], bodies: Mapping[str, Json], shelf: Shelf) -> int:
    try:
        return await asyncio.to_thread(capacity, rules, "", "awswaf:0:x:x:", bodies, shelf)
    except BadRule as error:
        raise bad(error) from error


_CHECKS = {
    IP_SET: _check_ips,
    REGEX_SET: _check_patterns,
    RULE_GROUP: _check_group,
    WEB_ACL: _check_acl,
}
