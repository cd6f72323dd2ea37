"""The audit trail: chains on disk, tampering found, pruning, and where else lines go."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from torana.app.audit_trail import poster
from torana.message import Headers, Reply, Request, read
from torana.net.client import HttpClient
from torana.net.server import listen
from torana.telemetry.trail import Trail
from torana.telemetry.trail.chain import Link
from torana.telemetry.trail.exports import Export, export
from torana.telemetry.trail.files import Report, check, prune

KEY = b"k" * 32


def written(folder: Path, lines: int = 4) -> tuple[Trail, Path]:
    """A trail with so many lines behind its first, and its file."""
    trail = Trail(folder, KEY, "node")
    for number in range(lines):
        trail.write({"event": "call", "operation": f"Op{number}"})
    return trail, next(folder.glob(f"{trail.chain}*"))


def said(report: Report) -> list[str]:
    return [each.what for each in report.broken]


def test_a_chain_that_nobody_touched_holds(tmp_path: Path) -> None:
    trail, _ = written(tmp_path)
    other, _ = written(tmp_path)
    heads = {trail.chain: trail.head, other.chain: Link(2, "")}
    report = check(tmp_path, KEY, {trail.chain: trail.head})
    assert (said(report), report.lines, report.chains) == ([], 10, 2)
    assert said(check(tmp_path, KEY, heads)) == ["line 2 is another than it was"]


Change = Callable[[list[bytes]], list[bytes]]
TAMPERED: list[tuple[Change, str]] = [
    (lambda lines: [*lines[:2], lines[2].replace(b"Op1", b"Op9"), *lines[3:]], "changed"),
    (lambda lines: [*lines[:2], *lines[3:]], "line 3 is missing"),
    (lambda lines: [*lines[:2], lines[3], lines[2], lines[4]], "reordered"),
    (lambda lines: [*lines[:3], lines[2], *lines[3:]], "put in twice"),
    (lambda lines: lines[:3], "lines 4 to 5 are missing at the end"),
    (lambda lines: [b'{"event":"call"}', *lines[1:]], "changed"),
]


@pytest.mark.parametrize(
    ("change", "found"),
    TAMPERED,
    ids=["changed", "missing", "reordered", "doubled", "cut off", "replaced"],
)
def test_tampering_is_found(tmp_path: Path, change: Change, found: str) -> None:
    trail, path = written(tmp_path)
    path.write_bytes(b"\n".join(change(path.read_bytes().splitlines())) + b"\n")
    assert any(found in each for each in said(check(tmp_path, KEY, {trail.chain: trail.head})))


def test_a_file_that_is_gone_is_missed(tmp_path: Path) -> None:
    trail, path = written(tmp_path)
    path.unlink()
    assert said(check(tmp_path, KEY, {trail.chain: trail.head})) == [
        "the whole chain is missing, 5 lines"
    ]


def test_a_line_cannot_be_forged_without_the_key(tmp_path: Path) -> None:
    trail, path = written(tmp_path)
    forged, forgery = Trail(tmp_path / "forged", b"x" * 32, "node"), path.read_bytes()
    forged.chain, forged.head = trail.chain, trail.head
    forged.write({"event": "call", "operation": "Nothing"})
    line = next((tmp_path / "forged").glob("*.jsonl")).read_bytes().splitlines()[-1]
    path.write_bytes(forgery + line + b"\n")
    assert said(check(tmp_path, KEY, {})) == ["the line was changed"]


def test_what_is_left_after_pruning_can_still_be_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torana.telemetry.trail.writer._SEGMENT", 600)
    gone, _ = written(tmp_path, 3)
    living, _ = written(tmp_path, 12)
    heads = {gone.chain: gone.head, living.chain: living.head}
    assert len(list(tmp_path.glob(f"{living.chain}*"))) > 3
    pruned = prune(living, KEY, datetime.now(UTC) + timedelta(days=1), heads)
    assert len(pruned) > 3
    left = list(tmp_path.iterdir())
    assert [path.name.startswith(living.chain) for path in left] == [True] * len(left)
    assert said(check(tmp_path, KEY, heads)) == []
    first = min(left)
    first.write_bytes(b"".join(first.read_bytes().splitlines(keepends=True)[1:]))
    assert said(check(tmp_path, KEY, heads)) != []


def test_a_flood_of_denied_requests_is_counted(tmp_path: Path) -> None:
    trail = Trail(tmp_path, KEY, "node")
    for _ in range(2000):
        trail.denied({"path": "/"})
    trail.close()
    lines = [json.loads(line) for line in next(tmp_path.iterdir()).read_bytes().splitlines()]
    counted = sum(line.get("requests", 0) for line in lines)
    assert counted + sum(line["event"] == "denied" for line in lines) == 2000
    assert len(lines) < 1500


@asynccontextmanager
async def exporting(address: str, http: HttpClient) -> AsyncGenerator[Export]:
    found = export(address, poster(http))
    running = asyncio.ensure_future(found.run())
    try:
        yield found
        await found.drain()
    finally:
        running.cancel()


async def test_lines_go_to_a_file_and_to_syslog(tmp_path: Path) -> None:
    http = HttpClient()
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(5)
    addresses = (f"file:{tmp_path / 'copy'}", f"syslog:udp://127.0.0.1:{receiver.getsockname()[1]}")
    for address in addresses:
        async with exporting(address, http) as sink:
            trail = Trail(tmp_path / "trail", KEY, "node", (sink,))
            trail.write({"event": "denied", "denied": "because"})
    copied = (tmp_path / "copy").read_text().splitlines()
    assert [json.loads(line)["event"] for line in copied] == ["start", "denied"]
    assert receiver.recv(4096).startswith(b"<109>1 ")
    denied = receiver.recv(4096).decode()
    assert denied.startswith("<108>1 ")
    assert f" torana {os.getpid()} denied - {{" in denied
    receiver.close()
    await http.aclose()


async def test_lines_go_to_a_collector_that_was_away(tmp_path: Path) -> None:
    got: list[dict[str, object]] = []
    statuses = [503, 200]

    async def collect(request: Request) -> Reply:
        body = await read(request.body, 1 << 20)
        status = statuses.pop(0)
        if status == 200:
            got.append(msgspec.json.decode(body))
        return Reply(status, Headers(), b"{}")

    listener, http = await listen(collect), HttpClient()
    async with exporting(f"otlp:http://127.0.0.1:{listener.port}/v1/logs", http) as sink:
        Trail(tmp_path, KEY, "node", (sink,)).write({"event": "call", "operation": "GetUser"})
    await listener.close()
    await http.aclose()
    records = msgspec.json.encode(got[0]).decode()
    assert '"torana.audit.operation","value":{"stringValue":"GetUser"}' in records


def test_an_address_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="is none of file:PATH"):
        export("tape:1", poster(HttpClient()))
