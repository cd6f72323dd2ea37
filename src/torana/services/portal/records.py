"""What is kept of developers, and what they subscribe to, as the service `torana` spells it.

A developer's account is the `sub` of a user of a portal's pool. Times are seconds since 1970.
"""

from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from torana.services.apigateway.book import Json, Sheet

OFFER = "portal-offer"
"""Under the product's id."""
ACCOUNT = "portal-account"
"""Under the account: who it is, as the pool last said."""
APPLICATION = "portal-application"
"""Under `{account}/{application}`."""
SUBSCRIPTION = "portal-subscription"
"""Under `{account}/{subscription}`."""
EXPIRY = "portal-key-expiry"
"""Under `{time}/{account}/{subscription}/{key}`: sorts by when a key that was replaced ends."""
INVOICE = "portal-invoice"
"""Under `{account}/{month}`, once the month is over."""

State = Literal["pending", "active", "rejected", "cancelled", "revoked"]


class Tier(Struct, frozen=True, rename="camel"):
    """Calls beyond those of the tier before, up to a number."""

    per_call: float
    up_to: int | None = None
    """None: all that come."""


class Price(Struct, frozen=True, rename="camel"):
    """What a month costs. The calls that are `included` cost nothing; `tiers`, if there are any,
    say what the others cost, else `per_call`."""

    monthly: float = 0.0
    per_call: float = 0.0
    included: int = 0
    tiers: tuple[Tier, ...] = ()

    def charges_calls(self) -> bool:
        """Whether calls have to be counted."""
        return self.per_call > 0 or any(each.per_call > 0 for each in self.tiers)


class OfferedPlan(Struct, frozen=True, rename="camel"):
    """A usage plan, as it is offered."""

    usage_plan_id: str
    name: str
    description: str = ""
    price: Price = Price()


class Offer(Struct, frozen=True, rename="camel"):
    """What of a product may be had, by whom, and for how much."""

    product_id: str
    stages: tuple[str, ...] = ()
    """Whole stages, `{api}/{stage}`, beside the endpoints that the product names."""
    plans: tuple[OfferedPlan, ...] = ()
    visibility: Literal["public", "private", "invitation"] = "private"
    """Seen by everybody, by who is signed in, or by those alone who are invited."""
    approval: Literal["automatic", "manual"] = "manual"
    invited: tuple[str, ...] = ()
    """Mail addresses."""

    def seen_by(self, email: str | None) -> bool:
        """None: nobody is signed in."""
        if self.visibility == "public":
            return True
        if email is None:
            return False
        invited = {each.lower() for each in self.invited}
        return self.visibility == "private" or email.lower() in invited


class Account(Struct, frozen=True, rename="camel"):
    """A developer."""

    id: str
    email: str
    name: str = ""
    verified: bool = False
    """Whether the pool knows that the mail address is theirs."""


class Application(Struct, frozen=True, rename="camel"):
    """What keys are for."""

    id: str
    name: str
    description: str
    created: float


class KeyNote(Struct, frozen=True, rename="camel"):
    """A key that was made."""

    id: str
    hint: str
    """Its last characters."""
    created: float
    expires: float | None = None
    """When it ends, once another has taken its place."""
    ended: float | None = None


class Subscription(Struct, frozen=True, rename="camel"):
    """An application's right to a product, under a plan: its name and price are those of the day
    when it was asked for."""

    id: str
    account: str
    email: str
    portal_id: str
    application_id: str
    application: str
    product_id: str
    product: str
    usage_plan_id: str
    plan: str
    price: Price
    state: State
    asked: float
    began: float | None = None
    """When it became active."""
    decided: float | None = None
    ended: float | None = None
    reason: str = ""
    keys: tuple[KeyNote, ...] = ()

    def live_keys(self) -> tuple[KeyNote, ...]:
        """Those that open something."""
        return tuple(each for each in self.keys if each.ended is None)

    def place(self) -> str:
        """The id of its document."""
        return f"{self.account}/{self.id}"


def plain(record: Struct) -> Json:
    """As a document, and as it is answered; what is None is left out."""
    return cast(Json, _without_none(msgspec.to_builtins(record)))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        found = cast(Json, value)
        return {name: _without_none(each) for name, each in found.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_without_none(each) for each in cast(list[Any], value)]
    return value


async def offer_of(sheet: Sheet, product: str) -> Offer | None:
    """What is offered of a product."""
    found = await sheet.get(OFFER, product)
    return None if found is None else msgspec.convert(found, Offer)
