"""The chains of a folder: read, checked, pruned.

Pruning takes whole files whose last line is old. What then is a chain's beginning is said in a line
of a living chain, for every chain that has lost something, so that the rest can still be checked.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from torana.sealing import Cover
from torana.sealing.vault import opened_lines
from torana.telemetry.trail.chain import Broken, Json, Link, followed
from torana.telemetry.trail.writer import Trail

PRUNED = "pruned"
"""The event of a line that says where chains begin."""


class Report(Struct):
    """What a check found."""

    lines: int = 0
    chains: int = 0
    broken: list[Broken] = []


def chains(folder: Path) -> dict[str, list[Path]]:
    """The files of each chain, in order."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        found.setdefault(path.name.rsplit(".", 2)[0], []).append(path)
    return found


def lines(paths: list[Path], cover: Cover | None = None) -> Iterator[tuple[str, bytes]]:
    """Every line and its place."""
    for path in paths:
        with path.open("rb") as file:
            for number, line in enumerate(opened_lines(iter(file), cover), 1):
                yield f"{path.name}:{number}", line


def bases(folder: Path, key: bytes, cover: Cover | None = None) -> dict[str, Link]:
    """Where chains begin that were pruned, by the newest line that says so and holds."""
    newest, found = "", dict[str, Link]()
    for chain, paths in chains(folder).items():
        for line in followed(key, chain, lines(paths, cover), None):
            if isinstance(line, dict) and line.get("event") == PRUNED and line["time"] > newest:
                newest = line["time"]
                found = {name: Link(*at) for name, at in line["bases"].items()}
    return found


def check(
    folder: Path, key: bytes, heads: Mapping[str, Link], cover: Cover | None = None
) -> Report:
    """Go through every chain. `heads`: how far each got at least, as told elsewhere."""
    report, begins = Report(), bases(folder, key, cover)
    there = chains(folder)
    for chain, paths in there.items():
        report.chains += 1
        head, last, at = heads.get(chain), Link(), begins.get(chain)
        passed = head is None or (at is not None and at.seq >= head.seq)
        for line in followed(key, chain, lines(paths, cover), at):
            if isinstance(line, Broken):
                report.broken.append(line)
                continue
            report.lines += 1
            last = Link(line["seq"], line["mac"])
            if head is not None and last.seq == head.seq:
                passed = True
                if last.mac != head.mac:
                    report.broken.append(Broken(chain, f"line {head.seq} is another than it was"))
        if not passed and head is not None:
            told = f"lines {last.seq + 1} to {head.seq} are missing at the end"
            report.broken.append(Broken(chain, told))
    for chain, head in heads.items():
        if chain not in there and begins.get(chain, Link()).seq < head.seq:
            report.broken.append(Broken(chain, f"the whole chain is missing, {head.seq} lines"))
    return report


def prune(trail: Trail, key: bytes, before: datetime, heads: Mapping[str, Link]) -> list[str]:
    """Delete what is older; the names of the files. `heads`: see `check`."""
    there = chains(trail.folder)
    begins = {
        name: at
        for name, at in bases(trail.folder, key, trail.cover).items()
        if name in heads or name in there
    }
    gone: list[Path] = []
    for chain, paths in there.items():
        for path in paths:
            last = _last(path, trail.cover)
            living = chain == trail.chain and path == paths[-1]
            if last is None or living or datetime.fromisoformat(last["time"]) >= before:
                break
            begins[chain] = Link(last["seq"], last["mac"])
            gone.append(path)
    if gone:
        told = {chain: [at.seq, at.mac] for chain, at in begins.items()}
        trail.write({"event": PRUNED, "files": [path.name for path in gone], "bases": told})
        for path in gone:
            path.unlink()
    return [path.name for path in gone]


def _last(path: Path, cover: Cover | None) -> Json | None:
    found = path.read_bytes().rstrip(b"\n").rpartition(b"\n")[2]
    try:
        [line] = opened_lines(iter([found]), cover)
        return msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
