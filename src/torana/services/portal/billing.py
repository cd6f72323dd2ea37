"""What keys were used for, and what a month costs.

Calls are those that the quotas of usage plans count, as `GetUsage` shows them. A month's invoice is
frozen once the month is over: later prices do not change it.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import time

import msgspec
from msgspec import Struct

from torana.services.apigateway.book import Book, Json, Sheet
from torana.services.apigateway.faults import bad, unavailable
from torana.services.portal.pricing import charge, fee
from torana.services.portal.records import ACCOUNT, INVOICE, SUBSCRIPTION, Subscription
from torana.services.ports import Call
from torana.state.counters import CountersUnavailable
from torana.state.quotas import QuotaBook
from torana.state.store import Change, Conflict

_GRACE = timedelta(hours=1)
"""After a month's end: what gateways hold of a quota, and did not use, has come back by then."""


class Line(Struct, frozen=True, rename="camel"):
    """A subscription's part. Amounts are decimal numbers, as text."""

    subscription: str
    application: str
    product: str
    plan: str
    calls: int
    included: int
    fee: str
    charge: str
    amount: str


class Invoice(Struct, frozen=True, rename="camel"):
    """A developer's month."""

    number: str
    account: str
    email: str
    month: str
    currency: str
    lines: tuple[Line, ...]
    total: str
    final: bool
    """Whether the month is over."""


class Billing:
    """Operations on invoices, and usage by day."""

    def __init__(self, book: Book, currency: str, clock: Callable[[], float] = time) -> None:
        self._book, self._currency, self._clock = book, currency, clock
        self._quotas = QuotaBook(book.store, clock)
        self._closed: date | None = None

    async def ListInvoices(self, call: Call, params: Json) -> Json:
        month = month_of(params["month"])

        async def work(sheet: Sheet) -> list[str]:
            return [id async for id, _ in sheet.scan(ACCOUNT)]

        found = [await self.invoice(account, month) for account in await self._book.read(work)]
        return {"invoices": [msgspec.to_builtins(each) for each in found if each.lines]}

    async def usage(self, subscription: Subscription, first: date, last: date) -> dict[str, int]:
        """Calls by day, of all keys that the subscription ever had; days without any are left
        out. Raises the service's error."""
        days: dict[str, float] = {}
        for key in subscription.keys:
            try:
                used = await self._quotas.usage(f"{subscription.usage_plan_id}/{key.id}")
            except CountersUnavailable as error:
                raise unavailable() from error
            for day, number in used.items():
                if first.isoformat() <= day <= last.isoformat():
                    days[day] = days.get(day, 0.0) + number
        return {day: round(number) for day, number in sorted(days.items()) if round(number)}

    async def invoice(self, account: str, month: date) -> Invoice:
        """A month of a developer, so far or for good. Raises the service's error."""
        place = f"{account}/{month:%Y-%m}"
        kept = await self._book.store.get(INVOICE, place)
        if kept is not None:
            return msgspec.json.decode(kept.body, type=Invoice)
        made = await self._made(account, month)
        if made.final:
            try:
                change = Change(INVOICE, place, 0, msgspec.json.encode(made))
                await self._book.store.commit([change])
            except Conflict:
                return await self.invoice(account, month)
        return made

    async def forget(self, accounts: Iterable[str], *, dry: bool) -> int:
        """Leave invoices of developers without their address; gives how many."""
        gone = 0
        for account in filter(None, accounts):
            async for kept in self._book.store.scan(INVOICE, f"{account}/"):
                invoice = msgspec.json.decode(kept.body, type=Invoice)
                if not invoice.email:
                    continue
                gone += 1
                body = msgspec.json.encode(msgspec.structs.replace(invoice, email=""))
                if not dry:
                    await self._book.store.commit([Change(INVOICE, kept.id, kept.version, body)])
        return gone

    async def close_month(self) -> None:
        """Freeze the invoices of the month before this one."""
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        if month == self._closed or not self._is_over(month):
            return

        async def work(sheet: Sheet) -> list[str]:
            return [id async for id, _ in sheet.scan(ACCOUNT)]

        for account in await self._book.read(work):
            await self.invoice(account, month)
        self._closed = month

    async def _made(self, account: str, month: date) -> Invoice:
        async def work(sheet: Sheet) -> tuple[list[Subscription], Json]:
            found = [each async for _, each in sheet.scan(SUBSCRIPTION, f"{account}/")]
            who = await sheet.get(ACCOUNT, account) or {}
            return msgspec.convert(found, list[Subscription]), who

        subscriptions, who = await self._book.read(work)
        last = end_of(month)
        lines = [
            _line(each, sum((await self.usage(each, month, last)).values()))
            for each in sorted(subscriptions, key=lambda each: each.asked)
            if _was_active(each, month, last)
        ]
        return Invoice(
            f"{month:%Y%m}-{account.replace('-', '')[:8].upper()}",
            account,
            str(who.get("email") or ""),
            f"{month:%Y-%m}",
            self._currency,
            tuple(lines),
            total(lines),
            self._is_over(month),
        )

    def _is_over(self, month: date) -> bool:
        end = datetime.combine(end_of(month) + timedelta(days=1), datetime.min.time(), UTC)
        return datetime.fromtimestamp(self._clock(), UTC) >= end + _GRACE


def month_of(text: str) -> date:
    """The first day. Raises the service's error for what is not `YYYY-MM`."""
    try:
        return datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        raise bad("A month is written as 2026-11") from None


def end_of(month: date) -> date:
    """The last day."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def total(lines: Iterable[Line]) -> str:
    """Of their amounts."""
    return str(sum((Decimal(each.amount) for each in lines), Decimal("0.00")))


def _was_active(subscription: Subscription, first: date, last: date) -> bool:
    """On any day."""
    began, ended = subscription.began, subscription.ended
    if began is None or datetime.fromtimestamp(began, UTC).date() > last:
        return False
    return ended is None or datetime.fromtimestamp(ended, UTC).date() >= first


def _line(subscription: Subscription, calls: int) -> Line:
    price = subscription.price
    monthly, called = fee(price), charge(price, calls)
    return Line(
        subscription.id,
        subscription.application,
        subscription.product,
        subscription.plan,
        calls,
        price.included,
        str(monthly),
        str(called),
        str(monthly + called),
    )
