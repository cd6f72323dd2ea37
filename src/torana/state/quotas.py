"""Quotas: an amount a day, week or month, written down before it is used.

A process takes a block from the quota's document in the store and then spends it from memory. The
document thus never says less than was spent, and says more by no more than the blocks at hand: a
killed process loses the rest of its blocks, never a count.
"""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from math import floor
from random import random
from time import time

import msgspec
from msgspec import Struct

from torana.state.allowance import Allowance, Allowances, Busy, Draw, Grant, Manner
from torana.state.bucket import Ration
from torana.state.counters import CountersUnavailable, Period
from torana.state.store import Change, Conflict, Document, Store, StoreUnavailable

KIND = "quota"
"""The kind of the documents; their id is the quota's name."""

_MANNER = Manner(lookahead=1.0, portion=1 / 16, idle=5.0, keeps=True, deadline=1.0)
_BLOCK = 8
"""Held at least, as long as there is plenty."""
_SHARE = 16
"""A block is at most this part of what remains, so that little is stranded towards the end."""
_DAYS = 92
_TRIES = 20
_RECALLED = 0.03
"""Seconds that others have to give back what they hold."""
_RETRY = 1.0
"""Seconds a used-up quota is not asked for again: others give back, limits are raised."""


class Terms(Struct, frozen=True):
    """What a quota allows. `offset` is subtracted in the first period: it may start half-way."""

    limit: float
    period: Period
    offset: float = 0


class Record(Struct, frozen=True):
    """What the store keeps of a quota."""

    first: str
    """The day it was first used on (`2026-11-23`, UTC)."""
    days: dict[str, float] = {}
    """Taken by day, the last three months. What comes back on a later day is subtracted there."""
    extended: dict[str, float] = {}
    """What was granted beyond the limit, by the first day of its period; may be negative."""


def period_start(period: Period, day: date) -> date:
    """First day of the period that a day is in."""
    if period == "WEEK":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    return day.replace(day=1) if period == "MONTH" else day


def period_end(period: Period, day: date) -> date:
    """First day of the next period."""
    start = period_start(period, day)
    if period == "MONTH":
        return (start + timedelta(days=31)).replace(day=1)
    return start + timedelta(days=7 if period == "WEEK" else 1)


def left_of(record: Record, terms: Terms, today: date) -> float:
    """What is left of the period that a day is in."""
    start = period_start(terms.period, today).isoformat()
    used = sum(n for day, n in record.days.items() if day >= start)
    offset = terms.offset if record.first >= start else 0
    return max(0.0, terms.limit + record.extended.get(start, 0.0) - offset - used)


def settle(record: Record, terms: Terms, draw: Draw, today: date) -> tuple[Record, float, float]:
    """What a draw makes of a record; how much it grants, and how much ahead."""
    paid = _add(record, today, draw.debt - draw.back)
    left = left_of(paid, terms, today)
    granted = min(draw.need, left)
    if draw.least == floor(draw.least):
        granted = float(floor(granted))
    granted = granted if granted >= draw.least else 0.0
    ahead = 0.0
    if draw.need or draw.ahead:
        ahead = float(
            floor(min(max(draw.ahead, _BLOCK - draw.unused, 0.0), (left - granted) / _SHARE))
        )
    return _add(paid, today, granted + ahead), granted, ahead


def _add(record: Record, today: date, amount: float) -> Record:
    if not amount:
        return record
    oldest = (today - timedelta(days=_DAYS)).isoformat()
    days = {day: n for day, n in record.days.items() if day >= oldest}
    days[today.isoformat()] = days.get(today.isoformat(), 0.0) + amount
    return Record(record.first, days, record.extended)


class QuotaBook:
    """The authority over quotas: their documents in a store, shared by whoever shares the store."""

    def __init__(self, store: Store, clock: Callable[[], float] = time) -> None:
        self._store = store
        self._clock = clock

    async def draw(self, name: str, terms: Terms, draw: Draw) -> Grant:
        """Write down what a process takes, then hand it out. Raises what `Allowance` expects."""
        for attempt in range(_TRIES):
            now = datetime.fromtimestamp(self._clock(), UTC)
            today = now.date()
            try:
                document = await self._store.get(KIND, name)
                before = _decode(document) or Record(today.isoformat())
                after, granted, ahead = settle(before, terms, draw, today)
                if after != before:
                    version = document.version if document else 0
                    body = msgspec.json.encode(after)
                    await self._store.commit([Change(KIND, name, version, body)])
            except Conflict:
                await asyncio.sleep(random() * min(0.002 * 2**attempt, 0.03))  # noqa: S311
                continue
            except StoreUnavailable as error:
                raise CountersUnavailable(str(error)) from error
            end = datetime.combine(period_end(terms.period, today), datetime.min.time(), UTC)
            return Grant(
                granted,
                ahead,
                retry=_RETRY if granted < draw.least else 0.0,
                expires=(end - now).total_seconds(),
                remaining=left_of(after, terms, today),
            )
        raise Busy(f"quota {name}: too many write at once")

    async def extend(self, name: str, terms: Terms, remaining: float) -> None:
        """Have so much left of the present period. Raises `CountersUnavailable`."""
        for _ in range(_TRIES):
            today = datetime.fromtimestamp(self._clock(), UTC).date()
            start = period_start(terms.period, today).isoformat()
            try:
                document = await self._store.get(KIND, name)
                before = _decode(document) or Record(today.isoformat())
                used = sum(n for day, n in before.days.items() if day >= start)
                offset = terms.offset if before.first >= start else 0
                more = remaining - (terms.limit - offset - used)
                body = msgspec.json.encode(Record(before.first, before.days, {start: more}))
                version = document.version if document else 0
                await self._store.commit([Change(KIND, name, version, body)])
            except Conflict:
                continue
            except StoreUnavailable as error:
                raise CountersUnavailable(str(error)) from error
            return
        raise CountersUnavailable(f"quota {name}: too many write at once")

    async def extended(self, name: str) -> dict[str, float]:
        """What was granted beyond the limit, by the first day of its period. Raises
        `CountersUnavailable`."""
        try:
            record = _decode(await self._store.get(KIND, name))
        except StoreUnavailable as error:
            raise CountersUnavailable(str(error)) from error
        return dict(record.extended) if record else {}

    async def usage(self, name: str) -> dict[str, float]:
        """See `Counters.usage`."""
        try:
            record = _decode(await self._store.get(KIND, name))
        except StoreUnavailable as error:
            raise CountersUnavailable(str(error)) from error
        return {day: max(0.0, n) for day, n in record.days.items()} if record else {}


def _decode(document: Document | None) -> Record | None:
    return msgspec.json.decode(document.body, type=Record) if document else None


class Quotas:
    """The quotas that a process takes from.

    `share` is the part of what remains that this process may spend while the store is away;
    `recall` asks the other processes, if there are any, to give back what they hold of a quota.
    """

    def __init__(
        self,
        book: QuotaBook,
        share: Callable[[], float] = lambda: 1.0,
        recall: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._book = book
        self._share = share
        self._recall = recall
        self._allowances = Allowances()
        self._terms: dict[str, Terms] = {}

    def get(self, name: str, limit: float, period: Period, offset: float) -> Allowance:
        """The quota of a name, under these terms from now on."""
        self._terms[name] = Terms(limit, period, offset)
        if known := self._allowances.get(name):
            known.configure(limit)
            return known
        return self._allowances.add(
            name,
            Allowance(
                limit,
                _MANNER,
                lambda draw: self._draw(name, draw),
                lambda held, remaining: self._ration(name, held, remaining),
                lambda alone: alone.spent if isinstance(alone, Ration) else 0.0,
            ),
        )

    async def _draw(self, name: str, draw: Draw) -> Grant:
        grant = await self._book.draw(name, self._terms[name], draw)
        if grant.granted >= draw.least or self._recall is None:
            return grant
        await self._recall(name)
        await asyncio.sleep(_RECALLED)
        again = Draw(need=draw.need, least=draw.least, unused=draw.unused)
        return await self._book.draw(name, self._terms[name], again)

    def _ration(self, name: str, held: float, remaining: float) -> Ration:
        left = min(remaining, self._terms[name].limit)
        return Ration(held + left * self._share())

    async def hear(self, recalls: AsyncIterable[bytes | None]) -> None:
        """Follow the recalls of other processes, by the quota's name, for as long as they come."""
        async for name in recalls:
            if name is not None:
                self.recalled(name.decode())

    def recalled(self, name: str) -> None:
        """Another process is short of a quota: give back what is held here."""
        if known := self._allowances.get(name):
            known.recall()

    async def usage(self, name: str) -> dict[str, float]:
        """See `Counters.usage`."""
        return await self._book.usage(name)

    @property
    def away(self) -> bool:
        """Whether the store does not answer."""
        return self._allowances.away

    async def close(self) -> None:
        """Give back what is held."""
        await self._allowances.close()
