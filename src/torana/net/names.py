"""Header fields from bytes, looked at once per spelling."""

import re
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, 5.6.2."""
FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters that a field value must not hold."""
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]*)(:\d{0,5})?")

FRAMING = frozenset({"host", "content-length", "transfer-encoding", "expect"})
"""Fields that the server itself reads."""


class Name(Struct, frozen=True):
    """A field name."""

    text: str
    """As on the wire."""
    lower: str
    framing: bool


KNOWN: dict[bytes, Name] = {}
"""What `known` has seen: looked into first where a call would be felt."""
_MOST = 2048


def known(raw: bytes) -> Name | None:
    """A field name, or None if it is none. The table is bounded, so that clients cannot make it
    grow."""
    if TOKEN.fullmatch(raw) is None:
        return None
    text = raw.decode("ascii")
    lower = text.lower()
    found = Name(text, lower, lower in FRAMING)
    if len(KNOWN) < _MOST:
        KNOWN[raw] = found
    return found


Decided = TypeVar("Decided")


class Spelled(dict[str, Decided]):
    """What becomes of a field, by its name as spelled: decided at the first sight of a spelling.
    Bounded, so that clients cannot make it grow."""

    def __init__(self, decide: Callable[[str], Decided]) -> None:
        super().__init__()
        self._decide = decide

    def __missing__(self, name: str) -> Decided:
        found = self._decide(name)
        if len(self) < _MOST:
            self[name] = found
        return found


def clean(value: str) -> bool:
    """Whether a field value holds no control characters but tabs (RFC 9110, 5.5)."""
    return FORBIDDEN.search(value) is None
