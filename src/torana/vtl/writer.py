"""What a template is written into: functions, text, references and macro calls.

Source of the language: the Velocity 1.7 User Guide and its grammar (which line ends and spaces a
directive takes with it).
"""

import ast
import re
from collections.abc import Callable, Mapping

from torana.vtl.budget import LONG
from torana.vtl.cursor import Cursor
from torana.vtl.errors import TemplateError
from torana.vtl.expressions import PYTHON_TEXT, Reader, Reference

_DEEPEST_LOOPS = 18
"""Loops in loops: Python's own parser takes no more than twenty."""
_DEEPEST = 80
_MOST_PARTS = 8
"""References whose texts are put together at once: what is too long is seen after that."""
_SHORT = 256
"""Characters of a text that is not charged."""
_STEP = 40
"""Characters of Python that make a step of the budget."""
_SMALL = 5
"""Steps of a function that its caller's own pay for."""
_OF_FOREACH = {
    "'count'": ("(i{n} + 1)", False),
    "'first'": ("(i{n} == 0)", True),
    "'hasNext'": ("(i{n} < n{n})", True),
    "'index'": ("i{n}", False),
    "'last'": ("(i{n} == n{n})", True),
}
"""Members of `$foreach` that need no object: their Python, and whether it is bool."""
_PLAIN = re.compile(r"[^$#\\]+")
_ESCAPED_SILENCE = re.compile(r"\$(\\+)!(?=\{?[A-Za-z_])")
_WORD = re.compile(r"#(?:\{([A-Za-z_]\w*)\}|(@?[A-Za-z_][\w@]*))")
END_OF_LINE = re.compile(r"[ \t]*(?:\r\n|\n|\r)")
_BEFORE_SET = re.compile(r"[ \t]+(?=#(?:set|\{set\}) *\()")
_SET = re.compile(r"#(?:set|\{set\}) *(?=\()")
OPENS = re.compile(r"\s*(?=\()")
_COMMENT = re.compile(r"##[^\r\n]*(?:\r\n|\n|\r|$)|#\*.*?\*#", re.DOTALL)
_RAW = re.compile(r"#\[\[(.*?)\]\]#", re.DOTALL)
_SLASHES = re.compile(r"\\+")
_OUTPUT = re.compile(r"\ba\(|\bo[,.]")
"""Python that may write to the output."""
_ONLY_TEXT = re.compile(rf"a\(({PYTHON_TEXT.pattern})\)")
_BRANCH = re.compile(r"(?:(?:el)?if (.*)|else):")
_MACRO_NAME = re.compile(r"#(?:macro|\{macro\})\s*\(\s*([A-Za-z_]\w*)")


def steps(lines: list[str]) -> int:
    """What Python costs of the budget, by its length."""
    return sum(map(len, lines)) // _STEP


def charge(indent: str, cost: int) -> str:
    """The Python that spends some steps."""
    return f"{indent}B.steps -= {cost}\n{indent}if B.steps < 0: B.over()"


class Function:
    """One Python function being written: a template, a macro, a block or a string."""

    __slots__ = (
        "blocks",
        "ends",
        "flushed",
        "lines",
        "literal",
        "name",
        "names",
        "opened",
        "parts",
        "turns",
    )

    def __init__(self, name: str, ends: bool = False) -> None:
        self.name, self.ends = name, ends
        """Whether an `#end` ends it."""
        self.lines = [f"def {name}(V, o, B):", " g = V.get; a = o.append"]
        self.names: set[str] = set()
        """The variables it names."""
        self.parts: list[str] = []
        """The Python of output that waits to be written."""
        self.turns: dict[int, tuple[int, str]] = {}
        """By loop, the line that charges its turns, and what follows it."""
        self.blocks: list[tuple[str, int, int]] = []
        """What is open: kind, where it began, its number."""
        self.opened: list[tuple[int, list[str]]] = []
        """Of each block that is open its first line, and the output written just before it."""
        self.flushed: tuple[int, list[str]] = 0, []
        """The line of the last output, and what it was made of."""
        self.literal: list[str] = []

    def line(self, python: str) -> None:
        self.lines.append(" " * (1 + len(self.blocks)) + python)

    def part(self, python: str) -> None:
        """Some output."""
        self.close()
        self.parts.append(python)

    def close(self) -> None:
        """Make the text so far a part."""
        if self.literal:
            self.parts.append(repr("".join(self.literal)))
            self.literal.clear()


def _writes_last(lines: list[str]) -> bool:
    """Whether the last line, within no block, is the only one that writes to the output."""
    return lines[-1].startswith(" a(") and not any(map(_OUTPUT.search, lines[2:-1]))


class Writer:
    """Writes the Python of one template."""

    def __init__(
        self,
        source: str,
        directives: "Mapping[str, Directive]",
        local: frozenset[str],
        loop_objects: bool,
        returns: bool,
    ) -> None:
        """`returns`: what is written at the end alone may be given back instead."""
        self.cursor = Cursor(source)
        self._directives = directives
        self.read = Reader(self.cursor, self.string, self.look, self.of_foreach, self._constant)
        self.local = {name: f"v{place}" for place, name in enumerate(sorted(local))}
        """Variables that only the template's own function names: they are Python's."""
        self.shared: set[str] = set()
        """Variables that other functions name."""
        self.loop_objects = loop_objects
        self.returns = returns
        self.needs_loop_objects = False
        self.loop_variables: set[str] = set()
        self.names_of_run: frozenset[str] = frozenset()
        self.functions: list[str] = []
        self.macros: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.known = frozenset(_MACRO_NAME.findall(source))
        self.evaluates = "evaluate" in source
        self.counts = "velocityCount" in source or self.evaluates
        self.names = 0
        self.constants: dict[str, str] = {}
        """What is made once, by its Python. Texts within expressions too, as Python 3.11 takes no
        quotes within the expressions of a formatted string."""
        self.inside_string = 0
        self.now = Function("run")
        for name, python in self.local.items():
            self.now.line(f"{python} = g({name!r})")

    def look(self, name: str) -> str:
        """The Python that reads a variable."""
        self.now.names.add(name)
        if name in ("foreach", "velocityCount"):
            self.needs_loop_objects = True
        return self.local.get(name) or f"g({name!r})"

    def assigned(self, name: str) -> str:
        """The Python that a variable is assigned by."""
        return self.local.get(name) or f"V[{name!r}]"

    def of_foreach(self, member: str) -> tuple[str, bool] | None:
        """A member of `$foreach` of the loop around."""
        loops = [number for kind, _, number in self.now.blocks if kind == "foreach"]
        found = _OF_FOREACH.get(member)
        if found is None or not loops or self.loop_objects:
            return None
        return found[0].format(n=loops[-1]), found[1]

    def whole(self) -> str:
        """The template's functions."""
        self.until_end(None, 0)
        self._done(self.now)
        constants = [f"{name} = {text}" for text, name in self.constants.items()]
        return "\n".join(constants + self.functions)

    def part(self, python: str) -> None:
        """Some output of the present function."""
        self.now.part(python)
        if len(self.now.parts) > 2 * _MOST_PARTS:
            self.flush()

    def flush(self) -> None:
        """Write the output that waits."""
        self._flush(self.now)

    def _flush(self, function: Function) -> None:
        """One formatted string is the fastest that Python has."""
        function.close()
        parts, function.parts = function.parts, []
        if len(parts) == 1 and PYTHON_TEXT.fullmatch(parts[0]):
            function.line(f"a({parts[0]})")
        elif parts:
            written = "".join(map(self._formatted, parts))
            once = function.name == "run" and not any(
                kind == "foreach" for kind, *_ in function.blocks
            )
            free = LONG if once else _SHORT
            function.line(f"a(s if len(s := f'{written}') < {free} else B.made(s))")
        function.flushed = len(function.lines), parts

    def _formatted(self, part: str) -> str:
        """A part, as it stands in a formatted string."""
        if PYTHON_TEXT.fullmatch(part):
            inner: str = ast.literal_eval(part)
            return repr('"' + inner)[2:-1].replace("{", "{{").replace("}", "}}")
        return "{(" + PYTHON_TEXT.sub(lambda found: self._constant(found[0]), part) + ")}"

    def _constant(self, python: str) -> str:
        return self.constants.setdefault(python, f"K{len(self.constants)}")

    def name(self, prefix: str) -> str:
        """A name for a function."""
        self.names += 1
        return f"{prefix}{self.names}"

    def until_end(self, kind: str | None, start: int) -> None:
        """Read to the `#end` of this block, or to the end of the text."""
        cursor, function = self.cursor, self.now
        while cursor.at < len(cursor.source):
            if self.piece():
                return
        if function.blocks:
            kind, start, _ = function.blocks[-1]
        if kind is not None:
            raise cursor.fail(f"#{kind} has no #end", start)

    def function(self, prefix: str, kind: str, start: int) -> str:
        """A block with an `#end`, as a function of its own."""
        outer, self.now = self.now, Function(self.name(prefix), ends=True)
        self.cursor.deeper()
        self.until_end(kind, start)
        self._done(self.now)
        self.cursor.depth -= 1
        function, self.now = self.now, outer
        return function.name

    def _done(self, function: Function) -> None:
        self._flush(function)
        if function.name == "run" and self.returns and _writes_last(function.lines):
            function.lines[1] = " g = V.get"
            function.line("return " + function.lines.pop().strip().removeprefix("a"))
        else:
            function.line("return")
        if function.name == "run":
            self.names_of_run = frozenset(function.names)
        else:
            self.shared |= function.names
            cost = steps(function.lines)
            if cost > _SMALL:
                function.lines.insert(2, charge(" ", cost))
        self.functions.append("\n".join(function.lines))

    def string(self, text: str, at: int) -> str:
        """A text in double quotes: its parts, or a function where it holds directives."""
        outer_cursor, outer_function = self.cursor, self.now
        inner = Cursor(text)
        inner.depth = outer_cursor.depth
        inner.deeper()
        self.cursor = self.read.cursor = inner
        self.now = Function(self.name("s"))
        self.inside_string += 1
        try:
            self.until_end(None, 0)
        except TemplateError as error:
            raise outer_cursor.fail(f"in a text: {error.message}", at) from error
        finally:
            self.cursor = self.read.cursor = outer_cursor
            function, self.now = self.now, outer_function
            self.inside_string -= 1
        return self._as_value(function)

    def _as_value(self, function: Function) -> str:
        if len(function.lines) == 2 and not function.blocks:
            function.close()
            self.now.names |= function.names
            if len(function.parts) == 1 and len(function.parts[0]) <= _SHORT:
                (only,) = function.parts
                if PYTHON_TEXT.fullmatch(only):
                    return only
            return f"joined(B, ({', '.join(function.parts)},))" if function.parts else "''"
        self._done(function)
        return f"rendered(V, {function.name}, B)"

    def piece(self) -> bool:
        """The next piece of the text; True where it was the `#end` of a function."""
        cursor = self.cursor
        # Where text comes before it, the text has taken the spaces: so has Velocity's lexer.
        if cursor.match(_BEFORE_SET) is not None:
            return False
        plain = cursor.match(_PLAIN)
        if plain is not None:
            self.now.literal.append(plain[0])
            return False
        char = cursor.source[cursor.at]
        if char == "\\":
            self._backslash()
        elif char == "$":
            self._reference(0)
        else:
            return self._hash()
        return False

    def _text(self, text: str) -> None:
        self.now.literal.append(text)
        self.cursor.at += len(text)

    def _backslash(self) -> None:
        """Backslashes before a reference or a directive take its meaning away."""
        cursor = self.cursor
        slashes = cursor.match(_SLASHES)
        marks = len(slashes[0]) if slashes else 0
        if cursor.sees("$"):
            self._reference(marks)
            return
        word = _WORD.match(cursor.source, cursor.at)
        name = (word[1] or word[2]) if word else None
        if word is None or (name not in self._directives and name not in self.known):
            self.now.literal.append("\\" * marks)
            return
        if marks % 2:
            self.now.literal.append("\\" * (marks // 2) + word[0])
            cursor.at = word.end()
        else:
            self.now.literal.append("\\" * (marks if name == "set" else marks // 2))

    def _reference(self, marks: int) -> None:
        silence = self.cursor.match(_ESCAPED_SILENCE)
        if silence is not None:
            self.now.literal.append("\\" * marks + "$" + silence[1][: len(silence[1]) // 2] + "!")
            return
        found = self.read.reference()
        if found is None:
            self.now.literal.append("\\" * marks)
            self._text("$")
            return
        if marks:
            args = f"{found.source!r}, {marks}, {found.silent}"
            self.part(f"escaped(B, {found.python}, {args})")
            return
        if found.python.startswith("i") and found.is_bool is False and found.root == "foreach":
            self.part(f"S({found.python})" if self.inside_string else found.python)
            return
        printed = self.read.printed(found)
        if printed is not None:
            self.part(printed)
            return
        as_it_is = "else S(t) if" if self.inside_string else "or"
        self.part(
            f"t if (c := (t := {found.python}).__class__) is str {as_it_is} c is int "
            f"else shown(B, t, {self._null(found)})"
        )

    def _null(self, found: Reference) -> str:
        """The source of what a reference prints where it is null."""
        if found.root in self.read.arguments and found.source == f"${found.root}":
            return f"unknown(V, {found.source!r})"
        return repr(found.unknown)

    def _hash(self) -> bool:
        cursor = self.cursor
        if cursor.match(_COMMENT) is not None:
            return False
        raw = cursor.match(_RAW)
        if raw is not None:
            self.now.literal.append(raw[1])
            return False
        if cursor.sees("#*") or cursor.sees("#[["):
            raise cursor.fail(f"{cursor.source[cursor.at : cursor.at + 2]} is not closed")
        word = _WORD.match(cursor.source, cursor.at)
        name = (word[1] or word[2]) if word else ""
        directive = self._directives.get(name)
        if word is None or (name == "set" and not _SET.match(cursor.source, cursor.at)):
            self._text("#")
            return False
        start = cursor.at
        if directive is None:
            self._macro_call(name, word)
            return False
        cursor.at = word.end()
        self.flush()
        return directive(self, start) is True

    def opened(self) -> None:
        """The parenthesis of a directive. Raises `TemplateError`."""
        self.cursor.space()
        self.cursor.need("(")

    def closed(self) -> None:
        """Its closing one, with the end of the line."""
        self.cursor.space()
        self.cursor.need(")")
        self.cursor.match(END_OF_LINE)

    def condition(self) -> str:
        """An expression in parentheses, as a truth."""
        self.opened()
        found = self.read.expression()
        self.closed()
        return found.truth

    def open(self, kind: str, start: int, number: int = 0) -> None:
        """A block within this function."""
        blocks = self.now.blocks
        loops = sum(1 for block in blocks if block[0] == "foreach")
        if len(blocks) >= _DEEPEST or loops >= _DEEPEST_LOOPS:
            raise self.cursor.fail("blocks are nested too deeply", start)
        blocks.append((kind, start, number))
        at = len(self.now.lines) - 1
        line, parts = self.now.flushed
        self.now.opened.append((at, parts if line == at else []))

    def inline(self, at: int, before: list[str]) -> None:
        """Make an `#if` that begins in this line, and writes nothing but text, an expression of
        the output around it. `before` is what was written just before."""
        function = self.now
        chain = [line.strip() for line in function.lines[at:]]
        python = ""
        while chain:
            branch = _BRANCH.fullmatch(chain.pop(0))
            text = "''"
            if branch is None or chain.pop(0) != "pass":
                return
            if chain and (only := _ONLY_TEXT.fullmatch(chain[0])) is not None:
                text = only[1]
                chain.pop(0)
            python += f"{text} if {branch[1]} else " if branch[1] else text
        if python.endswith(" else "):
            python += "''"
        del function.lines[at:]
        if before:
            function.lines.pop()
        function.parts = before
        self.part(python)

    def _macro_call(self, name: str, word: re.Match[str]) -> None:
        """`#name(args)`; of a name that is no macro's, the text as it stands."""
        cursor = self.cursor
        start, cursor.at = cursor.at, word.end()
        block = name.startswith("@")
        args: list[str] = []
        has_arguments = OPENS.match(cursor.source, cursor.at) is not None
        if not has_arguments and not block and name not in self.known and not self.evaluates:
            self.now.literal.append(word[0])
            return
        try:
            if has_arguments:
                args = self._arguments()
        except TemplateError:
            if block or name in self.known:
                raise
            cursor.at = start
            self._text(word[0])
            return
        source = cursor.source[start : cursor.at]
        self.flush()
        body = self.function("b", name, start) if block else "None"
        packed = f"({', '.join(args)},)" if args else "()"
        call = f"B.macro(V, o, {name.removeprefix('@')!r}, {packed}, {body})"
        self.now.line(f"{call} or o.append({source!r})")

    def _arguments(self) -> list[str]:
        """A macro's arguments; commas between them are optional."""
        cursor = self.cursor
        self.opened()
        args: list[str] = []
        cursor.space()
        while not cursor.sees(")"):
            start = cursor.at
            constant = cursor.source[start : start + 1] not in ("$", '"', "'", "[", "{")
            value = self.read.primary()
            literal = cursor.source[start : cursor.at]
            cost = 1 + steps([value.python])
            args.append(f"(lambda V, g, B: {value.python}, {constant}, {literal!r}, {cost})")
            cursor.space()
            cursor.take(",")
            cursor.space()
        self.closed()
        return args


Directive = Callable[[Writer, int], bool | None]
"""Writes what follows its word, which stands at this place; True ends what is being written."""
