"""Java's `String.format`, the conversions that have a meaning for JSON's values."""
# pyright: basic

import re
from typing import Any

from torana.vtl.budget import Budget
from torana.vtl.errors import TemplateFailure
from torana.vtl.values import text

_DIRECTIVE = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d{1,3})?(?:\.(\d{1,3}))?([a-zA-Z%])")

_LONGEST = 10_000


def java_format(budget: Budget, own: str, pattern: str, *args: Any) -> str:
    """`$s.format(pattern, args)`. Raises `TemplateFailure`."""
    values = args[0] if len(args) == 1 and isinstance(args[0], list) else args
    ordinary = iter(range(len(values)))
    if len(pattern) > _LONGEST:
        raise TemplateFailure(f"format: a pattern may have {_LONGEST} characters")
    budget.spend(1 + len(pattern))

    def one(found: re.Match[str]) -> str:
        place, flags, width, precision, kind = found.groups()
        if kind in "%n":
            return "%" if kind == "%" else "\n"
        which = int(place) - 1 if place else next(ordinary, -1)
        if not 0 <= which < len(values):
            raise TemplateFailure(f"format: nothing for {found[0]!r}")
        shown = _converted(budget, values[which], flags, precision, kind)
        size = int(width or 0)
        if "-" in flags:
            return shown.ljust(size)
        if "0" in flags:
            sign = shown[:1] if shown[:1] in ("-", "+") else ""
            return sign + shown[len(sign) :].rjust(size - len(sign), "0")
        return shown.rjust(size)

    made = _DIRECTIVE.sub(one, pattern)
    budget.makes(len(made))
    return made


def _converted(budget: Budget, value: Any, flags: str, precision: str | None, kind: str) -> str:
    if kind in "sS":
        shown = text(value, budget)
        shown = shown if precision is None else shown[: int(precision)]
        return shown.upper() if kind == "S" else shown
    if kind == "b":
        return "false" if value is None or value is False else "true"
    whole, real = type(value) is int, type(value) is float
    sign = ("+" if "+" in flags else "") + ("," if "," in flags else "")
    if whole and kind in "dxXoc":
        return chr(value) if kind == "c" else format(value, f"{sign}{kind}")
    if real and kind in "feE":
        return format(value, f"{sign}.{precision or 6}{kind}")
    raise TemplateFailure(f"format: %{kind} does not fit the value")
