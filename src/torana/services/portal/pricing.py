"""What calls cost. Pure; money is exact, and rounded to cents once for each line."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from torana.services.portal.records import Price

_CENT = Decimal("0.01")


def charge(price: Price, calls: int) -> Decimal:
    """Of so many calls in a month, without the monthly fee."""
    charged = max(0, calls - price.included)
    if not price.tiers:
        return _cents(_exact(price.per_call) * charged)
    total, before = Decimal(0), 0
    for tier in price.tiers:
        upper = charged if tier.up_to is None else min(charged, tier.up_to)
        if upper > before:
            total += _exact(tier.per_call) * (upper - before)
            before = upper
    return _cents(total)


def fee(price: Price) -> Decimal:
    """Of a month, whatever is called."""
    return _cents(_exact(price.monthly))


def mistakes(price: Price) -> Iterator[str]:
    """What a price cannot say."""
    numbers = [price.monthly, price.per_call, *(each.per_call for each in price.tiers)]
    if price.included < 0 or any(not 0 <= each < 1e9 for each in numbers):
        yield "a price cannot be negative"
    if price.tiers and price.per_call:
        yield "a price has perCall or tiers, not both"
    bounds = [each.up_to for each in price.tiers]
    ends = [each for each in bounds if each is not None]
    if bounds and (bounds[-1] is not None or None in bounds[:-1]):
        yield "the last tier, and no other, has no upTo"
    if ends != sorted(set(ends)) or any(each <= 0 for each in ends):
        yield "the tiers' upTo must ascend"


def _exact(amount: float) -> Decimal:
    return Decimal(repr(amount))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)
