"""Expressions and references of the language, as Python source.

Source: the Velocity 1.7 grammar. The Python written here uses the names of `runtime.SCOPE`, and
`g` (looks a variable up) and `B` (the run of the template).
"""

import ast
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torana.vtl.cursor import Cursor
from torana.vtl.inputs import site

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORD = re.compile(r"[A-Za-z]+\b")
_MEMBER = re.compile(r"\.([A-Za-z][A-Za-z0-9_-]*)")
_NUMBER = re.compile(r"-?(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
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
_FUNCTIONS = {
    "==": "equal",
    "!=": "unequal",
    "<": "less",
    "<=": "less_equal",
    ">": "more",
    ">=": "more_equal",
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "%": "mod",
}
PYTHON_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_GET = re.compile(rf"'get', ([A-Za-z]\w*|{PYTHON_TEXT.pattern})")
_OF_INPUT = re.compile(rf"'(json|path)', ({PYTHON_TEXT.pattern})")
_SIZED = {"'length'": "str", "'size'": "list"}
_LONGEST_CHAIN = 12
"""Members of a reference that nest as Python calls; longer ones are walked."""
OWN = frozenset({"input", "context", "stageVariables", "util"})
"""The service's variables: what they do not have prints as nothing."""

Block = Callable[[str, int], str]
"""Compiles a text in double quotes: from its source and place to the Python of its value."""
Look = Callable[[str], str]
"""The Python that reads a variable."""
Shortcut = Callable[[str], "tuple[str, bool] | None"]
"""The Python of a member of `$foreach` where no object is needed for it, and whether it is bool."""


class Value(NamedTuple):
    """An expression's Python source, and whether it is surely a bool."""

    python: str
    is_bool: bool = False
    shown: str = "null"
    """What it is in a text where it is null."""
    reads: bool = False
    """Whether it is a reference."""

    @property
    def truth(self) -> str:
        """The source of its truth. Velocity 1.7 has only references and comparisons be true: a
        literal or a sum is false."""
        if self.is_bool:
            return self.python
        return f"((t := {self.python}) is not None and t is not False)" if self.reads else "False"


class Reference(NamedTuple):
    """A reference: its Python source, the text as written, and what it is made of."""

    python: str
    source: str
    silent: bool
    root: str
    steps: tuple[tuple[str, str], ...]
    """What follows the root: (`prop` or `index`, key's source) or (`call`, its arguments')."""
    is_bool: bool = False

    @property
    def unknown(self) -> str:
        """What it prints where it is null."""
        return "" if self.silent or self.root in OWN else self.source


class Reader:
    """Reads expressions at a cursor."""

    __slots__ = ("arguments", "block", "constant", "cursor", "look", "shortcut")

    def __init__(
        self,
        cursor: Cursor,
        block: Block,
        look: Look,
        shortcut: Shortcut,
        constant: Callable[[str], str],
    ) -> None:
        """`constant`: names the value of an expression that is made once."""
        self.cursor, self.block, self.look, self.shortcut = cursor, block, look, shortcut
        self.constant = constant
        self.arguments: frozenset[str] = frozenset()
        """The parameters of the macro being read."""

    def expression(self) -> Value:
        """An expression of all operators."""
        self.cursor.deeper()
        found = self._level(0)
        self.cursor.depth -= 1
        return found

    def _level(self, level: int) -> Value:
        if level == len(_LEVELS):
            return self._unary()
        first = self._level(level + 1)
        rest: list[tuple[str, Value]] = []
        while (operator := self._operator(level)) is not None:
            rest.append((operator, self._level(level + 1)))
        return _joined(first, rest) if rest else first

    def _operator(self, level: int) -> str | None:
        cursor = self.cursor
        cursor.space()
        word = _WORD.match(cursor.source, cursor.at)
        if word is None:
            return next((symbol for symbol in _LEVELS[level] if cursor.take(symbol)), None)
        symbol = _WORDS.get(word[0])
        if symbol not in _LEVELS[level]:
            return None
        cursor.at = word.end()
        return symbol

    def _unary(self) -> Value:
        cursor, negations = self.cursor, 0
        while True:
            cursor.space()
            word = _WORD.match(cursor.source, cursor.at)
            if word is not None and word[0] == "not":
                cursor.at = word.end()
            elif not cursor.take("!"):
                break
            negations += 1
        value = self.primary()
        if not negations:
            return value
        return Value(f"({'not ' if negations % 2 else ''}{value.truth})", True)

    def primary(self) -> Value:
        """A literal, a reference or a group."""
        cursor = self.cursor
        start = cursor.source[cursor.at : cursor.at + 1]
        if start == "$":
            found = self.needed()
            return Value(found.python, found.is_bool, found.unknown, True)
        number = cursor.match(_NUMBER)
        if number is not None:
            return Value(_number(number[0]))
        reads = _LITERALS.get(start)
        if reads is not None:
            return reads(self)
        word = cursor.match(_WORD)
        if word is not None and word[0] in ("true", "false"):
            return Value(word[0].capitalize(), True)
        if word is not None and word[0] == "null":
            return Value("None")
        raise cursor.fail("expected a value")

    def needed(self) -> Reference:
        """A reference. Raises `TemplateError` where there is none."""
        found = self.reference()
        if found is None:
            raise self.cursor.fail("expected a reference")
        return found

    def plain_string(self) -> Value:
        """Single quotes: as it stands."""
        return Value(repr(self.quoted("'")))

    def quoted(self, quote: str) -> str:
        """The text between quotes; a doubled quote is one."""
        cursor = self.cursor
        start = cursor.at
        end = start + 1
        while True:
            end = cursor.source.find(quote, end)
            if end < 0:
                raise cursor.fail("a string is not closed", start)
            if not cursor.source.startswith(quote, end + 1):
                break
            end += 2
        cursor.at = end + 1
        return cursor.source[start + 1 : end].replace(quote * 2, quote)

    def string(self) -> Value:
        """Double quotes: a small template of its own."""
        start = self.cursor.at
        text = self.quoted('"')
        if "$" not in text and "#" not in text:
            return Value(repr(text))
        return Value(self.block(text, start + 1))

    def group(self) -> Value:
        """Parentheses."""
        cursor = self.cursor
        cursor.need("(")
        inner = self.expression()
        cursor.space()
        cursor.need(")")
        return inner._replace(python=f"({inner.python})")

    def list_literal(self) -> Value:
        """`[a, b]` and `[a..b]`."""
        cursor = self.cursor
        cursor.need("[")
        cursor.space()
        if cursor.take("]"):
            return Value("JavaList()")
        items = [self.expression().python]
        cursor.space()
        if cursor.take(".."):
            items.append(self.expression().python)
            cursor.space()
            cursor.need("]")
            return Value(f"span(B, {items[0]}, {items[1]})")
        while cursor.take(","):
            items.append(self.expression().python)
            cursor.space()
        cursor.need("]")
        return Value(f"JavaList(({', '.join(items)},))")

    def map_literal(self) -> Value:
        """`{key: value}`."""
        cursor = self.cursor
        cursor.need("{")
        cursor.space()
        entries: list[str] = []
        while not cursor.take("}"):
            key = self.expression().python
            cursor.space()
            cursor.need(":")
            entries.append(f"map_key({key}): {self.expression().python}")
            cursor.space()
            if not cursor.take(","):
                cursor.need("}")
                break
            cursor.space()
        return Value("{" + ", ".join(entries) + "}")

    def reference(self) -> Reference | None:
        """At a `$`. None (nothing taken) when the dollar is only a dollar."""
        cursor = self.cursor
        start = cursor.at
        cursor.at += 1
        silent = cursor.take("!")
        formal = cursor.take("{")
        name = cursor.match(NAME)
        if name is None:
            cursor.at = start
            return None
        cursor.deeper()
        steps: list[tuple[str, str]] = []
        while (step := self._step()) is not None:
            steps.append(step)
        cursor.depth -= 1
        if formal:
            cursor.need("}")
        source = cursor.source[start : cursor.at]
        short = self.shortcut(steps[0][1]) if name[0] == "foreach" and len(steps) == 1 else None
        if short is not None and steps[0][0] == "prop":
            return Reference(short[0], source, silent, name[0], tuple(steps), short[1])
        python = self._whole(name[0], steps)
        return Reference(python, source, silent, name[0], tuple(steps))

    def _whole(self, root: str, steps: list[tuple[str, str]]) -> str:
        """A reference's Python; a constant path into the body is compiled here."""
        python = self.look(root)
        asked = _asked(root, steps)
        if asked is not None:
            called = self.constant(f"site({asked[0]!r}, {asked[1]})")
            return _walk(f"{called}(B, {python})", steps[1:])
        return _walk(python, steps)

    def printed(self, found: Reference) -> str | None:
        """The Python of what is JSON of a constant path, as a text to be printed."""
        method, expression = _asked(found.root, found.steps) or ("", "")
        if method != "json" or len(found.steps) > 1:
            return None
        called = self.constant(f"site('printed', {expression})")
        return f"{called}(B, {self.look(found.root)})"

    def _step(self) -> tuple[str, str] | None:
        cursor = self.cursor
        if cursor.take("["):
            key = self.expression().python
            cursor.space()
            cursor.need("]")
            return "index", key
        name = cursor.match(_MEMBER)
        if name is None:
            return None
        if not cursor.take("("):
            return "prop", repr(name[1])
        return "call", ", ".join([repr(name[1]), *self._call_arguments()])

    def _call_arguments(self) -> list[str]:
        cursor = self.cursor
        cursor.space()
        found: list[str] = []
        if cursor.take(")"):
            return found
        while True:
            found.append(self.expression().python)
            cursor.space()
            if not cursor.take(","):
                cursor.need(")")
                return found


def _asked(root: str, steps: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """The method and the source of the path, of a reference that begins with a constant path."""
    asked = _OF_INPUT.fullmatch(steps[0][1]) if root == "input" and steps else None
    if asked is None or site(asked[1], ast.literal_eval(asked[2])) is None:
        return None
    return asked[1], asked[2]


_LITERALS: dict[str, Callable[[Reader], Value]] = {
    "'": Reader.plain_string,
    '"': Reader.string,
    "(": Reader.group,
    "[": Reader.list_literal,
    "{": Reader.map_literal,
}


def _number(text: str) -> str:
    if text.lstrip("-").isdigit():
        return f"({int(text)})"
    return f"({float(text)!r})" if float(text) not in (float("inf"), float("-inf")) else "None"


def _joined(first: Value, rest: list[tuple[str, Value]]) -> Value:
    """Operands of one level: as nested calls while there are few, else folded, so that the Python
    does not nest with the length of the chain."""
    symbol = rest[0][0]
    if symbol in ("&&", "||"):
        word = " and " if symbol == "&&" else " or "
        return Value(
            "(" + word.join([first.truth, *(value.truth for _, value in rest)]) + ")", True
        )
    compares = symbol in ("==", "!=", "<", "<=", ">", ">=")
    if len(rest) > 4:
        steps = ", ".join(f"({_FUNCTIONS[sign]}, {value.python})" for sign, value in rest)
        return Value(f"fold(B, {first.python}, ({steps},))", compares)
    python = first.python
    shown = first.shown
    for sign, value in rest:
        nulls = f", {shown!r}, {value.shown!r}" if sign == "+" else ""
        plain = f"{_FUNCTIONS[sign]}(B, {python}, {value.python}{nulls})"
        if sign in ("==", "!=") and PYTHON_TEXT.fullmatch(value.python):
            function = f"{_FUNCTIONS[sign]}(B, t, {value.python})"
            same = f"t {sign} {value.python}"
            plain = f"({same} if (t := {python}).__class__ is str else {function})"
        python, shown = plain, "null"
    return Value(python, compares)


def _walk(python: str, steps: list[tuple[str, str]]) -> str:
    if len(steps) > _LONGEST_CHAIN:
        parts = ", ".join(f"({kind}, {_packed(kind, key)})" for kind, key in steps)
        return f"follow(B, {python}, ({parts},))"
    for kind, key in steps:
        python = stepped(python, kind, key)
    return python


def _packed(kind: str, key: str) -> str:
    return f"lambda: ({key},)" if kind == "call" else f"lambda: {key}"


def _called(python: str, key: str) -> str:
    """A method's call; for what most calls ask of JSON's types, Python's own."""
    plain = f"call(B, {python}, {key})"
    kind = _SIZED.get(key)
    if kind is not None:
        return f"(len(t) if (t := {python}).__class__ is {kind} else call(B, t, {key}))"
    entry = _GET.fullmatch(key)
    if entry is None or not python.isidentifier():
        return plain
    name = entry[1]
    text = f" and {name}.__class__ is str" if name.isidentifier() else ""
    return f"({python}.get({name}) if {python}.__class__ is dict{text} else {plain})"


def stepped(python: str, kind: str, key: str) -> str:
    """One member of a reference, taken."""
    if kind == "call":
        return _called(python, key)
    if kind == "index":
        return f"index({python}, {key})"
    # Most values are maps of JSON: for those no function is called.
    if python.isidentifier():
        return f"({python}.get({key}) if {python}.__class__ is dict else prop({python}, {key}))"
    return f"(t.get({key}) if (t := {python}).__class__ is dict else prop(t, {key}))"
