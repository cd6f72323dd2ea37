"""Templates to Python source: the directives.

Source of the language: the Velocity 1.7 User Guide and its grammar (which line ends and spaces a
directive takes with it); of the dialect: API Gateway Developer Guide, "Mapping template reference".
"""

import re

from torana.vtl.expressions import stepped
from torana.vtl.writer import END_OF_LINE, OPENS, Directive, Function, Writer, charge, steps

_LEAVES = re.compile(
    r"^ *(?:break|return|raise|if x\d+:)|B\.(?:macro|evaluate)|rendered|L\d+\.items"
)
"""Python after which a loop may not go through all its turns."""
_KEY_SET = re.compile(r"call\(B, ([A-Za-z]\w*), 'keySet'\)")
_PARAMETERS = re.compile(r"\s*,?\s*\$\{?([A-Za-z_][\w-]*)\}?")
_SCOPE_OF_BREAK = re.compile(r"\s*\$\{?foreach((?:\.parent)*)\}?\s*\)")


def _if(writer: Writer, start: int) -> None:
    python = f"if {writer.condition()}:"
    writer.now.line(python)
    writer.open("if", start)
    writer.now.line("pass")


def _elseif(writer: Writer, start: int) -> None:
    _again(writer, start, f"elif {writer.condition()}:", "if")


def _else(writer: Writer, start: int) -> None:
    writer.cursor.match(END_OF_LINE)
    _again(writer, start, "else:", "else")


def _again(writer: Writer, start: int, python: str, kind: str) -> None:
    function = writer.now
    if not function.blocks or function.blocks[-1][0] != "if":
        raise writer.cursor.fail("no #if is open here", start)
    function.blocks.pop()
    function.line(python)
    function.blocks.append((kind, start, 0))
    function.line("pass")


def _end(writer: Writer, start: int) -> bool:
    writer.cursor.match(END_OF_LINE)
    function = writer.now
    if not function.blocks:
        if function.ends:
            return True
        raise writer.cursor.fail("#end without a block", start)
    kind, _, number = function.blocks.pop()
    opened = function.opened.pop()
    if kind == "foreach":
        _turns(function, number)
    else:
        writer.inline(*opened)
    return False


def _foreach(writer: Writer, start: int) -> None:
    cursor = writer.cursor
    writer.opened()
    cursor.space()
    variable = writer.read.needed()
    if variable.steps:
        raise cursor.fail("#foreach needs a variable", start)
    cursor.space()
    cursor.need("in")
    items = writer.read.expression().python
    names = _KEY_SET.fullmatch(items)
    listed = f"each(B, {items}" if names is None else f"keys(B, {names[1]}"
    writer.closed()
    writer.names += 1
    number = writer.names
    function, name = writer.now, variable.root
    writer.loop_variables.add(name)
    if writer.counts or writer.loop_objects:
        function.line(f"L{number} = Loop(B, V, {name!r}, {items})")
        function.line(
            f"for L{number}.index, {writer.assigned(name)} in enumerate(L{number}.items):"
        )
        after = f"L{number}.end(V)"
        writer.shared.add(name)
    else:
        function.line(f"L{number} = {listed}, C{number}); n{number} = len(L{number}) - 1")
        function.line(f"k{number} = {writer.look(name)}")
        function.line(f"for i{number}, {writer.assigned(name)} in enumerate(L{number}):")
        local = writer.local.get(name)
        after = f"{local} = k{number}" if local else f"restore(V, {name!r}, k{number})"
    writer.open("foreach", start, number)
    function.turns[number] = (len(function.lines), after)
    function.line("pass")
    if writer.counts:
        function.line(f"V['velocityCount'] = L{number}.index + 1")


def _turns(function: Function, number: int) -> None:
    """Charge the turns of the loop just closed by what its body does, and tidy up after it."""
    at, after = function.turns.pop(number)
    body = function.lines[at:]
    cost = 1 + steps(body)
    indent = " " * (1 + len(function.blocks))
    paid, listing = 0, at - 3
    if any(_LEAVES.search(line) for line in function.lines[at - 1 :]):
        function.lines[at] = charge(f"{indent} ", cost)
    else:
        paid = cost
    function.lines[listing] = function.lines[listing].replace(f", C{number})", f", {paid})")
    function.line(after)
    flag = f"x{number}"
    if any(f"{flag} = True" in line for line in function.lines[at:]):
        function.lines[at - 1 : at - 1] = [f"{indent}{flag} = False"]
        outer = any(block[0] == "foreach" for block in function.blocks)
        function.line(f"if {flag}: {'break' if outer else 'return'}")


def _break(writer: Writer, start: int) -> None:
    """Leaves the loop, or else the macro, block or template."""
    loops = [number for kind, _, number in writer.now.blocks if kind == "foreach"]
    cursor = writer.cursor
    outward = 0
    if OPENS.match(cursor.source, cursor.at):
        writer.opened()
        found = cursor.match(_SCOPE_OF_BREAK)
        if found is None:
            raise cursor.fail("#break takes $foreach or one of its parents", start)
        cursor.match(END_OF_LINE)
        outward = found[1].count(".parent")
        if outward >= len(loops):
            raise cursor.fail("#break names a loop that is not open here", start)
    if not loops and writer.inside_string:
        raise cursor.fail("#break in a text needs a #foreach there", start)
    for number in loops[len(loops) - outward :]:
        writer.now.line(f"x{number} = True")
    writer.now.line("break" if loops else "return")


def _stop(writer: Writer, start: int) -> None:
    writer.now.line("raise Stop")


def _set(writer: Writer, start: int) -> None:
    cursor = writer.cursor
    writer.opened()
    cursor.space()
    if not cursor.sees("$"):
        raise cursor.fail("#set needs a reference")
    target = writer.read.needed()
    cursor.space()
    cursor.need("=")
    value = writer.read.expression().python
    writer.closed()
    # A null leaves the variable as it was, as Velocity 1.7 does.
    if not target.steps:
        writer.now.line(f"if (r := {value}) is not None: {writer.assigned(target.root)} = r")
        return
    kind, key = target.steps[-1]
    if kind == "call":
        raise cursor.fail("#set cannot assign to a method call", start)
    holder = writer.look(target.root)
    for step, name in target.steps[:-1]:
        holder = stepped(holder, step, name)
    writer.now.line(f"if (r := {value}) is not None: put({holder}, {key}, r)")


def _macro(writer: Writer, start: int) -> None:
    cursor = writer.cursor
    writer.opened()
    cursor.space()
    name = cursor.match(re.compile(r"[A-Za-z_]\w*"))
    if name is None:
        raise cursor.fail("#macro needs a name")
    names: list[str] = []
    while (parameter := cursor.match(_PARAMETERS)) is not None:
        names.append(parameter[1])
    writer.closed()
    outer, writer.read.arguments = writer.read.arguments, frozenset(names)
    function = writer.function("m", "macro", start)
    writer.read.arguments = outer
    writer.macros[name[0]] = (function, tuple(names))


def _define(writer: Writer, start: int) -> None:
    writer.opened()
    writer.cursor.space()
    variable = writer.read.needed()
    if variable.steps:
        raise writer.cursor.fail("#define needs a variable", start)
    writer.closed()
    writer.shared.add(variable.root)
    function = writer.function("d", "define", start)
    writer.now.line(f"define(V, {variable.root!r}, {function}, B)")


def _evaluate(writer: Writer, start: int) -> None:
    writer.opened()
    value = writer.read.expression().python
    writer.closed()
    writer.now.line(f"B.evaluate(V, o, {value})")


def _refused(writer: Writer, start: int) -> None:
    raise writer.cursor.fail("#include and #parse are not supported: there are no files", start)


_DIRECTIVES: dict[str, Directive] = {
    "break": _break,
    "define": _define,
    "else": _else,
    "elseif": _elseif,
    "end": _end,
    "evaluate": _evaluate,
    "foreach": _foreach,
    "if": _if,
    "include": _refused,
    "macro": _macro,
    "parse": _refused,
    "set": _set,
    "stop": _stop,
}


def written(
    source: str, *, shares: bool = False
) -> tuple[str, dict[str, tuple[str, tuple[str, ...]]]]:
    """A template's Python, with the function `run`, and its macros: function and parameters.

    One that shares its variables (an evaluated text) keeps none of them to itself. Raises
    `TemplateError`.
    """
    first = Writer(source, _DIRECTIVES, frozenset(), loop_objects=shares, returns=not shares)
    python = first.whole()
    if shares:
        return python, first.macros
    if first.evaluates:
        local, loop_objects = frozenset[str](), True
    else:
        local = frozenset(first.names_of_run - first.shared)
        loop_objects = first.counts or first.needs_loop_objects
    if loop_objects:
        local -= {"foreach", "velocityCount"} | first.loop_variables
    if not local and not loop_objects:
        return python, first.macros
    second = Writer(source, _DIRECTIVES, local, loop_objects, returns=True)
    return second.whole(), second.macros
