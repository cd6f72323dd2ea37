"""What is particular to the SQLite store."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from torana.state import open_store
from torana.state.store import Change, NewerSchema, StoreUnavailable


async def test_the_file_keeps_a_write_ahead_log(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/a.db")
    await store.commit([Change("api", "a", 0, b"")])
    with sqlite3.connect(tmp_path / "a.db") as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    reader.close()
    await store.close()


async def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/a.db")
    await store.commit([Change("api", "a", 0, b"")])
    files = [tmp_path / name for name in ("a.db", "a.db-shm", "a.db-wal")]
    assert [oct(each.stat().st_mode & 0o777) for each in files] == ["0o600"] * 3
    await store.close()


async def test_many_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    stores = await asyncio.gather(*(open_store(f"sqlite:///{tmp_path}/a.db") for _ in range(8)))
    await stores[0].commit([Change("api", "a", 0, b"")])
    assert [await store.revision() for store in stores] == [1] * 8
    for store in stores:
        await store.close()


async def test_a_file_of_a_newer_torana_is_refused(tmp_path: Path) -> None:
    await (await open_store(f"sqlite:///{tmp_path}/a.db")).close()
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("INSERT INTO migrations VALUES (99, '')")
    db.close()
    with pytest.raises(NewerSchema, match="99"):
        await open_store(f"sqlite:///{tmp_path}/a.db")


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database, but long enough to look like one" * 40)
    with pytest.raises(StoreUnavailable, match=r"a\.db"):
        await open_store(f"sqlite:///{tmp_path}/a.db")


async def test_an_address_without_a_file_is_refused() -> None:
    for url in ("sqlite:", "sqlite://host/a.db"):
        with pytest.raises(ValueError, match="sqlite:///"):
            await open_store(url)


async def test_a_commit_waits_for_another_process_to_finish_its_own(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/a.db")
    revision = await store.commit([Change("api", "a", 0, b"1")])
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    document = await asyncio.wait_for(store.get("api", "a"), 1)
    assert document is not None
    waiting = asyncio.ensure_future(store.commit([Change("api", "a", revision, b"2")]))
    await asyncio.sleep(0.1)
    other.execute("ROLLBACK")
    other.close()
    assert await waiting == revision + 1
    await store.close()
