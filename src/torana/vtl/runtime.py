"""What compiled templates stand on: their scopes, loops, macros and blocks."""
# A template's values are of any type by nature; the conformance cases check this file instead.
# pyright: basic

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from torana.vtl import operators
from torana.vtl.budget import MOST_TEXT, Budget
from torana.vtl.errors import TemplateError, TemplateFailure, TemplateLimit
from torana.vtl.inputs import site
from torana.vtl.methods import JavaIterator, call
from torana.vtl.values import PROPERTIES, JavaList, Lazy, index, map_key, prop, put, text

Out = list[str]


class Scope(Protocol):
    """Where variables live: a plain dict, or a `Frame` inside a macro."""

    def get(self, name: str, /) -> Any: ...
    def pop(self, name: str, default: Any, /) -> Any: ...
    def __setitem__(self, name: str, value: Any, /) -> None: ...


Body = Callable[[Scope, Out, "Run"], str | None]
"""Writes its output, or gives it back where that is all of it (a template does, at times)."""
Argument = tuple[Callable[[Any, Any, "Run"], Any], bool, str, int]
"""A macro's argument: reads it in the caller's scope, whether it is constant, its source, the
steps that reading it costs."""
Macro = tuple[Body, tuple[str, ...]]
_MOST_EVALUATED = 10_000
"""Characters of a text given to `#evaluate`: it is compiled while the request waits."""
_EVALUATED_STEP = 40
_DEEPEST_BLOCK = 2
"""`#define` in itself. Source: Velocity's `directive.define` (measured on 1.7)."""


class Stop(Exception):
    """Ends the template."""


class Run(Budget, kw_only=True):
    """One rendering."""

    macros: dict[str, Macro]
    compile: Callable[[str], Any]

    def macro(
        self, scope: Scope, out: Out, name: str, args: tuple[Argument, ...], body: Body | None
    ) -> bool:
        """Call a macro; False where there is none of this name."""
        found = self.macros.get(name)
        if found is None:
            return False
        run, names = found
        self.enter()
        frame = Frame(scope, self, names, args)
        if body is not None:
            frame.local["bodyContent"] = Block("$bodyContent", body, frame, self, 20)
        run(frame, out, self)
        self.depth -= 1
        return True

    def evaluate(self, scope: Scope, out: Out, source: Any) -> None:
        """Render a text as a template, in this scope."""
        if source is None:
            return
        template = text(source, self)
        if len(template) > _MOST_EVALUATED:
            raise TemplateLimit(f"#evaluate takes {_MOST_EVALUATED} characters")
        self.spend(_EVALUATED_STEP * len(template))
        try:
            compiled = self.compile(template)
        except TemplateError as error:
            raise TemplateFailure(f"#evaluate: {error}") from error
        if compiled.macros:
            self.macros = {**self.macros, **compiled.macros}
        self.inline(scope, out, compiled.body)

    def inline(self, scope: Scope, out: Out, body: Body) -> None:
        """Run an evaluated text; `#stop` in it ends only itself."""
        self.enter()
        try:
            body(scope, out, self)
        except Stop:
            pass
        finally:
            self.depth -= 1


class Frame:
    """Variables inside a macro: arguments are read by name each time, as Velocity does; what is
    assigned is seen here and outside."""

    __slots__ = ("arguments", "local", "outer", "run")

    def __init__(
        self, outer: Scope, run: Run, names: tuple[str, ...], args: tuple[Argument, ...]
    ) -> None:
        self.outer, self.run = outer, run
        self.local: dict[str, Any] = {}
        self.arguments: dict[str, Argument] = {}
        for name, argument in zip(names, args, strict=False):
            read, constant, _, _ = argument
            if constant:
                self.local[name] = read(outer, outer.get, run)
            else:
                self.arguments[name] = argument

    def get(self, name: str) -> Any:
        """A variable."""
        found = self.local.get(name)
        if found is not None:
            return found
        argument = self.arguments.get(name)
        if argument is None:
            return self.outer.get(name)
        read, _, _, cost = argument
        outer, run = self.outer, self.run
        run.spend(cost)
        return read(outer, outer.get, run)

    def __setitem__(self, name: str, value: Any) -> None:
        self.local[name] = value
        self.outer[name] = value

    def pop(self, name: str, default: Any) -> Any:
        """Forget a variable."""
        self.local.pop(name, None)
        return self.outer.pop(name, default)


def unknown(scope: Any, written: str) -> str:
    """What a macro's null argument prints: as the caller wrote it."""
    argument = scope.arguments.get(written[1:]) if isinstance(scope, Frame) else None
    return written if argument is None else argument[2]


class Block(Lazy):
    """A `#define`d block or a macro's body: rendered when it is printed."""

    __slots__ = ("body", "deepest", "name", "open", "run", "scope")

    def __init__(self, name: str, body: Body, scope: Scope, run: Run, deepest: int) -> None:
        self.name, self.body, self.scope, self.run = name, body, scope, run
        self.deepest, self.open = deepest, 0

    def text(self) -> str:
        """Render it."""
        if self.open >= self.deepest:
            return self.name
        self.open += 1
        made = rendered(self.scope, self.body, self.run)
        self.open -= 1
        return made


def define(scope: Scope, name: str, body: Body, run: Run) -> None:
    """`#define($name)`."""
    scope[name] = Block("$" + name, body, scope, run, _DEEPEST_BLOCK)


def rendered(scope: Scope, body: Body, run: Run) -> str:
    """A body's output as a text."""
    run.enter(60)
    out: list[str] = []
    body(scope, out, run)
    run.depth -= 1
    return run.made(whole(out))


def whole(out: list[str]) -> str:
    """The parts of an output, if it is not too large: one part alone was looked at before."""
    if len(out) == 1:
        return out[0]
    if sum(map(len, out)) > MOST_TEXT:
        raise TemplateLimit("the template's output is too large")
    return "".join(out)


class Loop:
    """`$foreach`, and what the loop has hidden meanwhile."""

    __slots__ = ("before", "index", "items", "name", "parent", "velocity_count")

    def __init__(self, run: Run, scope: Scope, name: str, items: Any) -> None:
        self.items = each(run, items)
        self.index, self.name = -1, name
        self.parent = scope.get("foreach")
        self.before = scope.get(name)
        self.velocity_count = scope.get("velocityCount")
        if self.items:
            scope["foreach"] = self

    def end(self, scope: Scope) -> None:
        """Put back what the loop has hidden."""
        if self.items:
            restore(scope, "foreach", self.parent)
            restore(scope, self.name, self.before)
            restore(scope, "velocityCount", self.velocity_count)


def restore(scope: Scope, name: str, value: Any) -> None:
    """Give a variable back what it held; None where it held nothing."""
    if value is None:
        scope.pop(name, None)
    else:
        scope[name] = value


def _topmost(loop: Loop) -> Loop:
    while isinstance(loop.parent, Loop):
        loop = loop.parent
    return loop


PROPERTIES[Loop] = {
    "count": lambda loop: loop.index + 1,
    "first": lambda loop: loop.index == 0,
    "hasNext": lambda loop: loop.index + 1 < len(loop.items),
    "index": lambda loop: loop.index,
    "last": lambda loop: loop.index + 1 == len(loop.items),
    "parent": lambda loop: loop.parent,
    "topmost": _topmost,
}


def each(run: Run, value: Any, cost: int = 0) -> tuple[Any, ...]:
    """What `#foreach` walks: a list's items or a map's values, as they are now. `cost`: of a turn,
    where it is paid before."""
    if value.__class__ is list:
        items = tuple(value)
    elif isinstance(value, Mapping):
        items = tuple(value.values())
    elif isinstance(value, JavaIterator):
        items = tuple(value.items[value.at :])
    else:
        items = tuple(value) if isinstance(value, list) else ()
    run.spend(1 + len(items) // 8 + cost * len(items))
    return items


def keys(run: Run, value: Any, cost: int) -> tuple[Any, ...]:
    """What `#foreach` walks of a map's `keySet()`."""
    if value.__class__ is not dict:
        return each(run, call(run, value, "keySet"), cost)
    run.spend(1 + (cost + 1) * len(value))
    return tuple(value)


def shown(run: Run, value: Any, source: str) -> str:
    """A reference in the output: undefined ones show as they are written."""
    return source if value is None else text(value, run)


def escaped(run: Run, value: Any, source: str, marks: int, silent: bool) -> str:
    """A reference after backslashes: an odd one takes the meaning of a defined one away."""
    half = "\\" * (marks // 2)
    if marks % 2:
        return half + ("\\" if value is None else "") + source
    if value is None:
        return half + half + ("" if silent else source)
    return half + text(value, run)


def joined(run: Run, parts: tuple[str, ...]) -> str:
    """An interpolated string."""
    size = sum(map(len, parts))
    if size > 256:
        run.makes(size)
    return run.made("".join(parts))


def follow(run: Run, value: Any, steps: Iterable[tuple[Callable[..., Any], Any]]) -> Any:
    """A long chain of members."""
    for step, key in steps:
        made = key()
        value = call(run, value, *made) if step is call else step(value, made)
    return value


_OPERATORS = ("add", "sub", "mul", "div", "mod", "equal", "unequal", "less", "less_equal")
SCOPE: dict[str, Any] = {
    "S": str,
    "Stop": Stop,
    "JavaList": JavaList,
    "Loop": Loop,
    "call": call,
    "define": define,
    "each": each,
    "escaped": escaped,
    "follow": follow,
    "index": index,
    "joined": joined,
    "keys": keys,
    "map_key": map_key,
    "prop": prop,
    "put": put,
    "rendered": rendered,
    "restore": restore,
    "shown": shown,
    "site": site,
    "unknown": unknown,
    **{name: getattr(operators, name) for name in _OPERATORS},
    **{name: getattr(operators, name) for name in ("more", "more_equal", "fold", "span")},
}
"""The names that compiled templates use."""
