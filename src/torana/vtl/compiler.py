"""Templates to Python functions, once, when an API is deployed.

Source of the language: the Velocity 1.7 User Guide and its grammar (which line ends a directive
takes with it); of the dialect: API Gateway Developer Guide, "Mapping template reference".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from torana.vtl import operators
from torana.vtl.errors import TemplateError, TemplateFailure, TemplateLimit
from torana.vtl.expressions import Cursor, expression, reference
from torana.vtl.values import MOST_TEXT, call, index, prop, put, text

_LARGEST = 300 * 1024
"""Characters of a template. Source: Developer Guide, "Important notes"."""
_STEPS = 1_000_000
_DEEPEST = 18
"""Blocks in blocks: Python's own parser takes no more than twenty."""

_PLAIN = re.compile(r"[^$#\\ \t]+|[ \t]+(?![ \t#])")
_DIRECTIVE = re.compile(r"#(\{)?(set|if|elseif|else|end|foreach|break|stop)\b(?(1)\})")
_EOL = re.compile(r"[ \t]*(?:\r\n|\n|\r)")
_BEFORE_SET = re.compile(r"[ \t]+(?=#\{?set\b)")
_COMMENT = re.compile(r"##[^\n]*(?:\n|$)|#\*.*?\*#", re.DOTALL)
_RAW = re.compile(r"#\[\[(.*?)\]\]#", re.DOTALL)
_UNSUPPORTED = re.compile(r"#\{?(macro|define|evaluate|include|parse)\b")
_VARIABLE = re.compile(r"\$!?\{?([A-Za-z_][A-Za-z0-9_-]*)")


class Budget:
    """What one rendering may still do."""

    __slots__ = ("size", "steps")

    def __init__(self) -> None:
        self.steps, self.size = _STEPS, 0

    def step(self) -> None:
        """One turn of a loop."""
        self.steps -= 1
        if self.steps < 0:
            raise TemplateLimit("the template runs too long")

    def wrote(self, size: int) -> None:
        """Some output."""
        self.size += size
        if self.size > MOST_TEXT:
            raise TemplateLimit("the template's output is too large")


class Template:
    """A compiled template. Used by any number of requests at once."""

    __slots__ = ("_run", "name")

    def __init__(
        self, name: str, run: "Callable[[dict[str, Any], list[str], Budget], None]"
    ) -> None:
        self.name, self._run = name, run

    def render(self, variables: Mapping[str, object]) -> str:
        """The output for these variables. Raises `TemplateFailure`."""
        out: list[str] = []
        try:
            self._run(dict(variables), out, Budget())
        except (RecursionError, MemoryError, OverflowError) as error:
            raise TemplateLimit(f"{self.name}: {error}") from error
        except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
            raise TemplateFailure(f"{self.name}: {error}") from error
        return "".join(out)


def compile(source: str, name: str = "template") -> Template:
    """Compile a template. Raises `TemplateError` with line and column."""
    if len(source) > _LARGEST:
        raise TemplateError(f"a template may have {_LARGEST} characters", 1, 1)
    try:
        python = _Writer(source).write()
    except (RecursionError, ValueError) as error:
        raise TemplateError(f"too complex: {error}", 1, 1) from error
    scope: dict[str, Any] = {**_SCOPE}
    try:
        exec(python, scope)  # noqa: S102 - our own generated source; names in it come as literals
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise TemplateError(f"too complex: {error}", 1, 1) from error
    return Template(name, scope["run"])


def shown(value: Any, source: str) -> str:
    """A reference in the output: undefined ones show as they are written."""
    return source if value is None else value if isinstance(value, str) else text(value)


def joined(parts: tuple[str, ...]) -> str:
    """An interpolated string."""
    whole = "".join(parts)
    if len(whole) > MOST_TEXT:
        raise TemplateLimit("a text grew too long")
    return whole


_OPERATORS = (
    "truth",
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "equal",
    "less",
    "less_equal",
    "span",
    "each",
    "loop",
)
_SCOPE: dict[str, Any] = {
    "call": call,
    "index": index,
    "prop": prop,
    "put": put,
    "shown": shown,
    "joined": joined,
    **{name: getattr(operators, name) for name in _OPERATORS},
}


class _Writer:
    """Writes the Python of one template."""

    def __init__(self, source: str) -> None:
        self._cursor = Cursor(source)
        self._lines = ["def run(V, out, budget):", " w = out.append"]
        self._blocks: list[tuple[str, int]] = []
        self._literal: list[str] = []
        self._names = 0

    def write(self) -> str:
        cursor = self._cursor
        while cursor.at < len(cursor.source):
            self._piece()
        if self._blocks:
            kind, at = self._blocks[-1]
            raise cursor.fail(f"#{kind} has no #end", at)
        self._flush()
        self._line("return")
        return "\n".join(self._lines)

    def _line(self, python: str) -> None:
        self._lines.append(" " * (1 + len(self._blocks)) + python)

    def _flush(self) -> None:
        if self._literal:
            literal = "".join(self._literal)
            self._line(f"w({literal!r}); budget.wrote({len(literal)})")
            self._literal.clear()

    def _piece(self) -> None:
        cursor = self._cursor
        plain = cursor.match(_PLAIN)
        if plain is not None:
            self._literal.append(plain[0])
            return
        char = cursor.source[cursor.at]
        if char == "\\":
            self._escape()
        elif char == "$":
            self._reference()
        elif cursor.match(_BEFORE_SET) is not None:
            return
        elif char == "#":
            self._hash()
        else:
            self._literal.append(char)
            cursor.at += 1

    def _escape(self) -> None:
        """A backslash before a reference or a directive takes its meaning away."""
        cursor = self._cursor
        cursor.at += 1
        following = cursor.source[cursor.at : cursor.at + 1]
        if following == "$" and _VARIABLE.match(cursor.source, cursor.at):
            self._literal.append("$")
            cursor.at += 1
        elif following == "#" and _DIRECTIVE.match(cursor.source, cursor.at):
            self._literal.append("#")
            cursor.at += 1
        else:
            self._literal.append("\\")

    def _reference(self) -> None:
        cursor = self._cursor
        found = reference(cursor)
        if found is None:
            self._literal.append("$")
            cursor.at += 1
            return
        self._flush()
        python, source, silent = found
        self._line(f"w(t := shown({python}, {'' if silent else source!r}))")
        self._line("budget.wrote(len(t))")

    def _hash(self) -> None:
        cursor = self._cursor
        if cursor.match(_COMMENT) is not None:
            return
        raw = cursor.match(_RAW)
        if raw is not None:
            self._literal.append(raw[1])
            return
        unsupported = _UNSUPPORTED.match(cursor.source, cursor.at)
        if unsupported is not None:
            raise cursor.fail(f"#{unsupported[1]} is not supported")
        found = _DIRECTIVE.match(cursor.source, cursor.at)
        if found is None:
            self._literal.append("#")
            cursor.at += 1
            return
        start, cursor.at = cursor.at, found.end()
        self._flush()
        getattr(self, f"_{found[2]}")(start)
        if found[2] not in ("break", "stop"):
            cursor.match(_EOL)

    def _parenthesised(self) -> str:
        cursor = self._cursor
        cursor.space()
        cursor.need("(")
        python = expression(cursor)
        cursor.space()
        cursor.need(")")
        return python

    def _open(self, kind: str, start: int) -> None:
        if len(self._blocks) >= _DEEPEST:
            raise self._cursor.fail("blocks are nested too deeply", start)
        self._blocks.append((kind, start))

    def _if(self, start: int) -> None:
        self._line(f"if truth({self._parenthesised()}):")
        self._open("if", start)
        self._line("pass")

    def _elseif(self, start: int) -> None:
        self._again(start, f"elif truth({self._parenthesised()}):", "if")

    def _else(self, start: int) -> None:
        self._again(start, "else:", "else")

    def _again(self, start: int, python: str, kind: str) -> None:
        if not self._blocks or self._blocks[-1][0] != "if":
            raise self._cursor.fail("no #if is open here", start)
        self._blocks.pop()
        self._line(python)
        self._blocks.append((kind, start))
        self._line("pass")

    def _end(self, start: int) -> None:
        if not self._blocks:
            raise self._cursor.fail("#end without a block", start)
        kind, _ = self._blocks.pop()
        if kind == "foreach":
            self._line(f"V['foreach'] = p{self._loops.pop()}")

    _loops: list[int]

    def _foreach(self, start: int) -> None:
        cursor = self._cursor
        cursor.space()
        cursor.need("(")
        cursor.space()
        name = cursor.match(_VARIABLE)
        if name is None:
            raise cursor.fail("#foreach needs a variable")
        cursor.take("}")
        cursor.space()
        cursor.need("in")
        items = expression(cursor)
        cursor.space()
        cursor.need(")")
        self._names += 1
        number = self._names
        self._loops = [*getattr(self, "_loops", []), number]
        self._line(f"p{number} = V.get('foreach')")
        self._line(f"for i{number}, f{number} in loop(each({items}), p{number}):")
        self._open("foreach", start)
        self._line("budget.step()")
        self._line(f"V[{name[1]!r}] = i{number}; V['foreach'] = f{number}")
        self._line(f"V['velocityCount'] = f{number}['count']")

    def _break(self, start: int) -> None:
        if not any(kind == "foreach" for kind, _ in self._blocks):
            self._line("return")
            return
        self._line("break")

    def _stop(self, start: int) -> None:
        self._line("return")

    def _set(self, start: int) -> None:
        cursor = self._cursor
        cursor.space()
        cursor.need("(")
        cursor.space()
        if not cursor.sees("$"):
            raise cursor.fail("#set needs a reference")
        found = reference(cursor)
        if found is None:
            raise cursor.fail("#set needs a reference")
        cursor.space()
        cursor.need("=")
        value = expression(cursor)
        cursor.space()
        cursor.need(")")
        self._line(f"t = {value}")
        self._line(_assignment(found[0], cursor, start))


_GET = re.compile(r"V\.get\(('[^']*')\)")


def _assignment(python: str, cursor: Cursor, start: int) -> str:
    """A null leaves the variable as it was, as Velocity 1.7 does."""
    simple = _GET.fullmatch(python)
    if simple is not None:
        return f"if t is not None: V[{simple[1]}] = t"
    for kind in ("prop", "index"):
        if python.startswith(f"{kind}("):
            return f"if t is not None: put({python[len(kind) + 1 : -1]}, t)"
    raise cursor.fail("#set cannot assign to a method call", start)
