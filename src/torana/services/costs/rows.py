"""What was used on a day and what it cost, as rows to be filtered and grouped. Pure.

Source: AWS Cost Explorer API Reference, `Expression` and `GroupDefinition`.
"""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from torana.services.given import items
from torana.wire.faults import ServiceError

Json = dict[str, Any]


class Row(Struct, frozen=True):
    """One kind of use, by everything that it can be told apart by."""

    service: str
    usage_type: str
    quantity: float
    unit: str
    usd: float
    tags: dict[str, str] = {}
    """`api`, `function`, `key`, `team`, `model`, `provider`, `target`, `operation`."""


Wanted = Callable[[Row], bool]
DIMENSIONS = ("SERVICE", "USAGE_TYPE", "OPERATION", "REGION", "LINKED_ACCOUNT", "RECORD_TYPE")
TAGS = (
    "api",
    "function",
    "key",
    "model",
    "operation",
    "organization",
    "provider",
    "target",
    "team",
    "user",
)


class Where(Struct, frozen=True):
    """What all rows of a gateway have in common."""

    region: str
    account: str

    def value(self, row: Row, dimension: str) -> str:
        """A row's value of a dimension. Raises `KeyError` for one that there is not."""
        return {
            "SERVICE": row.service,
            "USAGE_TYPE": row.usage_type,
            "OPERATION": row.tags.get("operation", row.usage_type),
            "REGION": self.region,
            "LINKED_ACCOUNT": self.account,
            "RECORD_TYPE": "Usage",
        }[dimension]


def invalid(message: str) -> ServiceError:
    """A request that cannot be answered."""
    return ServiceError("ValidationException", message, status=400)


def wanted(expression: Json, where: Where) -> Wanted:
    """A filter. Raises the service's error."""
    if not expression:
        return lambda row: True
    if len([name for name, value in expression.items() if value]) != 1:
        raise invalid("Expression must have exactly one of its members.")
    if expression.get("And"):
        parts = [wanted(each, where) for each in items(expression, "And")]
        return lambda row: all(part(row) for part in parts)
    if expression.get("Or"):
        parts = [wanted(each, where) for each in items(expression, "Or")]
        return lambda row: any(part(row) for part in parts)
    if expression.get("Not"):
        inner = wanted(expression["Not"], where)
        return lambda row: not inner(row)
    for kind, by in (("Dimensions", _dimension(where)), ("Tags", _tag)):
        given = expression.get(kind)
        if given:
            get, fits = by(given.get("Key") or ""), _match(given)
            return lambda row: fits(get(row))
    raise invalid("Only Dimensions, Tags, And, Or and Not are supported here.")


def _dimension(where: Where) -> Callable[[str], Callable[[Row], str]]:
    def by(key: str) -> Callable[[Row], str]:
        if key not in DIMENSIONS:
            raise invalid(
                f"The dimension {key} is not supported here: {', '.join(DIMENSIONS)} are."
            )
        return lambda row: where.value(row, key)

    return by


def _tag(key: str) -> Callable[[Row], str]:
    if key not in TAGS:
        raise invalid(f"There is no tag {key} here: {', '.join(TAGS)} are.")
    return lambda row: row.tags.get(key, "")


def _match(given: Json) -> Callable[[str], bool]:
    values: list[str] = items(given, "Values")
    options = [each for each in items(given, "MatchOptions") if each != "CASE_SENSITIVE"] or [
        "EQUALS"
    ]
    if options == ["ABSENT"]:
        return lambda value: not value
    tests: dict[str, Callable[[str], bool]] = {
        "EQUALS": lambda value: value in values,
        "STARTS_WITH": lambda value: any(value.startswith(each) for each in values),
        "ENDS_WITH": lambda value: any(value.endswith(each) for each in values),
        "CONTAINS": lambda value: any(each in value for each in values),
        "CASE_INSENSITIVE": lambda value: value.lower() in [each.lower() for each in values],
    }
    if len(options) != 1 or options[0] not in tests:
        raise invalid(f"MatchOptions {options} are not supported here.")
    return tests[options[0]]


def keys(groups: list[Json], where: Where) -> Callable[[Row], tuple[str, ...]]:
    """By what rows are grouped. Raises the service's error."""
    gets: list[Callable[[Row], str]] = []
    for group in groups:
        kind, key = group.get("Type"), group.get("Key") or ""
        if kind == "DIMENSION":
            gets.append(_dimension(where)(key))
        elif kind == "TAG":
            tag = _tag(key)
            gets.append(lambda row, tag=tag, key=key: f"{key}${tag(row)}")
        else:
            raise invalid(f"GroupBy {kind} is not supported here.")
    return lambda row: tuple(get(row) for get in gets)


class Sum(Struct):
    """Rows of a group together."""

    usd: float = 0.0
    quantity: float = 0.0
    units: set[str] = set()

    def add(self, row: Row) -> None:
        """One more."""
        self.usd += row.usd
        self.quantity += row.quantity
        self.units = {*self.units, row.unit}

    def metric(self, name: str) -> Json:
        """As an answer has it."""
        if name in ("UsageQuantity", "NormalizedUsageAmount"):
            unit = next(iter(self.units)) if len(self.units) == 1 else "N/A"
            return {"Amount": amount(self.quantity), "Unit": unit}
        return {"Amount": amount(self.usd), "Unit": "USD"}


def amount(value: float) -> str:
    """Money, with ten digits behind the point at most."""
    return f"{value:.10f}".rstrip("0").rstrip(".") or "0"


def summed(
    rows: Iterable[Row], key: Callable[[Row], tuple[str, ...]]
) -> dict[tuple[str, ...], Sum]:
    """By group."""
    found: dict[tuple[str, ...], Sum] = {}
    for row in rows:
        found.setdefault(key(row), Sum()).add(row)
    return dict(sorted(found.items()))


def day(text: str) -> date:
    """`2026-03-01`. Raises the service's error."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise invalid(f"{text[:40]} is not a date such as 2026-03-01.") from None


def days(start: date, end: date) -> list[date]:
    """From `start` until before `end`."""
    return [start + timedelta(days=number) for number in range((end - start).days)]


def spans(start: date, end: date, *, monthly: bool) -> list[tuple[date, date]]:
    """Days or months from `start` until before `end`."""
    if not monthly:
        return [(each, each + timedelta(days=1)) for each in days(start, end)]
    found: list[tuple[date, date]] = []
    while start < end:
        following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        found.append((start, min(following, end)))
        start = following
    return found
