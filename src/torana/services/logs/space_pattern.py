"""Filter patterns for words: `[ip, user, ..., status = 4*, bytes > 1000]`."""

import re
from collections.abc import Callable

from torana.services.logs.comparing import Test, compare
from torana.services.logs.faults import invalid

_WORD = re.compile(r'\[([^\]]*)\]|"((?:[^"\\]|\\.)*)"|(\S+)')
_CONDITION = re.compile(
    r"\s*(?:[A-Za-z_]\w*\s*)?(!=|<=|>=|=|<|>)\s*(?:\"((?:[^\"\\]|\\.)*)\"|(%[^%]+%|[^\s,&|\]]+))\s*"
)
_FIELD = re.compile(r"\s*([A-Za-z_]\w*)?")

Fit = Callable[[list[str]], list[str] | None]
Names = Callable[[list[str]], list[str]]


def split_words(text: str) -> list[str]:
    """An event's words; those in brackets or quotes are one."""
    return [a or b or c for a, b, c in _WORD.findall(text)]


def compile_space(text: str) -> tuple[Fit, Names]:
    """The words of events that fit (or None), and the names of those words."""
    if not text.endswith("]"):
        raise invalid("Invalid filter pattern: a ']' is missing")
    before: list[tuple[str, Test | None]] = []
    after: list[tuple[str, Test | None]] | None = None
    for field in _commas(text[1:-1]):
        if field.strip() == "...":
            if after is not None:
                raise invalid("Invalid filter pattern: '...' can be there once")
            after = []
        else:
            (before if after is None else after).append(_field(field))

    def fit(words: list[str]) -> list[str] | None:
        tail = after or []
        if len(words) < len(before) + len(tail) or (after is None and len(words) > len(before)):
            return None
        last = words[len(words) - len(tail) :]
        pairs = [*zip(before, words, strict=False), *zip(tail, last, strict=True)]
        return words if all(test is None or test(word) for (_, test), word in pairs) else None

    def names(words: list[str]) -> list[str]:
        tail = after or []
        middle = len(words) - len(before) - len(tail)
        return [*(name for name, _ in before), *[""] * middle, *(name for name, _ in tail)]

    return fit, names


def _commas(text: str) -> list[str]:
    """Fields, parted by the commas outside quotes."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', text)


def _field(text: str) -> tuple[str, Test | None]:
    """Its name, and what its word must be: conditions joined by `&&` or `||`."""
    named = _FIELD.match(text)
    name = (named and named[1]) or ""
    rest = text[named.end() :] if named else text
    if not rest.strip():
        return name, None
    options: list[list[Test]] = []
    for option in rest.split("||"):
        tests: list[Test] = []
        for part in option.split("&&"):
            found = _CONDITION.fullmatch(part)
            if found is None:
                raise invalid(f"Invalid filter pattern at {part.strip()[:30]!r}")
            sign, quoted, bare = found.groups()
            tests.append(
                compare(sign, bare if quoted is None else quoted, quoted=quoted is not None)
            )
        options.append(tests)
    return name, lambda word: any(all(test(word) for test in tests) for tests in options)
