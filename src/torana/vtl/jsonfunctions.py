"""The functions at the end of a JSONPath. Source: the json-path README."""
# JSON is of any type by nature.
# pyright: basic

import math
from collections.abc import Callable
from typing import Any

from torana.vtl.errors import TemplateFailure


def _numbers(value: Any) -> list[float]:
    items = value if isinstance(value, list) else [value]
    found = [float(item) for item in items if type(item) in (int, float)]
    if not found:
        raise TemplateFailure("a function of numbers found none")
    return found


def _average(value: Any, place: int) -> float:
    found = _numbers(value)
    return sum(found) / len(found)


def _deviation(value: Any, place: int) -> float:
    found = _numbers(value)
    mean = sum(found) / len(found)
    return math.sqrt(sum((number - mean) ** 2 for number in found) / len(found))


def _length(value: Any, place: int) -> int | None:
    return len(value) if isinstance(value, list | dict) else None


def _at(value: Any, place: int) -> Any:
    if not isinstance(value, list) or not -len(value) <= place < len(value):
        raise TemplateFailure("a function found no such item")
    return value[place]


FUNCTIONS: dict[str, Callable[[Any, int], Any]] = {
    "avg": _average,
    "first": lambda value, place: _at(value, 0),
    "index": _at,
    "keys": lambda value, place: list(value) if isinstance(value, dict) else None,
    "last": lambda value, place: _at(value, -1),
    "length": _length,
    "max": lambda value, place: max(_numbers(value)),
    "min": lambda value, place: min(_numbers(value)),
    "size": _length,
    "stddev": _deviation,
    "sum": lambda value, place: math.fsum(_numbers(value)),
}
"""By name: of the value found and the number in the parentheses."""
