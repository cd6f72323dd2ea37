"""Metric maths: from text to a tree.

Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
"""

import re
from collections.abc import Callable

from msgspec import Struct

from torana.services.cloudwatch.faults import validation


class Number(Struct, frozen=True):
    """A scalar."""

    value: float


class Text(Struct, frozen=True):
    """A string, for the functions that take one."""

    value: str


class Name(Struct, frozen=True):
    """Another query's id, or a word such as `REPEAT`."""

    name: str


class Array(Struct, frozen=True):
    """`[m1, m2]`."""

    items: tuple["Node", ...]


class Apply(Struct, frozen=True):
    """A function or an operator, by its name."""

    name: str
    arguments: tuple["Node", ...]


Node = Number | Text | Name | Array | Apply

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^<>()\[\],]))""",
    re.VERBOSE,
)
_LEVELS = (
    {"||": "OR", "OR": "OR"},
    {"&&": "AND", "AND": "AND"},
    {each: each for each in ("==", "!=", "<=", ">=", "<", ">")},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/"},
)
"""Operators, those that bind least first."""
_LONGEST = 2048
_DEEPEST = 50


def parse(text: str) -> Node:
    """The tree of an expression. Raises the service's error."""
    if len(text) > _LONGEST:
        raise validation(f"The expression is longer than {_LONGEST} characters.")
    reader = _Reader(text)
    node = reader.expression(0)
    reader.end()
    return node


def names(node: Node) -> set[str]:
    """Every id that a tree refers to."""
    if isinstance(node, Name):
        return {node.name}
    parts = node.items if isinstance(node, Array) else ()
    if isinstance(node, Apply):
        parts = node.arguments
    return {name for part in parts for name in names(part)}


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._at = self._depth = 0
        end = len(text.rstrip())
        place = 0
        while place < end:
            found = _TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                raise self._bad(f"unexpected {text[place:].strip()[:20]!r}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()

    def _bad(self, why: str) -> Exception:
        return validation(f"Error in expression '{self._text[:200]}': {why}")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        found = self._peek()
        self._at += 1
        return found

    def _take(self, sign: str) -> bool:
        if self._peek() == ("sign", sign):
            self._at += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise self._bad(f"expected {sign!r}, found {self._peek()[1] or 'the end'!r}")

    def end(self) -> None:
        if self._peek()[0] != "end":
            raise self._bad(f"unexpected {self._peek()[1]!r}")

    def expression(self, level: int) -> Node:
        """Operators of this level and of those that bind closer."""
        if level == len(_LEVELS):
            return self._power()
        left = self.expression(level + 1)
        while True:
            kind, value = self._peek()
            known = value.upper() if kind == "name" else value
            if kind not in ("sign", "name") or known not in _LEVELS[level]:
                return left
            self._at += 1
            left = Apply(_LEVELS[level][known], (left, self.expression(level + 1)))

    def _power(self) -> Node:
        if self._take("-"):
            return Apply("negate", (self._nested(self._power),))
        left = self._atom()
        if self._take("^"):
            return Apply("^", (left, self._nested(self._power)))
        return left

    def _nested(self, read: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._bad("nested too deeply")
        node = read()
        self._depth -= 1
        return node

    def _atom(self) -> Node:
        kind, value = self._next()
        if kind == "number":
            return Number(float(value))
        if kind == "text":
            return Text(re.sub(r"\\(.)", r"\1", value[1:-1]))
        if kind == "name":
            if self._take("("):
                return Apply(value.upper(), self._list(")"))
            return Name(value)
        if value == "(":
            node = self._nested(lambda: self.expression(0))
            self._need(")")
            return node
        if value == "[":
            return Array(self._list("]"))
        raise self._bad(f"unexpected {value or 'end'!r}")

    def _list(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        if self._take(closing):
            return ()
        while True:
            found.append(self._nested(lambda: self.expression(0)))
            if self._take(closing):
                return tuple(found)
            self._need(",")
