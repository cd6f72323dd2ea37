"""Routing rules: which API a request of a domain name goes to, by its headers and base paths.

Source: Developer Guide, "Routing rules to connect API stages to a custom domain name".
"""

from torana.services.apigateway.faults import bad, conflict, not_found
from torana.services.apigatewayv2.book import RULE, Book, Json, Sheet, new_id, page
from torana.services.apigatewayv2.domains import check_stage, the_domain
from torana.services.ports import Call

_MOST_HEADERS = 2
_MOST_CONDITIONS = 3


def _check(rule: Json) -> None:
    """Raises the service's error for a rule that cannot be."""
    if not 1 <= rule["Priority"] <= 1_000_000:
        raise bad("Priority must be between 1 and 1000000")
    if len(rule["Actions"]) != 1:
        raise bad("A routing rule needs exactly one action")
    conditions = rule["Conditions"]
    paths = [each for each in conditions if each.get("MatchBasePaths")]
    if len(conditions) > _MOST_CONDITIONS or len(paths) > 1:
        raise bad("A routing rule can have up to two MatchHeaders and one MatchBasePaths condition")
    for each in conditions:
        matches = [kind for kind in ("MatchHeaders", "MatchBasePaths") if each.get(kind)]
        if len(matches) != 1 or len(each[matches[0]]["AnyOf"]) != 1:
            raise bad("A condition needs one of MatchHeaders and MatchBasePaths, with one value")
        for header in each.get("MatchHeaders", {}).get("AnyOf", ()):
            if not header["Header"] or not header["ValueGlob"]:
                raise bad("A MatchHeaders condition needs a header and a value")
    if len(conditions) - len(paths) > _MOST_HEADERS:
        raise bad("A routing rule can have up to two MatchHeaders conditions")


class RoutingRules:
    """Operations on routing rules."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def _put(self, sheet: Sheet, call: Call, params: Json, id: str) -> Json:
        domain = (await the_domain(sheet, params["DomainName"]))["domainName"]
        made: Json = {
            "RoutingRuleId": id,
            "RoutingRuleArn": f"arn:aws:apigateway:{call.region}:{call.principal.account}:"
            f"/domainnames/{domain}/routingrules/{id}",
            "Priority": params["Priority"],
            "Actions": params["Actions"],
            "Conditions": params["Conditions"],
        }
        _check(made)
        action = made["Actions"][0]["InvokeApi"]
        await check_stage(sheet, action["ApiId"], action["Stage"])
        async for other, rule in sheet.scan(RULE, f"{domain}/"):
            if rule["Priority"] == made["Priority"] and other != f"{domain}/{id}":
                raise conflict(f"A routing rule with priority {made['Priority']} already exists")
        sheet.put(RULE, f"{domain}/{id}", made)
        return made

    async def CreateRoutingRule(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await self._put(sheet, call, params, new_id(10))

        return await self._book.edit(call, work)

    async def PutRoutingRule(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _rule(sheet, params)
            return await self._put(sheet, call, params, found["RoutingRuleId"])

        return await self._book.edit(call, work)

    async def GetRoutingRule(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await _rule(sheet, params)

        return await self._book.read(work)

    async def ListRoutingRules(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            domain = (await the_domain(sheet, params["DomainName"]))["domainName"]
            rules = [each async for _, each in sheet.scan(RULE, f"{domain}/")]
            answer = page(sorted(rules, key=lambda each: each["Priority"]), params)
            answer["RoutingRules"] = answer.pop("Items")
            return answer

        return await self._book.read(work)

    async def DeleteRoutingRule(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _rule(sheet, params)
            domain = params["DomainName"].lower()
            sheet.delete(RULE, f"{domain}/{found['RoutingRuleId']}")
            return {}

        return await self._book.edit(call, work)


async def _rule(sheet: Sheet, params: Json) -> Json:
    domain = (await the_domain(sheet, params["DomainName"]))["domainName"]
    found = await sheet.get(RULE, f"{domain}/{params['RoutingRuleId']}")
    if found is None:
        raise not_found("The routing rule specified in the request was not found.")
    return found
