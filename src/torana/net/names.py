"""Header fields from bytes, decoded once per spelling."""

import re

_KNOWN: dict[bytes, str] = {}
_MOST = 2048

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, 5.6.2."""
FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters that a field value must not hold."""
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]*)(:\d{0,5})?")


def name(raw: bytes) -> str:
    """A field name as text. The table is bounded, so that clients cannot make it grow."""
    found = _KNOWN.get(raw)
    if found is None:
        found = raw.decode("ascii")
        if len(_KNOWN) < _MOST:
            _KNOWN[raw] = found
    return found
