"""The node's log book: events in runs, read, shortened and dropped as if each were alone."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from torana.sealing import Cover, Vault
from torana.telemetry import log_catalog
from torana.telemetry.log_catalog import streams
from torana.telemetry.log_runs import tail
from torana.telemetry.logbook import Event, LogBook

NOW = 1_772_359_200_000
"""Milliseconds."""
DAY = 86_400_000
EVER = (1 << 63) - 1
PLAIN = Vault().cover("logs")


@asynccontextmanager
async def opened(folder: Path, cover: Cover | None = None) -> AsyncGenerator[LogBook]:
    book = LogBook(folder / "logs.db", clock=lambda: NOW / 1000, cover=cover)
    await book.open()
    try:
        yield book
    finally:
        await book.close()


async def rows(book: LogBook) -> list[int]:
    """How many events each row has."""
    query = "SELECT number FROM events ORDER BY id"
    return [number for (number,) in await book.read(lambda db: db.execute(query).fetchall())]


async def size(book: LogBook, name: str = "g") -> int:
    group = await book.read(lambda db: log_catalog.group(db, name))
    assert group is not None
    return group.bytes


async def all_of(book: LogBook, *streams: int, start: int = 0, end: int = EVER) -> list[Event]:
    return await book.page(1, streams, start, end, most=1 << 30)


async def paged(book: LogBook, most: int, *streams: int, backward: bool = False) -> list[Event]:
    found: list[Event] = []
    while True:
        after = (found[-1].at, found[-1].id) if found else None
        page = await book.page(1, streams, 0, EVER, after=after, backward=backward, most=most)
        assert len(page) <= most
        found += page
        if not page:
            return found


async def scattered(book: LogBook) -> None:
    """Events of three streams in five seconds, out of order, in overlapping batches."""
    random = Random(5)
    for batch in range(30):
        entries = [
            (
                "g",
                random.choice("abc"),
                [(NOW + random.randrange(5000), f"{batch} {each} {n}") for n in range(10)],
            )
            for each in range(4)
        ]
        await book.put(entries)


async def test_what_comes_together_of_a_stream_is_one_row_for_each_second(tmp_path: Path) -> None:
    async with opened(tmp_path) as book:
        a, b = [(NOW + 100, "x"), (NOW + 1200, "y"), (NOW, "z")], [(NOW, "w")]
        await book.put([("g", "a", a), ("g", "b", b)])
        assert await rows(book) == [2, 1, 1]


async def test_a_row_is_bounded_in_events_and_in_characters(tmp_path: Path) -> None:
    async with opened(tmp_path) as book:
        await book.put([("g", "s", [(NOW, "x")] * 1100)])
        await book.put([("g", "s", [(NOW, "x" * 100_000)] * 5)])
        assert await rows(book) == [500, 500, 100, 2, 2, 1]


async def test_ids_grow_with_what_comes_and_lead_to_each_event(tmp_path: Path) -> None:
    async with opened(tmp_path) as book:
        await scattered(book)
        found = await all_of(book)
        assert sorted(each.id for each in found) == [*range(1, 1201)]
        for each in found[::17]:
            assert await book.event(each.id) == (each, "g")
        assert await book.event(1201) is None


async def test_pages_of_any_length_lead_through_all_events_both_ways(tmp_path: Path) -> None:
    async with opened(tmp_path) as book:
        await scattered(book)
        found = await all_of(book)
        assert len(found) == 1200
        assert found == sorted(found, key=lambda each: (each.at, each.id))
        for most in (1, 7, 400):
            assert await paged(book, most) == found
            assert await paged(book, most, backward=True) == found[::-1]


async def test_pages_of_some_streams_hold_theirs_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as book:
        await scattered(book)
        found = await all_of(book)
        ids = {each.name: each.id for each in await book.read(lambda db: streams(db, 1))}
        for names in ("a", "ac"):
            own = [each for each in found if each.stream in names]
            wanted = [ids[name] for name in names]
            assert await paged(book, 7, *wanted) == own
            assert await paged(book, 7, *wanted, backward=True) == own[::-1]


async def test_a_range_of_time_is_exact_within_a_row(tmp_path: Path) -> None:
    async with opened(tmp_path) as book:
        await scattered(book)
        found = await all_of(book)
        for start, end in ((NOW, NOW + 1), (NOW + 250, NOW + 2750), (NOW + 999, NOW + 1000)):
            within = [each for each in found if start <= each.at <= end]
            assert await all_of(book, start=start, end=end) == within
            last = await book.page(1, [], start, end, backward=True, most=3)
            assert last == within[-3:][::-1]


async def test_retention_is_exact_within_a_row(tmp_path: Path) -> None:
    async with opened(tmp_path) as book:
        await scattered(book)
        found = await all_of(book)
        book.days = lambda group: 1
        book.clock = lambda: (NOW + DAY + 1500) / 1000
        await book.tidy()
        left = [each for each in found if each.at >= NOW + 1500]
        assert await all_of(book) == left
        assert await size(book) == sum(len(each.text) + 26 for each in left)


async def test_what_is_erased_leaves_the_others_with_their_ids(tmp_path: Path) -> None:
    async with opened(tmp_path) as book:
        texts = ["stays 0", "Ada 1", "stays 2", "stays 3", "Ada 4", "Ada 5", "stays 6"]
        await book.put([("g", "s", [(NOW, text) for text in texts])])
        assert await book.erase(lambda text: "Ada" in text, dry=True) == 3
        assert await book.erase(lambda text: "Ada" in text) == 3
        left = await all_of(book)
        assert [(each.id, each.text) for each in left] == [
            (1, "stays 0"), (3, "stays 2"), (4, "stays 3"), (7, "stays 6"),
        ]  # fmt: skip
        assert [await book.event(id) is None for id in (2, 3, 5, 6)] == [True, False, True, True]
        assert await size(book) == 4 * (7 + 26)
    held = (tmp_path / "logs.db").read_bytes()
    assert b"stays" in held and b"Ada" not in held


async def test_a_stream_that_is_dropped_no_longer_counts(tmp_path: Path) -> None:
    async with opened(tmp_path) as book:
        await book.put([("g", "a", [(NOW, "xx")] * 3), ("g", "b", [(NOW, "y")])])
        await book.write(lambda db: log_catalog.drop_stream(db, 1))
        assert await size(book) == 1 + 26


async def test_the_tail_is_in_the_order_of_time_whatever_the_stream(tmp_path: Path) -> None:
    path = tmp_path / "logs.db"
    async with opened(tmp_path) as book:
        await book.put([
            ("/a", "s", [(NOW + 1, "1"), (NOW + 3, "3"), (NOW + 5, "5")]),
            ("/b", "s", [(NOW + 2, "2"), (NOW + 4, "4")]),
        ])  # fmt: skip
        last, found = tail(path, -4, "", PLAIN)
        assert found == [("/b", "2"), ("/a", "3"), ("/b", "4"), ("/a", "5")]
        assert tail(path, last, "", PLAIN) == (last, [])
        await book.put([("/a", "s", [(NOW, "6")])])
        assert tail(path, last, "", PLAIN)[1] == [("/a", "6")]
        assert [text for _, text in tail(path, 0, "b", PLAIN)[1]] == ["2", "4"]


def old(folder: Path, texts: dict[int, str | bytes]) -> None:
    """A file from before there were runs: an event in each row, a second apart."""
    with sqlite3.connect(folder / "logs.db", isolation_level=None) as db:
        db.executescript(f"{log_catalog.SCHEMA[0]}; PRAGMA user_version = 1")
        group = log_catalog.make_group(db, "g", NOW, {})
        assert group is not None
        stream = log_catalog.make_stream(db, group, "s", NOW)
        for id, text in texts.items():
            event = (id, group, stream, NOW + id * 1000, NOW, text)
            db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", event)
            db.execute("UPDATE groups SET bytes = bytes + ?", (len(text) + 26,))
    db.close()


async def test_events_of_an_older_file_are_read_beside_new_ones(tmp_path: Path) -> None:
    old(tmp_path, {3: "three", 4: "four"})
    async with opened(tmp_path) as book:
        await book.put([("g", "s", [(NOW + 3000, "3.0"), (NOW + 3500, "3.5")])])
        found = await all_of(book)
        assert [(each.id, each.text) for each in found] == [
            (3, "three"), (5, "3.0"), (6, "3.5"), (4, "four"),
        ]  # fmt: skip
        assert await paged(book, 1, backward=True) == found[::-1]
        assert await book.event(4) == (found[-1], "g")
        assert await book.event(2) is None
        seen = tail(tmp_path / "logs.db", -9, "", PLAIN)[1]
        assert {text for _, text in seen} == {"three", "four", "3.0", "3.5"}


async def test_events_of_an_older_file_are_dropped_as_new_ones_are(tmp_path: Path) -> None:
    old(tmp_path, {1: "first", 2: "Ada", 3: "third"})
    async with opened(tmp_path) as book:
        assert await book.erase(lambda text: text == "Ada") == 1
        book.days = lambda group: 1
        book.clock = lambda: (NOW + DAY + 1500) / 1000
        await book.tidy()
        assert [each.text for each in await all_of(book)] == ["third"]
        assert await size(book) == 5 + 26
        await book.write(lambda db: log_catalog.drop_stream(db, 1))
        assert await size(book) == 0


async def test_events_of_an_older_file_that_is_encrypted_are_read_beside_new_ones(
    tmp_path: Path,
) -> None:
    vault = Vault(("logs",))
    vault.put(b"8 bytes.", "logs", bytes(32))
    vault.use(b"8 bytes.")
    cover = vault.cover("logs")
    old(tmp_path, {1: "from before encryption", 2: cover.close(b"closed")})
    async with opened(tmp_path, cover) as book:
        await book.put([("g", "s", [(NOW + 9000, "closed, too"), (NOW + 9001, "and this")])])
        found = [each.text for each in await all_of(book)]
        assert found == ["from before encryption", "closed", "closed, too", "and this"]
    held = (tmp_path / "logs.db").read_bytes()
    assert b"before" in held and b"closed" not in held
