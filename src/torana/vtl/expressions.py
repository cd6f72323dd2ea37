"""Expressions and references of the language, as Python source."""

import re

from torana.vtl.errors import TemplateError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_SPACE = re.compile(r"(?:\s+|##[^\n]*\n?|#\*.*?\*#)*", re.DOTALL)
_WORDS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "&&"}
_WORDS.update({"or": "||", "not": "!"})
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!="),
    ("<=", ">=", "<", ">"),
    ("+", "-"),
    ("*", "/", "%"),
)
_PYTHON = {
    "||": "(truth({a}) or truth({b}))",
    "&&": "(truth({a}) and truth({b}))",
    "==": "equal({a}, {b})",
    "!=": "(not equal({a}, {b}))",
    "<": "less({a}, {b})",
    "<=": "less_equal({a}, {b})",
    ">": "less({b}, {a})",
    ">=": "less_equal({b}, {a})",
    "+": "add({a}, {b})",
    "-": "sub({a}, {b})",
    "*": "mul({a}, {b})",
    "/": "div({a}, {b})",
    "%": "mod({a}, {b})",
}
_DEEPEST = 60


class Cursor:
    """A place in a template."""

    def __init__(self, source: str) -> None:
        self.source, self.at, self._depth = source, 0, 0

    def fail(self, message: str, at: int | None = None) -> TemplateError:
        """An error here, with line and column counted from 1."""
        place = self.at if at is None else at
        before = self.source[:place]
        return TemplateError(message, before.count("\n") + 1, place - (before.rfind("\n") + 1) + 1)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what matches here."""
        found = pattern.match(self.source, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def sees(self, text: str) -> bool:
        """Whether this text is next."""
        return self.source.startswith(text, self.at)

    def take(self, text: str) -> bool:
        """Take this text if it is next."""
        if self.sees(text):
            self.at += len(text)
            return True
        return False

    def need(self, text: str) -> None:
        """Take this text. Raises `TemplateError`."""
        if not self.take(text):
            near = self.source[self.at : self.at + 12].split("\n")[0] or "the end"
            raise self.fail(f"expected {text!r} before {near!r}")

    def space(self) -> None:
        """Skip white space and comments."""
        self.match(_SPACE)


def expression(cursor: Cursor, level: int = 0) -> str:
    """An expression of all operators, lowest precedence first."""
    cursor._depth += 1  # pyright: ignore[reportPrivateUsage]
    if cursor._depth > _DEEPEST * len(_LEVELS):  # pyright: ignore[reportPrivateUsage]
        raise cursor.fail("nested too deeply")
    left = _operand(cursor, level)
    while True:
        cursor.space()
        operator = _operator(cursor, level)
        if operator is None:
            cursor._depth -= 1  # pyright: ignore[reportPrivateUsage]
            return left
        right = _operand(cursor, level)
        left = _PYTHON[operator].format(a=left, b=right)


def _operand(cursor: Cursor, level: int) -> str:
    if level + 1 < len(_LEVELS):
        return expression(cursor, level + 1)
    return _unary(cursor)


def _operator(cursor: Cursor, level: int) -> str | None:
    word = _NAME.match(cursor.source, cursor.at)
    if word is not None:
        symbol = _WORDS.get(word[0])
        if symbol in _LEVELS[level]:
            cursor.at = word.end()
            return symbol
        return None
    return next((symbol for symbol in _LEVELS[level] if cursor.take(symbol)), None)


def _unary(cursor: Cursor) -> str:
    cursor.space()
    word = _NAME.match(cursor.source, cursor.at)
    if cursor.take("!"):
        return f"(not truth({_unary(cursor)}))"
    if word is not None and word[0] == "not":
        cursor.at = word.end()
        return f"(not truth({_unary(cursor)}))"
    return _primary(cursor)


def _primary(cursor: Cursor) -> str:
    start = cursor.source[cursor.at : cursor.at + 1]
    if start == "$":
        found = reference(cursor)
        if found is None:
            raise cursor.fail("expected a reference after '$'")
        return found[0]
    number = cursor.match(_NUMBER)
    if number is not None:
        return (
            f"({number[0]})"
            if "." in number[0] or "e" in number[0].lower()
            else f"({int(number[0])})"
        )
    simple = {"'": _plain_string, '"': _string, "(": _group, "[": _list, "{": _map}
    if start in simple:
        return simple[start](cursor)
    word = cursor.match(_NAME)
    if word is not None and word[0] in ("true", "false", "null"):
        return {"true": "True", "false": "False", "null": "None"}[word[0]]
    raise cursor.fail("expected a value")


def _plain_string(cursor: Cursor) -> str:
    end = cursor.source.find("'", cursor.at + 1)
    if end < 0:
        raise cursor.fail("a string is not closed")
    found = cursor.source[cursor.at + 1 : end]
    cursor.at = end + 1
    return repr(found)


def _string(cursor: Cursor) -> str:
    """Double quotes: references inside are filled in."""
    start = cursor.at
    cursor.at += 1
    pieces: list[str] = []
    literal: list[str] = []
    while True:
        char = cursor.source[cursor.at : cursor.at + 1]
        if not char:
            raise cursor.fail("a string is not closed", start)
        if char == '"':
            cursor.at += 1
            if not cursor.sees('"'):
                break
        if char == "$" and (found := reference(cursor)) is not None:
            pieces.append(repr("".join(literal)))
            literal.clear()
            pieces.append(f"shown({found[0]}, {'' if found[2] else found[1]!r})")
            continue
        literal.append(char)
        cursor.at += 1
    pieces.append(repr("".join(literal)))
    return pieces[0] if len(pieces) == 1 else f"joined(({', '.join(pieces)},))"


def _group(cursor: Cursor) -> str:
    cursor.need("(")
    inner = expression(cursor)
    cursor.space()
    cursor.need(")")
    return f"({inner})"


def _list(cursor: Cursor) -> str:
    cursor.need("[")
    cursor.space()
    if cursor.take("]"):
        return "[]"
    items = [expression(cursor)]
    cursor.space()
    if cursor.take(".."):
        items.append(expression(cursor))
        cursor.space()
        cursor.need("]")
        return f"span({items[0]}, {items[1]})"
    while cursor.take(","):
        items.append(expression(cursor))
        cursor.space()
    cursor.need("]")
    return f"[{', '.join(items)}]"


def _map(cursor: Cursor) -> str:
    cursor.need("{")
    cursor.space()
    entries: list[str] = []
    while not cursor.take("}"):
        key = expression(cursor)
        cursor.space()
        cursor.need(":")
        entries.append(f"{key}: {expression(cursor)}")
        cursor.space()
        if not cursor.take(","):
            cursor.need("}")
            break
        cursor.space()
    return "{" + ", ".join(entries) + "}"


def reference(cursor: Cursor) -> tuple[str, str, bool] | None:
    """At a `$`: Python source, the text as written, and whether it is silent. None (nothing taken)
    when the dollar is only a dollar."""
    start = cursor.at
    cursor.at += 1
    silent = cursor.take("!")
    formal = cursor.take("{")
    name = cursor.match(_NAME)
    if name is None:
        cursor.at = start
        return None
    python = f"V.get({name[0]!r})"
    while True:
        step = _member(cursor, python)
        if step is None:
            break
        python = step
    if formal:
        cursor.need("}")
    return python, cursor.source[start : cursor.at], silent


def _member(cursor: Cursor, python: str) -> str | None:
    if cursor.take("["):
        key = expression(cursor)
        cursor.space()
        cursor.need("]")
        return f"index({python}, {key})"
    if not cursor.sees("."):
        return None
    name = _NAME.match(cursor.source, cursor.at + 1)
    if name is None:
        return None
    cursor.at = name.end()
    if not cursor.take("("):
        return f"prop({python}, {name[0]!r})"
    return f"call({python}, {name[0]!r}, [{', '.join(_arguments(cursor))}])"


def _arguments(cursor: Cursor) -> list[str]:
    cursor.space()
    found: list[str] = []
    if cursor.take(")"):
        return found
    while True:
        found.append(expression(cursor))
        cursor.space()
        if not cursor.take(","):
            cursor.need(")")
            return found
