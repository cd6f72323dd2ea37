"""Comparisons in filter patterns: numbers, and texts with wildcards or regular expressions."""

from collections.abc import Callable
from fnmatch import fnmatchcase

from torana.services.logs.faults import invalid
from torana.services.logs.regex import expression

Test = Callable[[str], bool]

_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def number(text: str) -> float | None:
    """A number from its text."""
    try:
        return float(text)
    except ValueError:
        return None


def compare(sign: str, wanted: str, *, quoted: bool) -> Test:
    """A comparison with a literal. Raises the service's error."""
    if wanted.startswith("%") and wanted.endswith("%") and len(wanted) > 1:
        pattern = expression(wanted[1:-1])
        return lambda value: (pattern.search(value) is not None) == (sign == "=")
    amount = None if quoted else number(wanted)
    if amount is not None:
        test = _NUMBERS[sign]
        return lambda value: (own := number(value)) is not None and test(own, amount)
    if sign not in ("=", "!="):
        raise invalid(f"Invalid filter pattern: {sign} needs a number")
    shape = wanted.replace("[", "[[]").replace("?", "[?]")
    if "*" in wanted:
        return lambda value: fnmatchcase(value, shape) == (sign == "=")
    return lambda value: (value == wanted) == (sign == "=")
