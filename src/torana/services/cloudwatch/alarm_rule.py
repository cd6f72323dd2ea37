"""The rule of a composite alarm: states of other alarms, with AND, OR, NOT and parentheses.

Source: CloudWatch API Reference, PutCompositeAlarm.
"""

import re
from collections.abc import Callable, Mapping

from torana.services.cloudwatch.faults import validation

Holds = Callable[[Mapping[str, str]], bool]
"""Whether a rule holds, by the alarms' states."""

_PART = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*
        (?:"(?P<quoted>[^"]+)"|'(?P<single>[^']+)'|(?P<bare>[^\s()"']+))\s*\)
    |(?P<word>AND\b|OR\b|NOT\b|TRUE\b|FALSE\b|\(|\)))""",
    re.VERBOSE,
)
_MOST = 100
_DEEPEST = 50


def compile_rule(text: str) -> tuple[Holds, list[str]]:
    """The rule, and the names of the alarms it is about. Raises the service's error."""
    reader = _Reader(text)
    holds = reader.any(0)
    reader.end()
    if len(set(reader.names)) > _MOST:
        raise validation(f"AlarmRule must not refer to more than {_MOST} alarms.")
    return holds, list(dict.fromkeys(reader.names))


class _Reader:
    def __init__(self, text: str) -> None:
        self._parts: list[tuple[str, str]] = []
        self._at = 0
        self.names: list[str] = []
        text, place = text.strip(), 0
        while place < len(text):
            found = _PART.match(text, place)
            if found is None:
                raise validation(f"AlarmRule cannot be read at {text[place:][:30]!r}.")
            name = found["quoted"] or found["single"] or found["bare"]
            self._parts.append((found["state"], name) if name else (found["word"], ""))
            place = found.end()

    def _peek(self) -> str:
        return self._parts[self._at][0] if self._at < len(self._parts) else ""

    def end(self) -> None:
        if self._peek():
            raise validation(f"AlarmRule has an unexpected {self._peek()}.")

    def any(self, depth: int) -> Holds:
        options = [self._all(depth)]
        while self._peek() == "OR":
            self._at += 1
            options.append(self._all(depth))
        return lambda states: any(option(states) for option in options)

    def _all(self, depth: int) -> Holds:
        needed = [self._one(depth)]
        while self._peek() == "AND":
            self._at += 1
            needed.append(self._one(depth))
        return lambda states: all(each(states) for each in needed)

    def _one(self, depth: int) -> Holds:
        if depth > _DEEPEST:
            raise validation("AlarmRule is nested too deeply.")
        kind = self._peek()
        name = self._parts[self._at][1] if kind else ""
        self._at += 1
        if kind == "NOT":
            inner = self._one(depth + 1)
            return lambda states: not inner(states)
        if kind == "(":
            inner = self.any(depth + 1)
            if self._peek() != ")":
                raise validation("AlarmRule lacks a closing parenthesis.")
            self._at += 1
            return inner
        if kind in ("TRUE", "FALSE"):
            return lambda states: kind == "TRUE"
        if not name:
            raise validation(f"AlarmRule has an unexpected {kind or 'end'}.")
        own = name.partition(":alarm:")[2] or name
        self.names.append(own)
        return lambda states: states.get(own) == kind
