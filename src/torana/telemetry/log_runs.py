"""Events in the logs' file. What came together of one stream, in one second, is a run: one row.

A run's id is its last event's, and those of the others lead up to it without a gap; its time is its
last event's, too. Functions over an open file; whoever calls them holds its thread.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from torana.sealing import Cover
from torana.telemetry.database import insert, opened

Db = sqlite3.Connection
_SECOND = 1000
"""Milliseconds. Runs end with it, so that those of one time are found by their own."""
_EVENTS, _CHARACTERS = 500, 262_144
"""Of a run, at most; a single event may be longer."""
_OVERHEAD = 26
"""Bytes that an event counts beside its text. Source: CloudWatch Logs quotas."""
_EVER = 1 << 53
_AT_ONCE = 5000
"""Runs that expire together, at most."""
_LOOKED_AT = 2000
"""Events that are looked at together, to be erased."""

# Rows from before there were runs hold one event in `text`; all others leave that empty.
_ROW = "e.id, e.grp, e.stream, e.ingested, e.at, e.text, e.run"
_BEGIN = "coalesce(e.first, e.at), e.id - e.number + 1"
_SIZE = "coalesce(bytes, length(text) + 26)"
_decoded = msgspec.msgpack.Decoder(list[tuple[int, str]]).decode


class Event(Struct, frozen=True):
    """An event as it is kept."""

    id: int
    stream: str
    at: int
    ingested: int
    text: str


class Run(Struct, frozen=True):
    """Times and texts of events, in order of time."""

    id: int
    group: int
    stream: int
    ingested: int
    events: Sequence[tuple[int, str]]

    @property
    def first_id(self) -> int:
        """The id of the first event."""
        return self.id - len(self.events) + 1

    @property
    def size(self) -> int:
        """Bytes that it counts."""
        return sum(len(text) for _, text in self.events) + _OVERHEAD * len(self.events)


def _run(row: Sequence[Any], cover: Cover) -> Run:
    id, group, stream, ingested, at, text, packed = row
    events = [(at, opened(cover, text))] if packed is None else _decoded(cover.open(packed))
    return Run(id, group, stream, ingested, events)


def _next_second(at: int) -> int:
    return (at // _SECOND + 1) * _SECOND


def cut(id: int, group: int, stream: int, now: int, events: list[tuple[int, str]]) -> Iterator[Run]:
    """Events of a stream, in order of time, as runs; `id`: the first one's."""
    start = size = 0
    second = events[0][0] // _SECOND
    for number, (at, text) in enumerate(events):
        size += len(text)
        full = number - start == _EVENTS or size > _CHARACTERS
        if (full or at // _SECOND != second) and number > start:
            yield Run(id + number - 1, group, stream, now, events[start:number])
            start, size, second = number, len(text), at // _SECOND
    yield Run(id + len(events) - 1, group, stream, now, events[start:])


def add(db: Db, cover: Cover, runs: Iterable[Run]) -> None:
    """Keep runs under their ids, and count them to their groups."""
    rows: list[tuple[Any, ...]] = []
    sizes = Counter[int]()
    for run in runs:
        (first, _), (at, _) = run.events[0], run.events[-1]
        number, size = len(run.events), run.size
        sizes[run.group] += size
        packed = cover.close(msgspec.msgpack.encode(run.events))
        rows.append(
            (run.id, run.group, run.stream, at, run.ingested, "", first, number, size, packed)
        )
    insert(db, "events (id, grp, stream, at, ingested, text, first, number, bytes, run)", rows)
    _resize(db, [*sizes.items()])


def remove(db: Db, where: str, given: Sequence[int]) -> bool:
    """Drop runs, by a condition, and count them out of their groups; whether there were any."""
    # The plus: by the condition's index, not by the group's.
    sizes = db.execute(
        f"SELECT grp, -sum({_SIZE}) FROM events WHERE {where} GROUP BY +grp",  # noqa: S608  fixed
        given,
    ).fetchall()
    db.execute(f"DELETE FROM events WHERE {where}", given)  # noqa: S608  fixed pieces
    _resize(db, sizes)
    return bool(sizes)


def _resize(db: Db, sizes: list[tuple[int, int]]) -> None:
    db.executemany("UPDATE groups SET bytes = max(0, bytes + ?2) WHERE id = ?1", sizes)


def _thin(db: Db, cover: Cover, run: Run, stays: Callable[[int, str], bool]) -> None:
    """Take events out of a run. What stays is as many runs as there are gaps, so that it keeps
    its ids."""
    pieces: list[Run] = []
    numbered = enumerate(run.events, run.first_id)
    for stay, some in groupby(numbered, lambda each: stays(*each[1])):
        if stay:
            ids, events = zip(*some, strict=True)
            pieces.append(structs.replace(run, id=ids[-1], events=events))
    remove(db, "id = ?", (run.id,))
    add(db, cover, pieces)


def expire(db: Db, cover: Cover, group: int, before: int) -> bool:
    """Drop some of a group's events that are older; whether there were any."""
    whole = remove(
        db,
        "id IN (SELECT id FROM events WHERE grp = ? AND at < ? ORDER BY at, id LIMIT ?)",
        (group, before, _AT_ONCE),
    )
    parted = db.execute(
        f"SELECT {_ROW} FROM events AS e"  # noqa: S608  fixed pieces
        " WHERE grp = ? AND at >= ? AND at < ? AND first < ? LIMIT 100",
        (group, before, _next_second(before), before),
    ).fetchall()
    for row in parted:
        _thin(db, cover, _run(row, cover), lambda at, _: at >= before)
    return whole or bool(parted)


def shrink(db: Db, bytes_: int) -> bool:
    """Drop so much of the oldest of all; whether there was anything."""
    last = 0
    for id, size in db.execute(f"SELECT id, {_SIZE} FROM events ORDER BY id"):  # noqa: S608  fixed
        last, bytes_ = id, bytes_ - size
        if bytes_ <= 0:
            break
    return remove(db, "id <= ?", (last,))


def erase(
    db: Db, cover: Cover, after: int, hit: Callable[[str], bool], *, dry: bool
) -> tuple[int, int] | None:
    """Drop those of some events behind an id whose text is one that is meant: how many, and how
    far that was; None at the end. `dry`: only count."""
    seen = gone = 0
    runs: list[Run] = []
    rows = db.execute(
        f"SELECT {_ROW} FROM events AS e WHERE id > ? ORDER BY id",  # noqa: S608  fixed pieces
        (after,),
    )
    for row in rows:
        runs.append(_run(row, cover))
        seen += len(runs[-1].events)
        if seen >= _LOOKED_AT:
            break
    rows.close()
    for run in runs:
        found = sum(hit(text) for _, text in run.events)
        if found and not dry:
            _thin(db, cover, run, lambda _, text: not hit(text))
        gone += found
    return (gone, runs[-1].id) if runs else None


def page(
    db: Db, cover: Cover, group: int, streams: Sequence[int], start: int, end: int,
    after: tuple[int, int] | None, backward: bool, most: int,
) -> list[Event]:  # fmt: skip
    """See `LogBook.page`."""
    low, high = (start, 0), (min(end, _EVER) + 1, 0)
    if after is not None and backward:
        high = min(high, after)
    elif after is not None:
        low = max(low, (after[0], after[1] + 1))
    order = "DESC" if backward else "ASC"
    if len(streams) == 1:
        where = "e.stream = ?"
    else:
        # The plus keeps to the group's index, which has the order.
        marks = ", ".join("?" * len(streams))
        where = f"e.grp = ? AND +e.stream IN ({marks})" if streams else "e.grp = ?"
        streams = [group, *streams]
    rows = db.execute(
        f"SELECT s.name, {_BEGIN}, {_ROW}"  # noqa: S608  fixed pieces
        f" FROM events AS e JOIN streams AS s ON s.id = e.stream WHERE {where}"
        f" AND (at, e.id) >= (?, ?) AND at < ? AND ({_BEGIN}) < (?, ?)"
        f" ORDER BY at {order}, e.id {order}",
        (*streams, *low, _next_second(high[0]), *high),
    )
    found: list[tuple[int, int, str, int, str]] = []
    second = 0
    for name, first, first_id, *row in rows:
        id, at = row[0], row[4]
        if len(found) >= most:
            if at // _SECOND != second:
                break
            found.sort(reverse=backward)
            del found[most:]
            if (at, id) < found[-1] if backward else (first, first_id) > found[-1]:
                continue
        second = at // _SECOND
        run = _run(row, cover)
        found += [
            (at, id, name, run.ingested, text)
            for id, (at, text) in enumerate(run.events, run.first_id)
            if low <= (at, id) < high
        ]
    found.sort(reverse=backward)
    return [Event(id, name, at, ingested, text) for at, id, name, ingested, text in found[:most]]


def event(db: Db, cover: Cover, id: int) -> tuple[Event, str] | None:
    """An event and its group's name."""
    for stream, group, *row in db.execute(
        f"SELECT s.name, g.name, {_ROW} FROM events AS e JOIN streams AS s ON s.id = e.stream"  # noqa: S608  fixed pieces
        " JOIN groups AS g ON g.id = e.grp WHERE e.id >= ? ORDER BY e.id LIMIT 1",
        (id,),
    ):
        run = _run(row, cover)
        if id >= run.first_id:
            at, text = run.events[id - run.first_id]
            return Event(id, stream, at, run.ingested, text), group
    return None


def tail(path: Path, after: int, name: str, cover: Cover) -> tuple[int, list[tuple[str, str]]]:
    """Group and text of events behind an id, in the order they came, and the id to go on behind,
    read from outside the process that keeps them. `after` below 0: of the last so many. Raises
    `sqlite3.Error` and `NotOpened`."""
    order, last, most = ("DESC", 0, -after) if after < 0 else ("ASC", after, 1000)
    came = 0
    found: list[tuple[int, int, int, str, str]] = []
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        for group, *row in db.execute(
            f"SELECT g.name, {_ROW} FROM events AS e CROSS JOIN groups AS g ON g.id = e.grp"  # noqa: S608  fixed pieces
            f" WHERE e.id > ? AND instr(g.name, ?) ORDER BY e.id {order}",
            (last, name),
        ):
            run = _run(row, cover)
            # Whatever came together is in the order of its time.
            if len(found) >= most and run.ingested != came:
                break
            last, came = max(last, run.id), run.ingested
            found += [
                (came, at, id, group, text)
                for id, (at, text) in enumerate(run.events, run.first_id)
            ]
    finally:
        db.close()
    found.sort()
    return last, [(group, text) for *_, group, text in (found[after:] if after < 0 else found)]
