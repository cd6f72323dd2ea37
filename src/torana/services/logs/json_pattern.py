"""Filter patterns for JSON events: `{ $.status = 5* && ($.user.id EXISTS || $.ms > 100) }`."""

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec

from torana.services.logs.comparing import compare
from torana.services.logs.faults import invalid

Holds = Callable[[Any], bool]
Select = Callable[[Any], Any]

MISSING = object()
_DEEPEST = 30
_PART = re.compile(
    r"""\s*(?:(?P<and>&&)|(?P<or>\|\|)|(?P<open>\()|(?P<close>\))
    |(?P<path>\$(?:\.[A-Za-z0-9_@-]+|\.?\[(?:\d+|\*|'[^']*'|"[^"]*")\])+)\s*
      (?:(?P<exists>(?:NOT\s+)?EXISTS)|IS\s+(?P<is>NULL|TRUE|FALSE)
      |(?P<sign>!=|<=|>=|=|<|>)\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>%[^%]+%|[^\s()&|{}]+))))""",
    re.VERBOSE,
)
_STEP = re.compile(r"\.([A-Za-z0-9_@-]+)|\.?\[(?:(\d+)|(\*)|'([^']*)'|\"([^\"]*)\")\]")


def selector(path: str) -> Select:
    """What a `$.path[0].name` selects; `MISSING` where there is nothing."""
    steps: list[str | int] = []
    for name, index, every, single, double in _STEP.findall(path):
        if every:
            raise invalid("Invalid filter pattern: [*] is not supported here")
        steps.append(int(index) if index else name or single or double)

    def select(value: Any) -> Any:
        for step in steps:
            if isinstance(step, int):
                items = cast(list[Any], value) if isinstance(value, list) else []
                value = items[step] if step < len(items) else MISSING
            else:
                fields = cast(dict[str, Any], value) if isinstance(value, dict) else {}
                value = fields.get(step, MISSING)
        return value

    return select


def shown(value: Any) -> str | None:
    """A selected value as text."""
    if value is MISSING or value is None:
        return None
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def compile_json(text: str) -> tuple[Holds, list[str]]:
    """A pattern in braces, and the selectors it names. Raises the service's error."""
    if not text.endswith("}"):
        raise invalid("Invalid filter pattern: a '}' is missing")
    reader = _Reader(text[1:-1].strip())
    holds = reader.any(0)
    reader.end()
    return holds, list(dict.fromkeys(reader.paths))


class _Reader:
    def __init__(self, text: str) -> None:
        self._parts: list[re.Match[str]] = []
        self._at = 0
        self.paths: list[str] = []
        place = 0
        while place < len(text):
            found = _PART.match(text, place)
            if found is None:
                raise invalid(f"Invalid filter pattern at {text[place:][:30]!r}")
            self._parts.append(found)
            place = found.end() + len(text[found.end() :]) - len(text[found.end() :].lstrip())

    def _take(self, kind: str) -> bool:
        if self._at < len(self._parts) and self._parts[self._at][kind]:
            self._at += 1
            return True
        return False

    def end(self) -> None:
        if self._at < len(self._parts):
            raise invalid("Invalid filter pattern: something follows its end")

    def any(self, depth: int) -> Holds:
        options = [self._all(depth)]
        while self._take("or"):
            options.append(self._all(depth))
        return lambda body: any(option(body) for option in options)

    def _all(self, depth: int) -> Holds:
        needed = [self._one(depth)]
        while self._take("and"):
            needed.append(self._one(depth))
        return lambda body: all(each(body) for each in needed)

    def _one(self, depth: int) -> Holds:
        if depth > _DEEPEST:
            raise invalid("Invalid filter pattern: nested too deeply")
        if self._take("open"):
            inner = self.any(depth + 1)
            if not self._take("close"):
                raise invalid("Invalid filter pattern: a ')' is missing")
            return inner
        if self._at >= len(self._parts) or not self._parts[self._at]["path"]:
            raise invalid("Invalid filter pattern: a selector is missing")
        part = self._parts[self._at]
        self._at += 1
        self.paths.append(part["path"])
        return _condition(part)


_IS = {"NULL": None, "TRUE": True, "FALSE": False}


def _condition(part: re.Match[str]) -> Holds:
    select = selector(part["path"])
    if part["exists"]:
        wanted = not part["exists"].startswith("NOT")
        return lambda body: (select(body) is not MISSING) == wanted
    if part["is"]:
        expected = _IS[part["is"]]
        return lambda body: select(body) is expected
    quoted = part["quoted"] is not None
    literal = re.sub(r"\\(.)", r"\1", part["quoted"]) if quoted else part["bare"]
    test = compare(part["sign"], literal, quoted=quoted)

    def holds(body: Any) -> bool:
        value = shown(select(body))
        return value is not None and test(value)

    return holds
