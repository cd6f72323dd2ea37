"""The operators, with Java's arithmetic. `budget` is what the template may still do."""

from collections.abc import Callable
from typing import Any

from torana.vtl.budget import MOST_ITEMS, Budget
from torana.vtl.errors import TemplateLimit
from torana.vtl.values import JavaList, same, text

_NUMBERS = frozenset({int, float})
_BITS = 4096


def _sized(value: Any) -> Any:
    if type(value) is int and value.bit_length() > _BITS:
        raise TemplateLimit("a number grew too large")
    return value


def _numbers(a: Any, b: Any) -> bool:
    return type(a) in _NUMBERS and type(b) in _NUMBERS


def add(budget: Budget, a: Any, b: Any, left: str = "null", right: str = "null") -> Any:
    """Sum, or concatenation where one side is a text; `left` and `right` stand for a null."""
    if _numbers(a, b):
        return _sized(a + b)
    if not isinstance(a, str) and not isinstance(b, str):
        return None
    first = left if a is None else text(a, budget)
    second = right if b is None else text(b, budget)
    budget.makes(len(first) + len(second))
    return budget.made(first + second)


def sub(budget: Budget, a: Any, b: Any) -> Any:
    """Difference."""
    return _sized(a - b) if _numbers(a, b) else None


def mul(budget: Budget, a: Any, b: Any) -> Any:
    """Product."""
    return _sized(a * b) if _numbers(a, b) else None


def div(budget: Budget, a: Any, b: Any) -> Any:
    """Quotient, cut towards zero for whole numbers; null by zero."""
    if not _numbers(a, b) or b == 0:
        return None
    if type(a) is int and type(b) is int:
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return a / b


def mod(budget: Budget, a: Any, b: Any) -> Any:
    """Remainder with the sign of the dividend."""
    if not _numbers(a, b) or b == 0:
        return None
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def equal(budget: Budget, a: Any, b: Any) -> bool:
    """Numbers by value; different types by their text, as Velocity 1.7 does."""
    if a is None or b is None:
        return a is b
    kind = a.__class__
    if kind is b.__class__:
        if kind is str and len(a) < 4096:
            return a == b
        return same(a, b, budget)
    if _numbers(a, b):
        return bool(a == b)
    if isinstance(a, list) and isinstance(b, list):
        return same(a, b, budget)
    return text(a, budget) == text(b, budget)


def unequal(budget: Budget, a: Any, b: Any) -> bool:
    """The opposite of `equal`."""
    return not equal(budget, a, b)


def less(budget: Budget, a: Any, b: Any) -> bool:
    """Numbers only; anything else compares as false."""
    return bool(a < b) if _numbers(a, b) else False


def less_equal(budget: Budget, a: Any, b: Any) -> bool:
    """See `less`."""
    return bool(a <= b) if _numbers(a, b) else False


def more(budget: Budget, a: Any, b: Any) -> bool:
    """See `less`."""
    return bool(a > b) if _numbers(a, b) else False


def more_equal(budget: Budget, a: Any, b: Any) -> bool:
    """See `less`."""
    return bool(a >= b) if _numbers(a, b) else False


def fold(
    budget: Budget, first: Any, steps: tuple[tuple[Callable[[Budget, Any, Any], Any], Any], ...]
) -> Any:
    """A long chain of operators of one level, from the left."""
    for operator, value in steps:
        first = operator(budget, first, value)
    return first


def span(budget: Budget, a: Any, b: Any) -> Any:
    """`[a..b]`, either way, both ends included; null without two whole numbers."""
    if type(a) is not int or type(b) is not int:
        return None
    size = abs(b - a) + 1
    if size > MOST_ITEMS:
        raise TemplateLimit("a range is too long")
    budget.spend(size // 2)
    return JavaList(range(a, b + 1) if a <= b else range(a, b - 1, -1))
