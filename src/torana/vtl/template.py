"""Templates: compiled once, when an API is deployed, rendered for every request."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from torana.vtl.compiler import written
from torana.vtl.errors import TemplateError, TemplateFailure, TemplateLimit
from torana.vtl.expressions import OWN
from torana.vtl.methods import CHANGING
from torana.vtl.runtime import SCOPE, Body, Macro, Run, Stop, whole

_LARGEST = 300 * 1024
"""Characters of a template. Source: Developer Guide, "Important notes"."""


class Template:
    """A compiled template. Used by any number of requests at once."""

    __slots__ = ("body", "changes", "macros", "name", "names", "reads")

    def __init__(
        self,
        name: str,
        body: Body,
        macros: dict[str, Macro],
        *,
        changes: bool,
        reads: bool,
        names: frozenset[str],
    ) -> None:
        """`changes`: it may change the values that it is given. `reads`: it assigns no variable
        that others see. `names`: of the service's variables beside `$input` those that it may
        ask for."""
        self.name, self.body, self.macros, self.reads = name, body, macros, reads
        self.changes, self.names = changes, names

    def render(self, variables: Mapping[str, object]) -> str:
        """The output for these variables. Raises `TemplateFailure`."""
        out: list[str] = []
        try:
            scope: Any = variables if self.reads else dict(variables)
            run = Run(changes=self.changes, macros=self.macros, compile=_evaluated)
            made = self.body(scope, out, run)
        except Stop:
            made = None
        except (RecursionError, MemoryError, OverflowError) as error:
            raise TemplateLimit(f"{self.name}: {error}") from error
        except _WRONG as error:
            raise TemplateFailure(f"{self.name}: {error}") from error
        return whole(out) if made is None else made


_WRONG = (AttributeError, TypeError, ValueError, KeyError, IndexError)


_WRITES = re.compile(r"(?<!def run\()\bV\b(?!\.get\b)")
"""Python that does more with the variables than look them up."""
_CHANGES = re.compile(rf"\bput\(|'(?:{'|'.join(sorted(CHANGING))})'|B\.evaluate")
"""Python that may change a value."""


@lru_cache(maxsize=512)
def compile(source: str, name: str = "template") -> Template:
    """Compile a template. Raises `TemplateError` with line and column."""
    return _compiled(source, name, shares=False)


def _compiled(source: str, name: str, *, shares: bool) -> Template:
    if len(source) > _LARGEST:
        raise TemplateError(f"a template may have {_LARGEST} characters", 1, 1)
    try:
        python, macros = written(source, shares=shares)
        scope: dict[str, Any] = {**SCOPE}
        exec(python, scope)  # noqa: S102 - our own generated source; names in it come as literals
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        raise TemplateError(f"too complex: {error}", 1, 1) from error
    found = {name: (scope[function], names) for name, (function, names) in macros.items()}
    changes, reads = _CHANGES.search(python) is not None, _WRITES.search(python) is None
    names = frozenset(own for own in OWN if own in source or "evaluate" in source) - {"input"}
    return Template(name, scope["run"], found, changes=changes, reads=reads, names=names)


@lru_cache(maxsize=64)
def _evaluated(source: str) -> Template:
    return _compiled(source, "#evaluate", shares=True)
