"""Filter patterns: which events they match, and the values they find in them.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription
filters, filter log events, and Live Tail".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from torana.services.logs.faults import invalid
from torana.services.logs.json_pattern import Select, compile_json, selector, shown
from torana.services.logs.regex import expression
from torana.services.logs.space_pattern import compile_space, split_words

_LONGEST = 1024


class Found(Struct):
    """An event that a pattern matches. `values`: what the pattern itself names."""

    text: str
    values: Mapping[str, str] = {}

    def pick(self, name: str) -> str | None:
        """The value of `$.path` or `$field`; a literal is itself."""
        if name in self.values:
            return self.values[name]
        if name.startswith("$."):
            return shown(selector(name)(_json(self.text)))
        return None if name.startswith("$") else name


Pattern = Callable[[str], Found | None]


def compile_pattern(text: str) -> Pattern:
    """A pattern. Raises the service's error."""
    text = text.strip()
    if len(text) > _LONGEST:
        raise invalid(f"Invalid filter pattern: longer than {_LONGEST} characters")
    if text.startswith("{"):
        return _of_json(text)
    if text.startswith("["):
        return _of_words(text)
    return _of_terms(text)


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _of_json(text: str) -> Pattern:
    holds, names = compile_json(text)
    selects: dict[str, Select] = {name: selector(name) for name in names}

    def match(event: str) -> Found | None:
        if not event.lstrip().startswith(("{", "[")):
            return None
        body = _json(event)
        if body is None or not holds(body):
            return None
        values = {name: value for name, select in selects.items()
                  if (value := shown(select(body))) is not None}  # fmt: skip
        return Found(event, values)

    return match


def _of_words(text: str) -> Pattern:
    fit, names = compile_space(text)

    def match(event: str) -> Found | None:
        fields = fit(split_words(event))
        if fields is None:
            return None
        return Found(event, {f"${n}": v for n, v in zip(names(fields), fields, strict=True) if n})

    return match


_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|([^\s"%]+))')


def _of_terms(text: str) -> Pattern:
    """All of them; of those with a question mark, any, where there are no others."""
    needed: list[Callable[[str], bool]] = []
    optional: list[Callable[[str], bool]] = []
    excluded: list[Callable[[str], bool]] = []
    place = 0
    while place < len(text):
        found = _TERM.match(text, place)
        if found is None:
            raise invalid("Invalid filter pattern")
        place = found.end()
        mark, quoted, pattern, bare = found.groups()
        test = _test(pattern, quoted if quoted is not None else bare)
        {"": needed, "?": optional, "-": excluded}[mark].append(test)

    def match(event: str) -> Found | None:
        if any(test(event) for test in excluded):
            return None
        if needed:
            fits = all(test(event) for test in needed)
        else:
            fits = not optional or any(test(event) for test in optional)
        return Found(event) if fits else None

    return match


def _test(pattern: str | None, term: str | None) -> Callable[[str], bool]:
    if pattern is not None:
        compiled = expression(pattern)
        return lambda event: compiled.search(event) is not None
    wanted = re.sub(r"\\(.)", r"\1", term or "")
    return lambda event: wanted in event
