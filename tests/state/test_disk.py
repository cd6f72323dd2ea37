"""The object store on disk, where a client cannot see it: crashes, other processes, files."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from torana.state import open_objects
from torana.state.disk import Disk
from torana.state.objects import Changed, NoObject, Object


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def put(disk: Disk, key: str, *data: bytes, replaces: str | None = None) -> Object:
    blob = await disk.write(pieces(*data))
    return await disk.put("b", key, [blob], f"etag-{blob.id}", {}, replaces)


async def content(disk: Disk, found: Object, start: int = 0, size: int | None = None) -> bytes:
    reading = disk.read(found, start, found.size if size is None else size)
    return b"".join([piece async for piece in reading])


def files(folder: Path) -> int:
    return sum(file.is_file() for file in (folder / "blobs").rglob("*"))


async def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    await disk.create_bucket("b", "r")
    await put(disk, "k", b"one", b"two")
    await disk.close()
    again = Disk(tmp_path, sweep=True)
    assert await content(again, await again.get("b", "k")) == b"onetwo"
    await again.close()


async def test_bytes_that_a_crash_left_are_cleared_at_the_next_start(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    await disk.create_bucket("b", "r")
    await put(disk, "k", b"kept")
    await disk.write(pieces(b"never made an object"))
    await disk.close()
    assert files(tmp_path) == 2
    again = Disk(tmp_path, sweep=True)
    await again.buckets()
    assert files(tmp_path) == 1
    assert await content(again, await again.get("b", "k")) == b"kept"
    await again.close()


async def test_replacing_and_deleting_free_the_files(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    await disk.create_bucket("b", "r")
    await put(disk, "k", b"1")
    await put(disk, "k", b"2")
    assert files(tmp_path) == 1
    assert await disk.delete("b", "k")
    assert not await disk.delete("b", "k")
    assert files(tmp_path) == 0
    await disk.close()


async def test_a_body_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(1 << 20)
        raise ConnectionError("gone")

    disk = Disk(tmp_path)
    with pytest.raises(ConnectionError):
        await disk.write(broken())
    assert files(tmp_path) == 0
    await disk.close()


async def test_of_many_that_create_one_wins(tmp_path: Path) -> None:
    disks = [Disk(tmp_path) for _ in range(3)]
    await disks[0].create_bucket("b", "r")
    attempts = [put(disk, "once", b"x", replaces="") for disk in disks for _ in range(5)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(each, Object) for each in outcomes) == 1
    assert sum(isinstance(each, Changed) for each in outcomes) == 14
    for disk in disks:
        await disk.close()


async def test_a_reader_of_what_is_replaced_is_told_or_reads_the_old(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    await disk.create_bucket("b", "r")
    old = await put(disk, "k", bytes(1 << 20))
    reading = disk.read(old, 0, old.size)
    first = await reading.__anext__()
    await put(disk, "k", b"new")
    rest = b"".join([piece async for piece in reading])
    assert len(first) + len(rest) == old.size
    with pytest.raises(ConnectionError):
        await content(disk, old)
    with pytest.raises(NoObject):
        await disk.share(old)
    await disk.close()


async def test_ranges_cross_the_blobs_of_an_object(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    await disk.create_bucket("b", "r")
    blobs = [await disk.write(pieces(part)) for part in (b"abc", b"", b"def", b"ghi")]
    made = await disk.put("b", "k", blobs, "e", {})
    assert await content(disk, made, 2, 5) == b"cdefg"
    assert await content(disk, made, 9 - 1, 1) == b"i"
    await disk.close()


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="no objects for 'ftp'"):
        open_objects("ftp://x", sweep=False)
