"""Budgets as they are kept, and the service's errors."""

from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from torana.services.costs.rows import Where, wanted
from torana.services.given import items
from torana.wire.faults import ServiceError

BUDGET = "budget"
"""Under its name."""

Json = dict[str, Any]


class Notification(Struct, frozen=True):
    """When to tell whom."""

    kind: str
    """`ACTUAL` or `FORECASTED`."""
    operator: str
    threshold: float
    percent: bool
    subscribers: list[str]
    """ARNs of topics."""
    told: str = ""
    """The period for which it was told: the first day."""

    def same(self, other: "Notification") -> bool:
        """Whether they are about the same."""
        return (self.kind, self.operator, self.threshold, self.percent) == (
            other.kind, other.operator, other.threshold, other.percent,
        )  # fmt: skip


class Budget(Struct, frozen=True):
    """Money for a period."""

    name: str
    usd: float
    unit: str
    """`DAILY`, `MONTHLY`, `QUARTERLY` or `ANNUALLY`."""
    updated: float
    expression: Json = {}
    filters: dict[str, list[str]] = {}
    notifications: list[Notification] = []
    tags: dict[str, str] = {}


def invalid(message: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("InvalidParameterException", message)


def not_found(what: str) -> ServiceError:
    """There is none."""
    return ServiceError("NotFoundException", f"Unable to find {what}")


def period(unit: str, today: date) -> tuple[date, date]:
    """The period that a day is in: its first day, and the one after its last."""
    if unit == "DAILY":
        return today, today + timedelta(days=1)
    if unit == "ANNUALLY":
        return today.replace(month=1, day=1), today.replace(year=today.year + 1, month=1, day=1)
    months = 3 if unit == "QUARTERLY" else 1
    first = today.replace(month=(today.month - 1) // months * months + 1, day=1)
    last = first
    for _ in range(months):
        last = (last + timedelta(days=32)).replace(day=1)
    return first, last


def expression_of(filters: dict[str, list[str]]) -> Json:
    """The old form of filters in the new one. Raises the service's error."""
    parts: list[Json] = []
    for name, values in filters.items():
        if name == "TagKeyValue":
            pairs = [value.removeprefix("user:").partition("$") for value in values]
            options = [{"Tags": {"Key": key, "Values": [value]}} for key, _, value in pairs]
            parts.append(options[0] if len(options) == 1 else {"Or": options})
        elif name in _FILTERS:
            parts.append({"Dimensions": {"Key": _FILTERS[name], "Values": values}})
        else:
            raise invalid(f"The cost filter {name} is not supported here")
    if len(parts) < 2:
        return parts[0] if parts else {}
    return {"And": parts}


_FILTERS = {
    "Service": "SERVICE",
    "UsageType": "USAGE_TYPE",
    "Operation": "OPERATION",
    "Region": "REGION",
    "LinkedAccount": "LINKED_ACCOUNT",
}


def budget_of(given: Json, now: float, where: Where) -> Budget:
    """What a client describes. Raises the service's error."""
    for name in ("PlannedBudgetLimits", "AutoAdjustData", "BillingViewArn"):
        if given.get(name):
            raise invalid(f"{name} is not supported here")
    if given["BudgetType"] != "COST" or given["TimeUnit"] == "CUSTOM":
        raise invalid(
            "Only budgets of the type COST, for days, months, quarters or years, are here"
        )
    limit: Json = given.get("BudgetLimit") or {}
    try:
        usd = float(limit["Amount"])
    except (KeyError, ValueError):
        raise invalid("BudgetLimit must have an Amount") from None
    if limit.get("Unit") != "USD" or not 0 < usd < 1e12:
        raise invalid("BudgetLimit must be a positive amount of USD")
    filters: dict[str, list[str]] = given.get("CostFilters") or {}
    expression: Json = given.get("FilterExpression") or {}
    if filters and expression:
        raise invalid("CostFilters and FilterExpression exclude each other")
    try:
        wanted(expression or expression_of(filters), where)
    except ServiceError as error:
        raise invalid(error.message) from None
    name = given["BudgetName"]
    if any(char in name for char in ":\\"):
        raise invalid("BudgetName must not hold : or \\")
    return Budget(name, usd, given["TimeUnit"], now, expression, filters)


def notification_of(given: Json, subscribers: list[Json]) -> Notification:
    """What a client describes. Raises the service's error."""
    return Notification(
        given["NotificationType"],
        given["ComparisonOperator"],
        float(given["Threshold"]),
        given.get("ThresholdType") != "ABSOLUTE_VALUE",
        [subscriber_of(each) for each in subscribers],
    )


def subscriber_of(given: Json) -> str:
    """A topic. Raises the service's error."""
    address = given["Address"]
    if given["SubscriptionType"] != "SNS" or not address.startswith("arn:"):
        raise invalid("Only SNS topics can be subscribers here")
    return address


def shown_notification(each: Notification, first: str) -> Json:
    """As clients see it. `first`: the present period's first day."""
    return {
        "NotificationType": each.kind,
        "ComparisonOperator": each.operator,
        "Threshold": each.threshold,
        "ThresholdType": "PERCENTAGE" if each.percent else "ABSOLUTE_VALUE",
        "NotificationState": "ALARM" if each.told == first else "OK",
    }


def tags_of(params: Json, name: str) -> dict[str, str]:
    """Tags by key."""
    return {each["Key"]: each["Value"] for each in items(params, name)}
