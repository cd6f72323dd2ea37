"""Words overwritten in files of lines, where they stand, while others append."""

import os
from collections.abc import Callable
from pathlib import Path

from torana.sealing.vault import Cover, NotOpened


def overwrite(path: Path, cover: Cover, change: Callable[[bytes], bytes]) -> int:
    """Put what `change` makes of each line in its place: as many bytes, so that whoever appends is
    not disturbed. How many lines were others. One that does not open is passed over.

    Raises `OSError`, and `ValueError` where `change` does not keep the length.
    """
    changed, at = 0, 0
    file = os.open(path, os.O_RDWR)
    try:
        with os.fdopen(os.dup(file), "rb") as lines:
            for line in lines:
                body = line.rstrip(b"\n")
                made = _changed(body, cover, change)
                if made != body:
                    os.pwrite(file, made, at)
                    changed += 1
                at += len(line)
        os.fsync(file)
    finally:
        os.close(file)
    return changed


def _changed(line: bytes, cover: Cover, change: Callable[[bytes], bytes]) -> bytes:
    try:
        before = cover.open_line(line)
    except NotOpened:
        return line
    after = change(before)
    if len(after) != len(before):
        raise ValueError("a line may not change its length")
    if after == before:
        return line
    return after if before == line else cover.line_like(line, after)
