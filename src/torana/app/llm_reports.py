"""Reports of what the LLM API was used for: sums, single requests, monthly invoices, forecasts; as
JSON or CSV."""

import asyncio
import calendar
import csv
import io
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec

from torana.app.llm_desk_wire import Refused, answered
from torana.llm.spend import GROUPS, Spent, Total, chosen, totals
from torana.message import Continued, Headers, Reply
from torana.sealing import Cover
from torana.services.costs.forecast import LEAST, forecast, total

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MONTH = re.compile(r"\d{4}-\d\d")
_SUMS = ("requests", "failed", "input", "output", "cached", "usd", "unpriced", "hits", "saved")
_SUMMED = (*_SUMS, "seconds", "answered")
_LEDGER = Spent.__struct_fields__
_PAGE = 1000
_PAST, _LEVEL = 90, 80
"""Days that a forecast looks back, and percent of cases that its interval holds."""


class Reports:
    """From the ledger in a folder."""

    def __init__(self, usage: Path, cover: Cover | None = None) -> None:
        self._usage, self._cover = usage, cover

    async def handle(self, parts: list[str], query: str) -> Reply | None:
        """None: there is no such report. Raises `Refused`."""
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        match parts:
            case ["usage"]:
                return await self._sums(asked)
            case ["usage", "requests"]:
                return self._requests(asked)
            case ["invoices"]:
                return await self._invoices(asked)
            case ["forecast"]:
                return await self._forecast(asked)
            case _:
                return None

    async def _totals(
        self, first: str, last: str, by: Sequence[str], only: dict[str, str]
    ) -> list[Total]:
        return await asyncio.to_thread(totals, self._usage, first, last, by, only, self._cover)

    async def _sums(self, asked: dict[str, str]) -> Reply:
        by, (first, last) = _by(asked, "key"), _days(asked)
        found = await self._totals(first, last, by, _only(asked))
        if not _csv(asked):
            return answered(200, {"totals": found})
        rows = [
            [*each.group.values(), *(getattr(each, name) for name in _SUMMED)] for each in found
        ]
        return _table(f"usage-{first}", [*by, *_SUMMED], rows)

    def _requests(self, asked: dict[str, str]) -> Reply:
        """Lines of the ledger, as they are or as a table, however many they are."""
        first, last = _days(asked)
        found = chosen(self._usage, first, last, _only(asked), self._cover)
        as_table = _csv(asked)

        async def pages() -> AsyncIterator[bytes]:
            if as_table:
                yield _rows([_LEDGER])
            while page := await asyncio.to_thread(lambda: list(islice(found, _PAGE))):
                yield _rows(map(_cells, page)) if as_table else _lines(page)

        kind = "text/csv; charset=utf-8" if as_table else "application/jsonl"
        return Reply(200, _fields(kind, f"requests-{first}"), Continued(b"", pages()))

    async def _invoices(self, asked: dict[str, str]) -> Reply:
        """A month of every team, by model; one whose keys are of no team has no name."""
        month = asked.get("month", time.strftime("%Y-%m", time.gmtime()))
        if not _MONTH.fullmatch(month) or not 1 <= int(month[5:]) <= 12:
            raise Refused(400, "month: such as 2026-11")
        last = calendar.monthrange(int(month[:4]), int(month[5:]))[1]
        period = f"{month}-01", f"{month}-{last:02}"
        only = _only({k: v for k, v in asked.items() if k in ("team", "organization")})
        by = ("organization", "team", "model", "provider", "target")
        found = await self._totals(*period, by, only)
        if _csv(asked):
            rows = [[month, *t.group.values(), *(getattr(t, n) for n in _SUMS)] for t in found]
            return _table(f"invoices-{month}", ["month", *by, *_SUMS], rows)
        teams: dict[tuple[str, str], list[Total]] = {}
        for each in found:
            place = each.group.pop("organization"), each.group.pop("team")
            teams.setdefault(place, []).append(each)
        invoices = [_invoice(period, *place, lines) for place, lines in teams.items()]
        return answered(200, {"month": month, "currency": "USD", "invoices": invoices})

    async def _forecast(self, asked: dict[str, str]) -> Reply:
        """What this month will have cost at its end, of each group; nothing without a week of
        days that are over."""
        by = _by(asked, "team")
        today = datetime.now(UTC).date()
        start = today - timedelta(days=_PAST)
        found = await self._totals(start.isoformat(), today.isoformat(), ("day", *by), _only(asked))
        costs: dict[tuple[str, ...], dict[str, float]] = {}
        for each in found:
            day = each.group.pop("day")
            costs.setdefault(tuple(each.group.values()), {})[day] = each.usd
        told = [
            {"group": dict(zip(by, place, strict=True)), **_foretold(days, today)}
            for place, days in sorted(costs.items())
        ]
        if not _csv(asked):
            return answered(200, {"month": f"{today:%Y-%m}", "level": _LEVEL, "forecasts": told})
        names = ("spent", "mean", "low", "high")
        rows = [[*each["group"].values(), *(each[name] for name in names)] for each in told]
        return _table(f"forecast-{today:%Y-%m}", [*by, *names], rows)


def _invoice(
    period: tuple[str, str], organization: str, team: str, lines: list[Total]
) -> dict[str, Any]:
    return {
        "organization": organization,
        "team": team,
        "from": period[0],
        "to": period[1],
        "lines": [
            {**each.group, **{name: getattr(each, name) for name in _SUMS}} for each in lines
        ],
        "requests": sum(each.requests for each in lines),
        "usd": round(sum(each.usd for each in lines), 6),
        "unpriced": sum(each.unpriced for each in lines),
        "saved": round(sum(each.saved for each in lines), 6),
    }


def _foretold(days: dict[str, float], today: date) -> dict[str, Any]:
    """What was spent this month, and what it will be with the days that are left; the day that is
    under way counts as it was foretold, or as what it cost already, whichever is more."""
    month = f"{today:%Y-%m}"
    spent = sum(usd for day, usd in days.items() if day.startswith(month))
    told: dict[str, Any] = {"spent": round(spent, 6), "mean": None, "low": None, "high": None}
    first = date.fromisoformat(min(days))
    number = (today - first).days
    if number < LEAST:
        return told
    past = [days.get((first + timedelta(days=at)).isoformat(), 0.0) for at in range(number)]
    left = calendar.monthrange(today.year, today.month)[1] - today.day + 1
    coming = forecast(past, 1, left, _LEVEL)
    now = days.get(today.isoformat(), 0.0)
    rest, before = total(coming), spent - now
    for name in ("mean", "low", "high"):
        told[name] = round(max(spent, before + getattr(rest, name)), 6)
    return told


def _by(asked: dict[str, str], usual: str) -> tuple[str, ...]:
    by = tuple(filter(None, asked.get("by", usual).split(",")))
    if not set(by) <= set(GROUPS):
        raise Refused(400, f"by: some of {', '.join(GROUPS)}")
    return by


def _days(asked: dict[str, str]) -> tuple[str, str]:
    today = time.strftime("%Y-%m-%d", time.gmtime())
    first, last = asked.get("from", today), asked.get("to", "9999-99-99")
    if not _DAY.fullmatch(first) or not _DAY.fullmatch(last):
        raise Refused(400, "from, to: days such as 2026-11-23")
    return first, last


def _only(asked: dict[str, str]) -> dict[str, str]:
    return {name: asked[name] for name in GROUPS if name in asked}


def _csv(asked: dict[str, str]) -> bool:
    format = asked.get("format", "json")
    if format not in ("json", "csv"):
        raise Refused(400, "format: json or csv")
    return format == "csv"


def _fields(kind: str, name: str) -> Headers:
    ending = "csv" if kind.startswith("text/csv") else "jsonl"
    shown = f'attachment; filename="{name}.{ending}"'
    return Headers([("Content-Type", kind), ("Content-Disposition", shown)])


def _table(name: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Reply:
    body = _rows([head, *rows])
    return Reply(200, _fields("text/csv; charset=utf-8", name), body)


def _rows(rows: Iterator[Sequence[object]] | Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _plain(cell: object) -> object:
    """Clients name tags and end users: no cell may become a formula of a spreadsheet's."""
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return "" if cell is None else cell


def _cells(spent: Spent) -> list[object]:
    return [" ".join(spent.tags) if n == "tags" else getattr(spent, n) for n in _LEDGER]


def _lines(page: list[Spent]) -> bytes:
    return b"".join(msgspec.json.encode(each) + b"\n" for each in page)
