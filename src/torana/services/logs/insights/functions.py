"""Functions and operators of queries, on values that are texts, numbers or nothing.

Source: Amazon CloudWatch Logs User Guide, "Functions" of the query syntax.
"""

import ipaddress
import math
from collections.abc import Callable, Sequence

from torana.services.logs.insights.language import malformed

Value = str | float | None
Given = Sequence[Value]
Compute = Callable[[Given], Value]

_UNITS = {
    "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000,
}  # fmt: skip


def number(value: Value) -> float | None:
    """A value as a number, where it is one."""
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            return None
        return found if math.isfinite(found) else None
    return None if value is None else float(value)


def text(value: Value) -> str:
    """A value as text; nothing is empty."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return "" if value is None else str(value)


def period(value: Value) -> int:
    """Milliseconds of `5m`. Raises the service's error."""
    written = text(value)
    for unit in ("ms", *"smhdw"):
        amount = written.removesuffix(unit)
        if amount != written and amount.isdigit() and int(amount):
            return int(amount) * _UNITS[unit]
    raise malformed(f"{written} is not a period such as 5m")


def truth(value: Value) -> bool:
    """Whether a condition holds."""
    return bool(value) and value != "false"


def _same(a: Value, b: Value) -> bool:
    if a is None or b is None:
        return a is b
    x, y = number(a), number(b)
    return x == y if x is not None and y is not None else text(a) == text(b)


def _order(a: Value, b: Value) -> int | None:
    """Below 0: `a` is first. None: one of them is nothing."""
    if a is None or b is None:
        return None
    x, y = number(a), number(b)
    if x is not None and y is not None:
        return (x > y) - (x < y)
    return (text(a) > text(b)) - (text(a) < text(b))


def _substr(given: Given) -> Value:
    first, size = int(number(given[1]) or 0), number(given[2]) if len(given) > 2 else None
    rest = text(given[0])[first:]
    return rest if size is None else rest[: int(size)]


def _subnet(value: Value, network: Value) -> Value:
    try:
        return float(ipaddress.ip_address(text(value)) in ipaddress.ip_network(text(network)))
    except ValueError:
        return 0.0


def _valid(value: Value, version: int) -> Value:
    try:
        return float(ipaddress.ip_address(text(value)).version == version)
    except ValueError:
        return 0.0


_NUMBER: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": lambda a: float(math.ceil(a)),
    "floor": lambda a: float(math.floor(a)),
    "sqrt": math.sqrt,
    "log": math.log,
    "frommillis": lambda a: a,
    "tomillis": lambda a: a,
}
_NUMBERS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": math.fmod,
    "^": math.pow,
}
_ORDERS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
_ONE: dict[str, Callable[[Value], Value]] = {
    "not": lambda a: float(not truth(a)),
    "strlen": lambda a: float(len(text(a))),
    "toupper": lambda a: text(a).upper(),
    "tolower": lambda a: text(a).lower(),
    "ispresent": lambda a: float(a is not None),
    "isempty": lambda a: float(a is None or text(a) == ""),
    "isblank": lambda a: float(a is None or not text(a).strip()),
    "isvalidipv4": lambda a: _valid(a, 4),
    "isvalidipv6": lambda a: _valid(a, 6),
}
_TWO: dict[str, Callable[[Value, Value], Value]] = {
    "=": lambda a, b: float(_same(a, b)),
    "!=": lambda a, b: float(not _same(a, b)),
    "and": lambda a, b: float(truth(a) and truth(b)),
    "or": lambda a, b: float(truth(a) or truth(b)),
    "strcontains": lambda a, b: float(a is not None and text(b) in text(a)),
    "strcmp": lambda a, b: float((text(a) > text(b)) - (text(a) < text(b))),
    "isipv4insubnet": _subnet,
    "isipv6insubnet": _subnet,
}
_MANY: dict[str, tuple[int, int, Compute]] = {
    "in": (1, 999, lambda of: float(any(_same(of[0], each) for each in of[1:]))),
    "greatest": (1, 99, lambda of: _most(of, max)),
    "least": (1, 99, lambda of: _most(of, min)),
    "trim": (1, 2, lambda of: text(of[0]).strip(_characters(of))),
    "ltrim": (1, 2, lambda of: text(of[0]).lstrip(_characters(of))),
    "rtrim": (1, 2, lambda of: text(of[0]).rstrip(_characters(of))),
    "replace": (3, 3, lambda of: text(of[0]).replace(text(of[1]), text(of[2]))),
    "concat": (1, 99, lambda of: "".join(map(text, of))),
    "substr": (2, 3, _substr),
    "coalesce": (1, 99, lambda of: next((each for each in of if each is not None), None)),
}


def _characters(of: Given) -> str | None:
    return text(of[1]) or None if len(of) > 1 else None


def _most(of: Given, pick: Callable[[list[float]], float]) -> Value:
    found = [amount for each in of if (amount := number(each)) is not None]
    return pick(found) if len(found) == len(of) else None


def _of_numbers(compute: Callable[..., float]) -> Compute:
    """Nothing where an argument is no number, or there is no result."""

    def apply(of: Given) -> Value:
        found = [number(each) for each in of]
        if any(each is None for each in found):
            return None
        try:
            result = compute(*found)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None
        return result if math.isfinite(result) else None

    return apply


def _of_order(fits: Callable[[int], bool]) -> Compute:
    def apply(of: Given) -> Value:
        order = _order(*of)
        return float(order is not None and fits(order))

    return apply


def _one(compute: Callable[[Value], Value]) -> Compute:
    return lambda of: compute(of[0])


def _two(compute: Callable[[Value, Value], Value]) -> Compute:
    return lambda of: compute(of[0], of[1])


FUNCTIONS: dict[str, tuple[int, int, Compute]] = {
    **{name: (1, 1, _of_numbers(compute)) for name, compute in _NUMBER.items()},
    **{name: (2, 2, _of_numbers(compute)) for name, compute in _NUMBERS.items()},
    **{name: (2, 2, _of_order(fits)) for name, fits in _ORDERS.items()},
    **{name: (1, 1, _one(compute)) for name, compute in _ONE.items()},
    **{name: (2, 2, _two(compute)) for name, compute in _TWO.items()},
    **_MANY,
}
"""The least and the most arguments, and what is computed."""
