"""CloudWatch Logs Insights' query language: from text to commands.

Source: Amazon CloudWatch Logs User Guide, "CloudWatch Logs Insights query syntax".
"""

import re

from msgspec import Struct

from torana.wire.faults import ServiceError


class Literal(Struct, frozen=True):
    """A number or a text."""

    value: float | str


class Field(Struct, frozen=True):
    """A field of an event, by its name."""

    name: str


class Regex(Struct, frozen=True):
    """`/…/`."""

    pattern: str


class Apply(Struct, frozen=True):
    """A function or an operator."""

    name: str
    arguments: tuple["Node", ...]
    text: str = ""
    """As it was written, for a column without a name of its own."""


Node = Literal | Field | Regex | Apply


class Named(Struct, frozen=True):
    """An expression and the name of its column."""

    node: Node
    name: str


class Command(Struct, frozen=True):
    """One step of the pipe."""

    verb: str
    columns: tuple[Named, ...] = ()
    by: tuple[Named, ...] = ()
    """Of `stats`: groups. Of `sort`: the name is `asc` or `desc`."""
    condition: Node | None = None
    number: int = 0
    pattern: str = ""
    regex: bool = False
    names: tuple[str, ...] = ()


def malformed(why: str, at: int = 0) -> ServiceError:
    """The query cannot be read."""
    return ServiceError(
        "MalformedQueryException",
        why,
        fields={"queryCompileError": {"location": {"startCharOffset": at}, "message": why}},
    )


_TOKEN = re.compile(
    r"""\s*(?:(?P<comment>\#[^\n]*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>\d+(?:\.\d+)?(?P<unit>ms|[smhdw])?(?![\w.]))
    |(?P<quoted>`[^`]+`)
    |(?P<name>[@A-Za-z_][\w@.:]*)
    |(?P<sign>=~|!=|<=|>=|[-+*/%^=<>()\[\],|]))""",
    re.VERBOSE,
)
_REGEX = re.compile(r"\s*/((?:[^/\\]|\\.)+)/")
_LEVELS = (
    {"or"},
    {"and"},
    {"not"},
    {"=", "!=", "<", "<=", ">", ">=", "like", "=~", "in"},
    {"+", "-"},
    {"*", "/", "%"},
    {"^"},
)
"""Operators, those that bind least first."""
_DEEPEST = 40
_VERBS = frozenset({"fields", "display", "filter", "stats", "sort", "limit", "parse", "dedup"})
_REFUSED = frozenset({"pattern", "diff", "unmask", "anomaly", "unnest", "lookup", "join", "source"})


def parse(text: str) -> list[Command]:
    """The commands of a query. Raises the service's error."""
    reader = _Reader(text)
    commands = [reader.command()]
    while reader.take("|"):
        if reader.ended():
            break
        commands.append(reader.command())
    if not reader.ended():
        raise malformed(f"unexpected symbol found {reader.peek()[1]}", reader.place)
    return commands


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self.place, self._depth = text, 0, 0
        self._end = len(text.rstrip())

    def peek(self) -> tuple[str, str]:
        """Kind and text of the next token; the kind is empty at the end."""
        while True:
            found = _TOKEN.match(self._text, self.place)
            if found is None or found.lastgroup is None:
                rest = self._text[self.place :].strip()
                if not rest:
                    return "", ""
                raise malformed(f"unexpected symbol found {rest[:1]}", self.place)
            if found["comment"]:
                self.place = found.end()
                continue
            kind = "number" if found["number"] else found.lastgroup
            return kind, found[kind]

    def next(self) -> tuple[str, str]:
        found = self.peek()
        if found[0]:
            match = _TOKEN.match(self._text, self.place)
            assert match is not None
            self.place = match.end()
        return found

    def ended(self) -> bool:
        return not self.peek()[0]

    def take(self, sign: str) -> bool:
        kind, value = self.peek()
        if kind in ("sign", "name") and value.lower() == sign:
            self.next()
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise malformed(f"expected {sign}", self.place)

    def name(self) -> str:
        kind, value = self.next()
        if kind == "quoted":
            return value[1:-1]
        if kind != "name":
            raise malformed("a field's name is expected", self.place)
        return value

    def string(self) -> str:
        kind, value = self.next()
        if kind != "text":
            raise malformed("a quoted text is expected", self.place)
        return _unquoted(value)

    def regex(self) -> str | None:
        found = _REGEX.match(self._text, self.place)
        if found is None:
            return None
        self.place = found.end()
        return found[1].replace("\\/", "/")

    def command(self) -> Command:
        verb = self.next()[1].lower()
        if verb in _REFUSED:
            raise malformed(f"the command {verb} is not supported here", self.place)
        if verb not in _VERBS:
            raise malformed(f"unexpected symbol found {verb or 'end'}", self.place)
        return getattr(self, f"_{verb}")()

    def _fields(self) -> Command:
        return Command("fields", self._columns())

    def _display(self) -> Command:
        return Command("display", self._columns())

    def _columns(self) -> tuple[Named, ...]:
        found: list[Named] = []
        while True:
            self.peek()
            start = self.place
            node = self.expression(0)
            written = self._text[start : self.place].strip()
            own = self.name() if self.take("as") else _column(node, written)
            found.append(Named(node, own))
            self.take(",")
            kind, value = self.peek()
            if not kind or value == "|" or value.lower() == "by":
                return tuple(found)

    def _filter(self) -> Command:
        return Command("filter", condition=self.expression(0))

    def _stats(self) -> Command:
        columns = self._columns()
        by = self._columns() if self.take("by") else ()
        return Command("stats", columns, by)

    def _sort(self) -> Command:
        keys: list[Named] = []
        while True:
            node = self.expression(3)
            if isinstance(node, Apply) and node.text:
                node = Field(node.text)
            order = "desc" if self.take("desc") else "asc"
            if order == "asc":
                self.take("asc")
            keys.append(Named(node, order))
            if not self.take(","):
                return Command("sort", by=tuple(keys))

    def _limit(self) -> Command:
        kind, value = self.next()
        if kind != "number" or not value.isdigit() or not 1 <= int(value) <= 100_000:
            raise malformed("limit takes a number from 1 to 100000", self.place)
        return Command("limit", number=int(value))

    def _dedup(self) -> Command:
        return Command("dedup", self._columns())

    def _parse(self) -> Command:
        self.peek()
        node = Field("@message")
        if self.peek()[0] != "text" and not self._text[self.place :].lstrip().startswith("/"):
            node = Field(self.name())
        pattern, columns = self.regex(), (Named(node, ""),)
        if pattern is not None:
            names = tuple(re.findall(r"\(\?<([A-Za-z]\w*)>", pattern))
            if self.take("as"):
                names = self._names()
            return Command("parse", columns, pattern=pattern, regex=True, names=names)
        glob = self.string()
        self.need("as")
        names = self._names()
        if len(names) != glob.count("*"):
            raise malformed("parse needs as many names as its pattern has wildcards", self.place)
        return Command("parse", columns, pattern=glob, names=names)

    def _names(self) -> tuple[str, ...]:
        found = [self.name()]
        while self.take(","):
            found.append(self.name())
        return tuple(found)

    def expression(self, level: int) -> Node:
        """Operators of this level and of those that bind closer."""
        self._depth += 1
        if self._depth > _DEEPEST * len(_LEVELS):
            raise malformed("nested too deeply", self.place)
        try:
            return self._operators(level)
        finally:
            self._depth -= 1

    def _operators(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._atom()
        if "not" in _LEVELS[level]:
            if self.take("not"):
                return Apply("not", (self.expression(level),))
            return self.expression(level + 1)
        left = self.expression(level + 1)
        while True:
            value = self.peek()[1].lower()
            negated = value == "not" and "like" in _LEVELS[level]
            if negated:
                self.next()
                value = self.peek()[1].lower()
            if value not in _LEVELS[level] or self.peek()[0] not in ("sign", "name"):
                if negated:
                    raise malformed("not is followed by like or in", self.place)
                return left
            self.next()
            left = self._applied(value, left, level)
            if negated:
                left = Apply("not", (left,))

    def _applied(self, sign: str, left: Node, level: int) -> Node:
        if sign == "in":
            self.need("[")
            return Apply("in", (left, *self._list("]")))
        if sign in ("like", "=~"):
            pattern = self.regex()
            if pattern is not None:
                return Apply("matches", (left, Regex(pattern)))
            return Apply("strcontains" if sign == "like" else "matches", (left, self._atom()))
        return Apply(sign, (left, self.expression(level + 1)))

    def _atom(self) -> Node:
        self.peek()
        start = self.place
        kind, value = self.next()
        if kind == "number":
            return Literal(value if value[-1].isalpha() else float(value))
        if kind == "text":
            return Literal(_unquoted(value))
        if kind == "quoted":
            return Field(value[1:-1])
        if value == "(":
            node = self.expression(0)
            self.need(")")
            return node
        if value == "-":
            return Apply("-", (Literal(0.0), self._atom()))
        if kind != "name":
            raise malformed(f"unexpected symbol found {value or 'end'}", self.place)
        if not self.take("("):
            return Field(value)
        if self.take("*"):
            self.need(")")
            arguments: tuple[Node, ...] = ()
        else:
            arguments = self._list(")")
        return Apply(value.lower(), arguments, self._text[start : self.place].strip())

    def _list(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.take(closing):
            pattern = self.regex()
            found.append(Regex(pattern) if pattern is not None else self.expression(0))
            if not self.take(","):
                self.need(closing)
                break
        return tuple(found)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _column(node: Node, written: str) -> str:
    return node.name if isinstance(node, Field) else written
