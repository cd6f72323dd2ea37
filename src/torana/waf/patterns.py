"""Regular expressions of rules, as RE2's: none takes longer than its text is long.

The service's own engine refuses look-around and back-references, too.
"""
# pyright: basic

from collections.abc import Callable

import re2

from torana.waf.faults import BadRule

Pattern = Callable[[bytes], bool]

_LONGEST = 512


def pattern(text: str) -> Pattern:
    """A test whether a pattern occurs in a text. Raises `BadRule`."""
    if not 0 < len(text) <= _LONGEST:
        raise BadRule("REGEX_PATTERN", text[:60], f"1 to {_LONGEST} characters are needed.")
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = 1 << 22
    try:
        made = re2.compile(text.encode("latin-1", "replace"), options=options)  # pyright: ignore[reportUnknownMemberType]
    except re2.error as error:
        raise BadRule("REGEX_PATTERN", text[:60], str(error)) from None
    return lambda found: made.search(found) is not None
