"""The operators, with Java's arithmetic."""

from collections.abc import Iterator, Mapping
from typing import Any

from torana.vtl.errors import TemplateLimit
from torana.vtl.values import MOST_ITEMS, MOST_TEXT, text


def truth(value: Any) -> bool:
    """Velocity 1.7: null and false are false, everything else is true."""
    return value is not None and value is not False


def _numbers(a: Any, b: Any) -> bool:
    return (
        isinstance(a, int | float)
        and isinstance(b, int | float)
        and not isinstance(a, bool)
        and not isinstance(b, bool)
    )


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > 4096:
        raise TemplateLimit("a number grew too large")
    return value


def add(a: Any, b: Any) -> Any:
    """Sum, or concatenation where a text is concerned."""
    if _numbers(a, b):
        return _bounded(a + b)
    if isinstance(a, str) or isinstance(b, str):
        joined = text(a) + text(b)
        if len(joined) > MOST_TEXT:
            raise TemplateLimit("a text grew too long")
        return joined
    return None


def sub(a: Any, b: Any) -> Any:
    """Difference."""
    return _bounded(a - b) if _numbers(a, b) else None


def mul(a: Any, b: Any) -> Any:
    """Product."""
    return _bounded(a * b) if _numbers(a, b) else None


def div(a: Any, b: Any) -> Any:
    """Quotient, cut towards zero for whole numbers; null by zero."""
    if not _numbers(a, b) or b == 0:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return a / b


def mod(a: Any, b: Any) -> Any:
    """Remainder with the sign of the dividend."""
    if not _numbers(a, b) or b == 0:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) % abs(b) * (-1 if a < 0 else 1)
    return a % b


def equal(a: Any, b: Any) -> bool:
    """Numbers by value; different types by their text, as Velocity 1.7 does."""
    if a is None or b is None:
        return a is b
    if type(a) is type(b) or _numbers(a, b):
        return bool(a == b)
    return text(a) == text(b)


def less(a: Any, b: Any) -> bool:
    """Numbers only; anything else compares as false."""
    return bool(a < b) if _numbers(a, b) else False


def less_equal(a: Any, b: Any) -> bool:
    """See `less`."""
    return bool(a <= b) if _numbers(a, b) else False


def span(a: Any, b: Any) -> list[int]:
    """`[a..b]`, either way, both ends included."""
    if not isinstance(a, int) or not isinstance(b, int):
        return []
    if abs(b - a) >= MOST_ITEMS:
        raise TemplateLimit("a range is too long")
    return list(range(a, b + 1)) if a <= b else list(range(a, b - 1, -1))


def each(value: Any) -> list[Any]:
    """What `#foreach` walks: a list's items or a map's values."""
    if isinstance(value, list):
        return list(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    if isinstance(value, Mapping):
        return list(value.values())  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    return []


def loop(items: list[Any], parent: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Items with their `$foreach`."""
    last = len(items) - 1
    for place, item in enumerate(items):
        yield (
            item,
            {
                "count": place + 1,
                "index": place,
                "hasNext": place < last,
                "first": place == 0,
                "last": place == last,
                "parent": parent,
            },
        )
