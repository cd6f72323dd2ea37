"""What calls cost, and invoices that stay as they were."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from torana.services.apigateway.book import Book
from torana.services.portal.billing import Billing
from torana.services.portal.pricing import charge, mistakes
from torana.services.portal.records import (
    ACCOUNT,
    SUBSCRIPTION,
    KeyNote,
    Price,
    Subscription,
    Tier,
    plain,
)
from torana.state.memory import MemoryStore
from torana.state.quotas import KIND, Record
from torana.state.store import Change

TIERS = (Tier(0.01, 100), Tier(0.005, 1000), Tier(0.001))


@pytest.mark.parametrize(
    ("price", "calls", "cost"),
    [
        (Price(per_call=0.1), 3, "0.30"),
        (Price(per_call=0.1, included=10), 10, "0.00"),
        (Price(per_call=0.1, included=10), 12, "0.20"),
        (Price(per_call=0.0005), 11, "0.01"),
        (Price(tiers=TIERS), 100, "1.00"),
        (Price(tiers=TIERS), 101, "1.01"),
        (Price(tiers=TIERS), 1100, "5.60"),
        (Price(tiers=TIERS, included=1000), 1100, "1.00"),
    ],
)
def test_calls_are_charged_exactly(price: Price, calls: int, cost: str) -> None:
    assert str(charge(price, calls)) == cost


@pytest.mark.parametrize(
    ("price", "why"),
    [
        (Price(monthly=-1), "negative"),
        (Price(monthly=float("nan")), "negative"),
        (Price(per_call=1, tiers=(Tier(1),)), "not both"),
        (Price(tiers=(Tier(1, 10),)), "the last tier"),
        (Price(tiers=(Tier(1, 10), Tier(1, 5), Tier(1))), "ascend"),
    ],
)
def test_prices_that_say_nothing_are_found(price: Price, why: str) -> None:
    assert why in " ".join(mistakes(price))


async def test_an_invoice_is_frozen_when_its_month_is_over() -> None:
    store, now = MemoryStore(1000), [_at(2026, 11, 20)]
    billing = Billing(Book(store, "torana"), "EUR", lambda: now[0])
    own = Subscription(
        "s", "a", "ada@example.com", "p", "app", "Till", "pets", "Pets", "plan", "Basic",
        Price(monthly=10, per_call=0.5, included=2), "active", now[0], now[0],
        keys=(KeyNote("k1", "abcd", 0.0), KeyNote("k2", "efgh", 0.0)),
    )  # fmt: skip
    used = {"2026-11-20": 3.0, "2026-12-01": 9.0}
    await store.commit(
        [
            Change(ACCOUNT, "a", 0, b'{"id": "a", "email": "ada@example.com"}'),
            Change(SUBSCRIPTION, own.place(), 0, msgspec.json.encode(plain(own))),
            Change(KIND, "plan/k1", 0, msgspec.json.encode(Record("2026-11-20", used))),
            Change(KIND, "plan/k2", 0, msgspec.json.encode(Record("2026-11-20", used))),
        ]
    )
    november = date(2026, 11, 1)
    open_yet = await billing.invoice("a", november)
    assert (open_yet.total, open_yet.lines[0].calls, open_yet.final) == ("12.00", 6, False)
    assert (await billing.invoice("a", date(2026, 10, 1))).lines == ()

    now[0] = _at(2026, 12, 1, 2)
    await billing.close_month()
    dearer = msgspec.structs.replace(own, price=Price(monthly=99))
    [kept] = [each async for each in store.scan(SUBSCRIPTION)]
    body = msgspec.json.encode(plain(dearer))
    await store.commit([Change(SUBSCRIPTION, own.place(), kept.version, body)])
    final = await billing.invoice("a", november)
    assert (final.total, final.currency, final.final) == ("12.00", "EUR", True)
    assert (await billing.invoice("a", date(2026, 12, 1))).total == "99.00"


def _at(*when: int) -> float:
    year, month, day, *hour = when
    return datetime(year, month, day, *hour, tzinfo=UTC).timestamp()
