"""How much memory processes hold, and which processes there are, by Linux's `/proc`."""

import os
from pathlib import Path


def held(pids: list[int]) -> int:
    """Bytes that processes hold together; what forks share counts once."""
    return _resident(pids[0]) if len(pids) == 1 else sum(map(_share, pids))


def children(pid: int) -> list[int]:
    """The processes that a process started, where the system tells."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(each) for each in text.split()]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except (OSError, IndexError):
        return 0


def _share(pid: int) -> int:
    """What a process holds of memory that forks may share, where the system tells."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    return _resident(pid)
