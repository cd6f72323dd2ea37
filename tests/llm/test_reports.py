"""Reports from a ledger of many days: forecasts, tags, and tables that no client can spoil."""

import csv
import io
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from torana.app.llm_desk_wire import Refused
from torana.app.llm_reports import Reports
from torana.llm.spend import Spent
from torana.message import read


def ledger(folder: Path, *lines: Spent) -> Reports:
    for spent in lines:
        day = time.strftime("%Y-%m-%d", time.gmtime(spent.at))
        with (folder / f"usage-{day}.jsonl").open("ab") as file:
            file.write(msgspec.json.encode(spent) + b"\n")
    return Reports(folder)


def spent(days_ago: int, usd: float | None = 1.0, **more: Any) -> Spent:
    at = (datetime.now(UTC) - timedelta(days=days_ago)).timestamp()
    return Spent(at, "k", "fast", "up", "m", 200, 10, 5, usd=usd, **more)


async def told(reports: Reports, path: str, query: str = "") -> str:
    reply = await reports.handle(path.split("/"), query)
    assert reply is not None
    return (await read(reply.body, 10**6)).decode()


async def test_a_month_is_foretold_from_the_days_before(tmp_path: Path) -> None:
    past = [spent(ago, team="blue") for ago in range(40)]
    reports = ledger(tmp_path, *past, spent(0, team="new"))
    blue, new = json.loads(await told(reports, "forecast"))["forecasts"]
    today = datetime.now(UTC).date()
    days = ((today.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)).day
    assert blue["spent"] == today.day
    assert blue["mean"] == pytest.approx(days, rel=0.05)
    assert blue["low"] <= blue["mean"] <= blue["high"]
    assert (new["group"], new["spent"], new["mean"]) == ({"team": "new"}, 1.0, None)


async def test_tags_count_each_and_unknown_prices_are_told(tmp_path: Path) -> None:
    reports = ledger(tmp_path, spent(0, tags=("a", "b")), spent(0, None, tags=("b",)))
    totals = json.loads(await told(reports, "usage", "by=tag"))["totals"]
    assert [(t["group"]["tag"], t["requests"], t["usd"], t["unpriced"]) for t in totals] == [
        ("a", 1, 1.0, 0),
        ("b", 2, 1.0, 1),
    ]
    chosen = json.loads(await told(reports, "usage", "by=model&tag=a"))["totals"]
    assert [t["requests"] for t in chosen] == [1]


async def test_no_cell_of_a_table_is_a_formula(tmp_path: Path) -> None:
    reports = ledger(tmp_path, spent(0, end_user="=HYPERLINK(1)"))
    for path, query in (("usage", "by=end_user&format=csv"), ("usage/requests", "format=csv")):
        [row] = csv.DictReader(io.StringIO(await told(reports, path, query)))
        assert row["end_user"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("usage", "by=secret"),
        ("usage", "from=x"),
        ("invoices", "month=2026-13"),
        ("usage", "format=x"),
    ],
)
async def test_what_is_asked_wrongly_is_refused(tmp_path: Path, path: str, query: str) -> None:
    with pytest.raises(Refused):
        await Reports(tmp_path).handle([path], query)
