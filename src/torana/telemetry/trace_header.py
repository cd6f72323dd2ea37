"""The headers that carry a trace from service to service: X-Ray's and W3C's.

Source: X-Ray Developer Guide, "Tracing header"; W3C Trace Context, section 3.2.
"""

import re
from random import getrandbits

from msgspec import Struct

_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_ID = re.compile(r"[0-9a-f]{16}")
_LONGEST = 256
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_NOTHING = re.compile("0+")


class Carried(Struct, frozen=True):
    """What a request says of the trace it belongs to."""

    root: str
    """`1-{seconds in hex}-{96 bits in hex}`."""
    parent: str = ""
    """Id of the segment that called."""
    sampled: bool | None = None
    """None: nobody has decided yet."""

    def header(self, own: str = "") -> str:
        """For `X-Amzn-Trace-Id`; `own` is the segment that calls on."""
        parent = own or self.parent
        shown = f";Parent={parent}" if parent else ""
        decided = "" if self.sampled is None else f";Sampled={int(self.sampled)}"
        return f"Root={self.root}{shown}{decided}"

    def traceparent(self, own: str) -> str:
        """For `traceparent`."""
        return f"00-{self.root[2:].replace('-', '')}-{own}-{'01' if self.sampled else '00'}"


def read(amazon: str | None, w3c: str | None) -> Carried | None:
    """Of both headers; X-Ray's wins. None where neither names a trace."""
    found = _amazon(amazon) if amazon and len(amazon) <= _LONGEST else None
    return found or (_w3c(w3c) if w3c and len(w3c) <= _LONGEST else None)


def _amazon(text: str) -> Carried | None:
    fields: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        fields[name] = value
    root, parent = fields.get("Root", ""), fields.get("Parent", "")
    if _ROOT.fullmatch(root) is None:
        return None
    sampled = {"0": False, "1": True}.get(fields.get("Sampled", ""))
    return Carried(root, parent if _ID.fullmatch(parent) else "", sampled)


def _w3c(text: str) -> Carried | None:
    found = _TRACEPARENT.fullmatch(text.strip())
    if found is None or _NOTHING.fullmatch(found[1]) or _NOTHING.fullmatch(found[2]):
        return None
    root = f"1-{found[1][:8]}-{found[1][8:]}"
    return Carried(root, found[2], bool(int(found[3], 16) & 1))


def new_root(now: float) -> str:
    """Of a trace that begins now."""
    return f"1-{int(now):08x}-{getrandbits(96):024x}"


def new_id() -> str:
    """Of a segment or subsegment."""
    return f"{getrandbits(64):016x}"
