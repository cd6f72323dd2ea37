"""Log lines to files."""

import asyncio
from pathlib import Path

from torana.telemetry.lines import Lines


async def test_a_file_that_is_full_is_put_aside_by_one_of_its_writers(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    writers = [Lines(str(path), most=1000) for _ in range(2)]
    for number in range(30):
        for writer in writers:
            writer.write(f"{number:03d} " + "x" * 95)
            writer.flush()
        await asyncio.sleep(0)
    for writer in writers:
        writer.close()
    kept = [each.read_text().splitlines() for each in (tmp_path / "a.log.1", path)]
    assert all(len(lines) * 100 <= 1300 for lines in kept)
    assert all(len(line) == 99 for lines in kept for line in lines)
    assert not (tmp_path / "a.log.2").exists()


async def test_a_file_without_a_limit_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    lines = Lines(str(path))
    for number in range(100):
        lines.write(f"line {number}")
    lines.close()
    assert len(path.read_text().splitlines()) == 100
