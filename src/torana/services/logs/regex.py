"""Regular expressions of patterns and queries: RE2's, whose time grows only with the text."""
# pyright: basic

import re
from typing import Any

import re2

from torana.services.logs.faults import invalid

_NAMED = re.compile(r"\(\?<(?=[A-Za-z])")


def expression(pattern: str) -> Any:
    """Compiled; `(?<name>…)` names a group. Raises the service's error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 22
    try:
        return re2.compile(_NAMED.sub("(?P<", pattern), options=options)
    except re2.error as error:
        raise invalid(f"Invalid regular expression {pattern[:100]}: {error}") from None
