"""How web ACLs and what they refer to are kept, and the service's errors.

Source: WAFV2 API Reference, "Common errors" of its operations.
"""

from collections.abc import AsyncIterator
from typing import Any

from torana.services.apigateway.book import Sheet
from torana.waf.faults import BadRule
from torana.wire.faults import ServiceError

Json = dict[str, Any]

WEB_ACL = "webacl"
RULE_GROUP = "rulegroup"
IP_SET = "ipset"
REGEX_SET = "regexpatternset"
KINDS = ("waf-ipset", "waf-regexpatternset", "waf-rulegroup", "waf-webacl")
"""In the store: `waf-` before the name that ARNs have. Under the item's name."""


def kind_of(arn: str) -> str:
    """The store's kind of an ARN; empty for another service's."""
    parts = arn.split(":", 5)
    kind = "waf-" + parts[5].split("/")[1] if len(parts) == 6 and "/" in parts[5] else ""
    return kind if kind in KINDS and parts[2] == "wafv2" else ""


async def by_arn(sheet: Sheet, arn: str, only: str = "") -> Json:
    """An item, of one kind only if that is said. Raises the service's error."""
    kind = kind_of(arn)
    if only and kind != only:
        raise nonexistent()
    name = arn.split("/")[-2] if kind else ""
    found = await sheet.get(kind, name) if kind else None
    if found is None or found["ARN"] != arn:
        raise nonexistent()
    return found


async def everything(sheet: Sheet) -> AsyncIterator[Json]:
    """Every item of every kind."""
    for kind in KINDS:
        async for _, item in sheet.scan(kind):
            yield item


def nonexistent() -> ServiceError:
    """There is no such item."""
    return ServiceError(
        "WAFNonexistentItemException",
        "AWS WAF couldn’t perform the operation because your resource doesn’t exist.",
    )


def duplicate() -> ServiceError:
    """There is one of that name."""
    return ServiceError(
        "WAFDuplicateItemException",
        "AWS WAF couldn’t perform the operation because some resource in your request is a "
        "duplicate of an existing one.",
    )


def outdated() -> ServiceError:
    """Somebody else changed it first."""
    return ServiceError(
        "WAFOptimisticLockException",
        "AWS WAF couldn’t save your changes because someone changed the resource after you "
        "started to edit it. Reapply your changes.",
    )


def associated() -> ServiceError:
    """It is in use."""
    return ServiceError(
        "WAFAssociatedItemException",
        "AWS WAF couldn’t perform the operation because your resource is being used by another "
        "resource or it’s associated with another resource.",
    )


def beyond(what: str) -> ServiceError:
    """More than there may be."""
    return ServiceError(
        "WAFLimitsExceededException",
        f"AWS WAF couldn’t perform the operation because you exceeded your resource limit. {what}",
    )


def invalid(field: str, parameter: str, reason: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError(
        "WAFInvalidParameterException",
        f"Error reason: {reason}, field: {field}, parameter: {parameter}",
        fields={"Field": field, "Parameter": parameter, "Reason": reason},
    )


def bad(error: BadRule) -> ServiceError:
    """A rule that cannot be evaluated."""
    if error.reason == "The referenced item does not exist.":
        return nonexistent()
    return invalid(error.field, error.parameter, error.reason)


def regional(params: Json) -> None:
    """Raises the service's error for distributions, which are not here."""
    if params["Scope"] != "REGIONAL":
        raise invalid("SCOPE_VALUE", params["Scope"], "Only REGIONAL resources are served here")


def page(items: list[Json], params: Json, members: str) -> Json:
    """A page of a list by name."""
    items = sorted(items, key=lambda item: item["Name"])
    after = params.get("NextMarker")
    rest = [item for item in items if not after or item["Name"] > after]
    limit = params.get("Limit") or 100
    answer: Json = {members: rest[:limit]}
    if len(rest) > limit:
        answer["NextMarker"] = rest[limit - 1]["Name"]
    return answer
