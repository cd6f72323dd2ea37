"""Lines that vouch for each other: each bears a code over itself and the code of the line before.

The code is an HMAC-SHA256 under `audit.key`, so whoever can write the files, but does not have the
key, can neither change a line, nor take one out, nor put one in, without its being found.
"""

import hmac
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

_MARK = b',"mac":"'
_TAIL = len(_MARK) + 64 + 2

Json = dict[str, Any]


class Link(Struct, frozen=True):
    """Where a chain has got to: the number and the code of a line."""

    seq: int = 0
    mac: str = ""


class Broken(Struct, frozen=True):
    """What is wrong with a line, or behind it."""

    place: str
    what: str


def linked(key: bytes, chain: str, before: Link, fields: Json) -> tuple[bytes, Link]:
    """A line, without its line feed, and where the chain is then."""
    seq = before.seq + 1
    body = msgspec.json.encode({"chain": chain, "seq": seq, "prev": before.mac, **fields})
    mac = hmac.digest(key, body, "sha256").hex()
    return body[:-1] + _MARK + mac.encode() + b'"}', Link(seq, mac)


def opened(key: bytes, line: bytes) -> Json | None:
    """What a line says; None: it is not as it was written."""
    body, tail = line[:-_TAIL] + b"}", line[-_TAIL:]
    if len(line) <= _TAIL or not tail.startswith(_MARK):
        return None
    mac = hmac.digest(key, body, "sha256").hex()
    if not hmac.compare_digest(tail[len(_MARK) : -2], mac.encode()):
        return None
    try:
        found: Json = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    return found


def followed(
    key: bytes, chain: str, lines: Iterable[tuple[str, bytes]], base: Link | None
) -> Iterator[Json | Broken]:
    """Every line of a chain that holds, and what is broken. Lines come with their place; `base`
    is where the chain begins after pruning, None: at its first line."""
    before = base or Link()
    for place, line in lines:
        found = opened(key, line)
        if found is None:
            yield Broken(place, "the line was changed")
            # What comes behind is judged from the number and code that the line claims to have.
            before = _claimed(line) or Link(before.seq + 1, "")
            continue
        if found["chain"] != chain:
            yield Broken(place, f"the line is of another chain, {found['chain']}")
            continue
        seq = found["seq"]
        if seq != before.seq + 1:
            yield Broken(place, _jump(before.seq, seq))
        elif found["prev"] != before.mac and before.mac:
            yield Broken(place, "the line does not follow the one before it")
        yield found
        before = Link(seq, line[-_TAIL + len(_MARK) : -2].decode())


def _jump(before: int, seq: int) -> str:
    if seq > before + 1:
        return f"line {before + 1} is missing" + (f", up to {seq - 1}" if seq > before + 2 else "")
    return f"line {seq} comes behind line {before}: reordered, or put in twice"


def _claimed(line: bytes) -> Link | None:
    try:
        found: Json = msgspec.json.decode(line)
        return Link(int(found["seq"]), str(found["mac"]))
    except (msgspec.DecodeError, KeyError, ValueError, TypeError):
        return None
