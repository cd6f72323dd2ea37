"""The ledger of what was used: one line a request, in files by day, never rewritten.

A line is in the operating system's hands before the end of its answer is, so a killed process
takes no line with it that a client could have seen the answer of.
"""

import contextlib
import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from torana.sealing import Cover
from torana.sealing.files import overwrite
from torana.sealing.vault import opened_lines

_log = logging.getLogger("torana.llm")
_DAY = 86400


class Spent(Struct, frozen=True, omit_defaults=True):
    """One request. Times are of `time.time()`, money in US dollars."""

    at: float
    key: str
    model: str
    provider: str
    target: str
    status: int
    input: int = 0
    output: int = 0
    cached: int = 0
    usd: float | None = None
    """None: no price is known."""
    seconds: float = 0.0
    stream: bool = False
    attempts: int = 1
    estimated: bool = False
    """The provider told no usage: counted from the bytes."""
    hit: bool = False
    """Answered from the cache."""
    saved: float | None = None
    """US dollars that the cache saved."""
    team: str = ""
    first: float = 0.0
    """Seconds to the first token of a stream."""
    organization: str = ""
    user: str = ""
    """Whose the key is."""
    end_user: str = ""
    """Whom of the key's own users it was for."""
    tags: tuple[str, ...] = ()


class Ledger:
    """Writes lines to `usage-YYYY-MM-DD.jsonl` in a folder."""

    def __init__(self, folder: Path, cover: Cover | None = None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._cover = folder, cover
        self._waiting: list[bytes] = []
        self._day: int = -1
        """Of those since 1970, the one whose file is open."""
        self._descriptor = -1
        self._encode = msgspec.json.Encoder().encode

    def add(self, spent: Spent) -> None:
        """Write one line. An append of some 200 bytes to the page cache takes a few microseconds,
        which is what it costs that none is ever lost."""
        line = self._encode(spent)
        self._waiting.append(self._cover.close_line(line) if self._cover else line)
        self.flush()

    def flush(self) -> None:
        """Write what waits. A full disk is logged, and the lines are kept for the next time."""
        if not self._waiting:
            return
        batch = b"\n".join(self._waiting) + b"\n"
        try:
            written = os.write(self._open(), batch)
            while written < len(batch):
                batch = batch[written:]
                written = os.write(self._descriptor, batch)
        except OSError:
            _log.exception("cannot write the ledger in %s", self._folder)
        else:
            self._waiting.clear()

    def _open(self) -> int:
        day = int(time.time()) // _DAY
        if day != self._day:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            date = time.strftime("%Y-%m-%d", time.gmtime(day * _DAY))
            path = self._folder / f"usage-{date}.jsonl"
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._day = day
        return self._descriptor

    def close(self) -> None:
        """Write what waits."""
        self.flush()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor, self._day = -1, -1


class Total(Struct):
    """What a group of requests used."""

    group: dict[str, str]
    requests: int = 0
    failed: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    usd: float = 0.0
    unpriced: int = 0
    """Requests whose price nobody knows."""
    hits: int = 0
    saved: float = 0.0
    seconds: float = 0.0
    """Of those that were answered by a provider, altogether."""
    answered: int = 0

    def add(self, spent: Spent) -> None:
        """One more."""
        self.requests += 1
        self.failed += spent.status >= 400
        self.input += spent.input
        self.output += spent.output
        self.cached += spent.cached
        self.usd += spent.usd or 0.0
        self.hits += spent.hit
        if spent.provider:
            self.seconds, self.answered = self.seconds + spent.seconds, self.answered + 1
        self.saved += spent.saved or 0.0
        self.unpriced += spent.usd is None and spent.status < 400


GROUPS = (
    *("day", "month", "organization", "team", "user", "key", "end_user", "tag"),
    *("model", "provider", "target"),
)


def totals(
    folder: Path,
    first: str,
    last: str,
    by: Sequence[str],
    only: Mapping[str, str] | None = None,
    cover: Cover | None = None,
) -> list[Total]:
    """Sums over the days from `first` to `last`, by some of `GROUPS`; `only` those that are of
    some. A request of several tags counts for each of them."""
    found: dict[tuple[str, ...], Total] = {}
    many = "tag" in by
    for spent in chosen(folder, first, last, only or {}, cover):
        for tag in (spent.tags or ("",)) if many else ("",):
            place = tuple(tag if name == "tag" else _named(spent, name)[0] for name in by)
            total = found.get(place)
            if total is None:
                total = found[place] = Total(dict(zip(by, place, strict=True)))
            total.add(spent)
    return [total for _, total in sorted(found.items(), key=lambda each: each[0])]


def chosen(
    folder: Path, first: str, last: str, only: Mapping[str, str], cover: Cover | None = None
) -> Iterator[Spent]:
    """The lines of some days that are of all of these groups."""
    for spent in read(folder, first, last, cover):
        if all(wanted in _named(spent, name) for name, wanted in only.items()):
            yield spent


def _named(spent: Spent, name: str) -> tuple[str, ...]:
    """What a request is under a group's name."""
    if name == "tag":
        return spent.tags
    if name in _DATES:
        return (time.strftime(_DATES[name], time.gmtime(spent.at)),)
    return (getattr(spent, name),)


_DATES = {"day": "%Y-%m-%d", "month": "%Y-%m"}


_PERSONS = ("key", "user", "end_user")
"""Fields that name somebody."""


def forget(folder: Path, names: Collection[str], cover: Cover, *, dry: bool = False) -> int:
    """Take names of keys and users out of the lines that they stand in; how many. What was used
    stays, under nobody's name. `dry`: only count. Raises `OSError`."""
    named = [
        (head + msgspec.json.encode(name), head + msgspec.json.encode("*" * len(_json(name))))
        for name in names
        for head in (f'"{field}":'.encode() for field in _PERSONS)
    ]
    count = 0

    def change(line: bytes) -> bytes:
        nonlocal count
        made = line
        for said, nobody in named:
            made = made.replace(said, nobody, 1)
        count += made != line
        return line if dry else made

    for path in folder.glob("usage-*.jsonl"):
        overwrite(path, cover, change)
    return count


def _json(name: str) -> bytes:
    """As it stands between its quotes."""
    return msgspec.json.encode(name)[1:-1]


def read(
    folder: Path, first: str = "", last: str = "9", cover: Cover | None = None
) -> Iterator[Spent]:
    """The lines of the days from `first` to `last` (`2026-11-23`). A line that a crash cut off is
    left out."""
    decode = msgspec.json.Decoder(Spent).decode
    for path in sorted(folder.glob("usage-*.jsonl")):
        day = path.stem.removeprefix("usage-")
        if not first <= day <= last:
            continue
        with path.open("rb") as lines:
            for line in opened_lines(iter(lines), cover):
                with contextlib.suppress(msgspec.DecodeError):
                    yield decode(line)
