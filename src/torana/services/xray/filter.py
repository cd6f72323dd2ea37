"""Filter expressions: `service("api/prod") { fault } AND responsetime > 0.5`.

Source: X-Ray Developer Guide, "Use filter expressions".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from torana.services.xray.faults import invalid
from torana.services.xray.segments import Node, Trace
from torana.services.xray.summary import annotations, partial
from torana.wire.faults import ServiceError

Test = Callable[[Trace], bool]
_OfNode = Callable[[Node], bool]
_LONGEST = 2000
_DEEPEST = 30
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<word>[A-Za-z_][\w.:/-]*)|(?P<mark><=|>=|!=|=|<|>|!|\(|\)|\{|\}|,|\[|\]))"""
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda a, b: b in a,
    "beginswith": lambda a, b: a.startswith(b),
    "endswith": lambda a, b: a.endswith(b),
}
_BOOLEANS: Mapping[str, _OfNode] = {
    "ok": lambda node: not (node.fault or node.error or node.throttle),
    "error": lambda node: node.error,
    "throttle": lambda node: node.throttle,
    "fault": lambda node: node.fault,
    "inferred": lambda node: node.inferred,
    "remote": lambda node: node.inferred,
}
_NUMBERS: Mapping[str, Callable[[Node], float | None]] = {
    "responsetime": lambda node: node.seconds,
    "http.status": lambda node: node.response().get("status"),
}
_TEXTS: Mapping[str, Callable[[Node], str | None]] = {
    "http.url": lambda node: node.request().get("url"),
    "http.method": lambda node: node.request().get("method"),
    "http.useragent": lambda node: node.request().get("user_agent"),
    "http.clientip": lambda node: node.request().get("client_ip"),
    "user": lambda node: node.document.get("user"),
    "name": lambda node: node.name,
    "type": lambda node: node.type,
    "resource.arn": lambda node: node.document.get("resource_arn"),
}


def everything(trace: Trace) -> bool:
    """Without an expression."""
    return True


def parse(expression: str) -> Test:
    """A test of traces. Raises `InvalidRequestException`."""
    if len(expression) > _LONGEST:
        raise _invalid("it is too long")
    reader = _Reader(_tokens(expression))
    found = reader.any_of(0)
    if reader.tokens:
        raise _invalid(f"unexpected {reader.tokens[-1]!r}")
    return found


def _tokens(expression: str) -> list[str]:
    found, at = list[str](), 0
    text = expression.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _invalid(f"unexpected {text[at : at + 10]!r}")
        found.append(token[0].strip())
        at = token.end()
    return found[::-1]


def _invalid(why: str) -> ServiceError:
    return invalid(f"Invalid filter expression: {why}")


class _Reader:
    """Reads tokens from the end of a list."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def _next(self) -> str:
        if not self.tokens:
            raise _invalid("it ends too early")
        return self.tokens.pop()

    def _takes(self, *words: str) -> str | None:
        if self.tokens and self.tokens[-1].lower() in words:
            return self.tokens.pop().lower()
        return None

    def _needs(self, mark: str) -> None:
        found = self._next()
        if found != mark:
            raise _invalid(f"expected {mark!r}, found {found!r}")

    def any_of(self, depth: int) -> Test:
        found = [self._all_of(depth)]
        while self._takes("or"):
            found.append(self._all_of(depth))
        return found[0] if len(found) == 1 else lambda trace: any(test(trace) for test in found)

    def _all_of(self, depth: int) -> Test:
        found = [self._one(depth)]
        while self._takes("and"):
            found.append(self._one(depth))
        return found[0] if len(found) == 1 else lambda trace: all(test(trace) for test in found)

    def _one(self, depth: int) -> Test:
        if depth > _DEEPEST:
            raise _invalid("it is nested too deeply")
        if self._takes("!", "not"):
            inner = self._one(depth + 1)
            return lambda trace: not inner(trace)
        if self._takes("("):
            inner = self.any_of(depth + 1)
            self._needs(")")
            return inner
        word = self._next()
        if word.lower() == "service":
            return self._service(depth)
        if word.lower() == "edge":
            return self._edge(depth)
        if word.lower().startswith("annotation"):
            return self._annotation(word)
        return self._keyword(word)

    def _keyword(self, word: str) -> Test:
        name = word.lower()
        if name == "partial":
            return partial
        if name == "duration":
            test = self._number()
            return lambda trace: test(_duration(trace))
        flag = _BOOLEANS.get(name)
        if flag is not None:
            if name == "ok":
                return lambda trace: all(flag(node) for node in trace.nodes)
            return lambda trace: any(flag(node) for node in trace.nodes)
        number = _NUMBERS.get(name)
        if number is not None:
            test = self._number()
            return _of_root(lambda node: test(number(node)))
        text = _TEXTS.get(name)
        if text is not None:
            test = self._text()
            return lambda trace: any(test(text(node)) for node in trace.nodes)
        raise _invalid(f"unknown keyword {word!r}")

    def _number(self) -> Callable[[Any], bool]:
        compare = _COMPARE.get(self._next())
        if compare is None:
            raise _invalid("a number is compared by =, !=, <, <=, > or >=")
        given = self._next()
        try:
            wanted = float(given)
        except ValueError:
            raise _invalid(f"{given!r} is not a number") from None
        return lambda value: value is not None and compare(float(value), wanted)

    def _text(self) -> Callable[[Any], bool]:
        operator = self._next().lower()
        wanted = _unquoted(self._next())
        compare = _TEXT.get(operator) or (_COMPARE[operator] if operator in ("=", "!=") else None)
        if compare is None:
            raise _invalid("a text is compared by =, !=, CONTAINS, BEGINSWITH or ENDSWITH")
        return lambda value: isinstance(value, str) and compare(value, wanted)

    def _annotation(self, word: str) -> Test:
        key = word.partition(".")[2]
        if not key:
            self._needs("[")
            key = _unquoted(self._next())
            self._needs("]")
        if not self.tokens or self.tokens[-1].lower() not in (*_COMPARE, *_TEXT):
            return lambda trace: any(key in annotations(node) for node in trace.nodes)
        test = self._value()
        return lambda trace: any(test(annotations(node).get(key)) for node in trace.nodes)

    def _value(self) -> Callable[[Any], bool]:
        value = self.tokens[-2] if len(self.tokens) > 1 else ""
        if value.lower() in ("true", "false"):
            compare, wanted = self._next(), self._next().lower() == "true"
            if compare not in ("=", "!="):
                raise _invalid("a truth is compared by = or !=")
            return lambda found: isinstance(found, bool) and (found is wanted) == (compare == "=")
        if value.startswith('"'):
            return self._text()
        return self._number()

    def _service(self, depth: int) -> Test:
        """`service("name")`, with what must hold of it in braces."""
        chosen = self._chosen()
        inner = self._braces(depth)
        return lambda trace: any(
            chosen(node) and inner(Trace(trace.id, (node,), {})) for node in trace.nodes
        )

    def _edge(self, depth: int) -> Test:
        """`edge("source", "destination")`, with what must hold of the called in braces."""
        self._needs("(")
        source = _named(_unquoted(self._next()))
        self._needs(",")
        target = _named(_unquoted(self._next()))
        self._needs(")")
        inner = self._braces(depth)

        def test(trace: Trace) -> bool:
            return any(
                (caller := trace.caller(node)) is not None
                and source(caller)
                and target(node)
                and inner(Trace(trace.id, (node,), {}))
                for node in trace.nodes
            )

        return test

    def _chosen(self) -> _OfNode:
        self._needs("(")
        if self._takes(")"):
            return lambda node: True
        if self._takes("id"):
            found = self._id()
            self._needs(")")
            return found
        name = _named(_unquoted(self._next()))
        self._needs(")")
        return name

    def _id(self) -> _OfNode:
        self._needs("(")
        tests: list[_OfNode] = []
        while True:
            key = self._next().rstrip(":").lower()
            wanted = _unquoted(self._next())
            if key not in ("name", "type"):
                raise _invalid(f"id() takes name and type, not {key!r}")
            tests.append(_typed(wanted) if key == "type" else _named(wanted))
            if self._takes(")"):
                return lambda node: all(test(node) for test in tests)
            self._needs(",")

    def _braces(self, depth: int) -> Test:
        if not self._takes("{"):
            return everything
        found = self.any_of(depth + 1)
        self._needs("}")
        return found


def _unquoted(token: str) -> str:
    if len(token) < 2 or not token.startswith('"'):
        raise _invalid(f"expected a text in double quotes, found {token!r}")
    return re.sub(r"\\(.)", r"\1", token[1:-1])


def _named(name: str) -> _OfNode:
    return lambda node: node.name == name


def _typed(type: str) -> _OfNode:
    return lambda node: node.type == type


def _of_root(test: _OfNode) -> Test:
    def of_trace(trace: Trace) -> bool:
        root = trace.root
        return root is not None and test(root)

    return of_trace


def _duration(trace: Trace) -> float:
    first = trace.nodes[0].start
    return max((node.end or node.start) for node in trace.nodes) - first
