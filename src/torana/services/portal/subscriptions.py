"""Applications and subscriptions: asked for by developers, decided by operators, with their keys.

A key is a key of API Gateway in the offered usage plan. Its value is shown once, to whom it is for;
one that takes another's place leaves that open for a while.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from time import time

import msgspec
from msgspec.structs import replace

from torana.services.apigateway.book import KEY, PLAN, Book, Json, Sheet, new_id
from torana.services.apigateway.faults import bad, conflict, not_found
from torana.services.apigateway.keys import drop_key, put_in_plan, put_key
from torana.services.portal.records import (
    ACCOUNT,
    APPLICATION,
    EXPIRY,
    SUBSCRIPTION,
    Account,
    Application,
    KeyNote,
    Subscription,
    offer_of,
    plain,
)
from torana.services.ports import Call

_MOST_KEYS = 2
"""Of a subscription at a time: one, and the one whose place it takes."""
_MOST_APPLICATIONS = 100
_PAGE = 500
_MOST_SUBSCRIPTIONS = 100
_DECISIONS = {
    "approve": ("active", ("pending",)),
    "reject": ("rejected", ("pending",)),
    "revoke": ("revoked", ("active",)),
}


class Subscriptions:
    """What developers ask for, and operations on it."""

    def __init__(self, book: Book, clock: Callable[[], float] = time) -> None:
        self._book, self._clock = book, clock

    async def ListSubscriptions(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [
                each
                async for _, each in sheet.scan(SUBSCRIPTION)
                if params.get("state") in (None, each["state"])
                and params.get("productId") in (None, each["productId"])
            ]
            found.sort(key=lambda each: each["asked"], reverse=True)
            return _page([_told(each) for each in found], params)

        return await self._book.read(work)

    async def DecideSubscription(self, call: Call, params: Json) -> Json:
        state, before = _DECISIONS[params["decision"]]
        account, _, id = params["subscriptionId"].partition(".")

        async def work(sheet: Sheet) -> Json:
            found = await the_subscription(sheet, account, id)
            if found.state not in before:
                raise conflict(f"The subscription is {found.state}")
            now = self._clock()
            made = replace(
                found, state=state, decided=now, reason=str(params.get("reason") or "")[:1024]
            )
            if state == "revoked":
                made = await _end_keys(sheet, replace(made, ended=now), now)
            elif state == "active":
                await _still_there(sheet, made)
                made = replace(made, began=now)
            sheet.put(SUBSCRIPTION, made.place(), plain(made))
            return _told(plain(made))

        return await self._book.edit(call, work)

    async def applications(self, account: str) -> list[Application]:
        """Of a developer, the oldest first. Raises `ServiceError`, as all here."""

        async def work(sheet: Sheet) -> list[Application]:
            found = [each async for _, each in sheet.scan(APPLICATION, f"{account}/")]
            return sorted(msgspec.convert(found, list[Application]), key=lambda each: each.created)

        return await self._book.read(work)

    async def add_application(
        self, call: Call, account: str, name: str, description: str
    ) -> Application:
        """Another application of a developer."""
        if not 1 <= len(name.strip()) <= 100 or len(description) > 1000:
            raise bad("An application has a name of up to 100 characters, and 1000 to describe it")

        async def work(sheet: Sheet) -> Application:
            own = [each async for _, each in sheet.scan(APPLICATION, f"{account}/")]
            if len(own) >= _MOST_APPLICATIONS:
                raise bad(f"There can be at most {_MOST_APPLICATIONS} applications")
            if any(each["name"] == name.strip() for each in own):
                raise conflict("There is an application of this name")
            made = Application(new_id(), name.strip(), description, self._clock())
            sheet.put(APPLICATION, f"{account}/{made.id}", plain(made))
            return made

        return await self._book.edit(call, work)

    async def drop_application(self, call: Call, account: str, id: str) -> None:
        """One that has no subscription under way."""

        async def work(sheet: Sheet) -> None:
            await _application(sheet, account, id)
            async for _, each in sheet.scan(SUBSCRIPTION, f"{account}/"):
                if each["applicationId"] == id and each["state"] in ("pending", "active"):
                    raise conflict("Cancel the application's subscriptions first")
            sheet.delete(APPLICATION, f"{account}/{id}")

        await self._book.edit(call, work)

    async def of(self, account: str) -> list[Subscription]:
        """Of a developer, the newest first."""

        async def work(sheet: Sheet) -> list[Subscription]:
            found = [each async for _, each in sheet.scan(SUBSCRIPTION, f"{account}/")]
            return sorted(msgspec.convert(found, list[Subscription]), key=lambda each: -each.asked)

        return await self._book.read(work)

    async def ask(
        self, call: Call, who: Account, portal: str, application: str, product: Json, plan: str
    ) -> Subscription:
        """Subscribe an application. `product`: as it is published."""
        id = product["PortalProductId"]

        async def work(sheet: Sheet) -> Subscription:
            app = await _application(sheet, who.id, application)
            offer = await offer_of(sheet, id)
            offered = offer and {each.usage_plan_id: each for each in offer.plans}.get(plan)
            if offer is None or offered is None:
                raise bad("This plan is not offered")
            own = [each async for _, each in sheet.scan(SUBSCRIPTION, f"{who.id}/")]
            under_way = [each for each in own if each["state"] in ("pending", "active")]
            if len(under_way) >= _MOST_SUBSCRIPTIONS:
                raise bad(f"There can be at most {_MOST_SUBSCRIPTIONS} subscriptions")
            if any(
                (each["applicationId"], each["productId"]) == (app.id, id) for each in under_way
            ):
                raise conflict("The application has a subscription to this product")
            now = self._clock()
            automatic = offer.approval == "automatic"
            made = Subscription(
                new_id(12), who.id, who.email, portal, app.id, app.name, id,
                product["DisplayName"], plan, offered.name, offered.price,
                "active" if automatic else "pending", now, now if automatic else None,
                now if automatic else None,
            )  # fmt: skip
            sheet.put(SUBSCRIPTION, made.place(), plain(made))
            return made

        return await self._book.edit(call, work)

    async def cancel(self, call: Call, account: str, id: str) -> Subscription:
        """Its keys end at once."""

        async def work(sheet: Sheet) -> Subscription:
            found = await the_subscription(sheet, account, id)
            if found.state not in ("pending", "active"):
                raise conflict(f"The subscription is {found.state}")
            now = self._clock()
            made = await _end_keys(sheet, replace(found, state="cancelled", ended=now), now)
            sheet.put(SUBSCRIPTION, made.place(), plain(made))
            return made

        return await self._book.edit(call, work)

    async def new_key(
        self, call: Call, account: str, id: str, overlap: float
    ) -> tuple[Subscription, str]:
        """A key and its value. One that there was goes on for `overlap` seconds."""

        async def work(sheet: Sheet) -> tuple[Subscription, str]:
            found = await the_subscription(sheet, account, id)
            if found.state != "active":
                raise conflict(f"The subscription is {found.state}")
            plan = await sheet.get(PLAN, found.usage_plan_id)
            if plan is None:
                raise conflict("The plan is not there any more: subscribe to another")
            now = self._clock()
            if overlap <= 0:
                found = await _end_keys(sheet, found, now)
            if len(found.live_keys()) >= _MOST_KEYS:
                raise conflict("Two keys are open already: wait for one's end, or revoke it")
            key = await put_key(
                sheet,
                {
                    "name": f"{found.application}: {found.product}",
                    "description": f"Developer portal, {found.email}",
                    "customerId": account,
                    "enabled": True,
                },
            )
            put_in_plan(sheet, plan, key)
            kept = [_ending(sheet, found, each, now + overlap) for each in found.keys]
            note = KeyNote(key["id"], key["value"][-4:], now)
            made = replace(found, keys=(*kept, note))
            sheet.put(SUBSCRIPTION, made.place(), plain(made))
            return made, key["value"]

        return await self._book.edit(call, work)

    async def drop(self, call: Call, account: str, id: str, key: str) -> Subscription:
        """Revoke a key."""

        async def work(sheet: Sheet) -> Subscription:
            found = await the_subscription(sheet, account, id)
            if not any(each.id == key for each in found.live_keys()):
                raise not_found("There is no such key")
            made = await _end_keys(sheet, found, self._clock(), key)
            sheet.put(SUBSCRIPTION, made.place(), plain(made))
            return made

        return await self._book.edit(call, work)

    async def forget(self, call: Call, accounts: Iterable[str], *, dry: bool) -> int:
        """Take away everything of developers, their keys too; gives how many documents that is."""
        gone = 0
        for account in accounts:

            async def work(sheet: Sheet, account: str = account) -> int:
                found: list[tuple[str, str]] = []
                if account and await sheet.get(ACCOUNT, account) is not None:
                    found.append((ACCOUNT, account))
                for kind in (APPLICATION, SUBSCRIPTION):
                    async for id, each in sheet.scan(kind, f"{account}/"):
                        found.append((kind, id))
                        if kind == SUBSCRIPTION and not dry:
                            own = msgspec.convert(each, Subscription)
                            await _end_keys(sheet, own, self._clock())
                for kind, id in found if not dry else ():
                    sheet.delete(kind, id)
                return len(found)

            gone += await self._book.edit(call, work)
        return gone

    async def expire(self, call: Call) -> None:
        """End the keys whose time is over."""
        async for place in self._over():
            _, account, id, key = place.split("/")

            async def work(
                sheet: Sheet, place: str = place, account: str = account, id: str = id,
                key: str = key,
            ) -> None:  # fmt: skip
                if await sheet.get(EXPIRY, place) is None:
                    return
                sheet.delete(EXPIRY, place)
                found = await sheet.get(SUBSCRIPTION, f"{account}/{id}")
                if found is not None:
                    subscription = msgspec.convert(found, Subscription)
                    made = await _end_keys(sheet, subscription, self._clock(), key)
                    sheet.put(SUBSCRIPTION, made.place(), plain(made))

            await self._book.edit(call, work)

    async def _over(self) -> AsyncIterator[str]:
        now = _stamp(self._clock())
        async for document in self._book.store.scan(EXPIRY):
            if document.id.partition("/")[0] > now:
                break
            yield document.id


def _stamp(seconds: float) -> str:
    """Sorts by time."""
    return f"{int(seconds):012d}"


def _ending(sheet: Sheet, of: Subscription, key: KeyNote, at: float) -> KeyNote:
    """A key that ends then, or sooner if it was to."""
    if key.ended is not None or (key.expires is not None and key.expires <= at):
        return key
    sheet.put(EXPIRY, f"{_stamp(at)}/{of.place()}/{key.id}", {})
    return replace(key, expires=at)


async def _end_keys(
    sheet: Sheet, of: Subscription, now: float, only: str | None = None
) -> Subscription:
    """Close every key, or one."""
    keys: list[KeyNote] = []
    for each in of.keys:
        closes = each.ended is None and only in (None, each.id)
        found = await sheet.get(KEY, each.id) if closes else None
        if found is not None:
            await drop_key(sheet, found)
        keys.append(replace(each, ended=now) if closes else each)
    return replace(of, keys=tuple(keys))


def _page(found: list[Json], params: Json) -> Json:
    """By `maxResults` and `nextToken`, which is where it goes on. Raises the service's error."""
    token = params.get("nextToken") or "0"
    size = params.get("maxResults") or _PAGE
    if not token.isascii() or not token.isdigit() or not 1 <= size <= _PAGE:
        raise bad(f"maxResults is 1 to {_PAGE}, and nextToken comes from an answer")
    end = int(token) + size
    answer: Json = {"subscriptions": found[int(token) : end]}
    return {**answer, "nextToken": str(end)} if end < len(found) else answer


def _told(document: Json) -> Json:
    """With an id that says whose it is, too."""
    return {**document, "id": f"{document['account']}.{document['id']}"}


async def _still_there(sheet: Sheet, subscription: Subscription) -> None:
    if await sheet.get(PLAN, subscription.usage_plan_id) is None:
        raise conflict(f"There is no usage plan {subscription.usage_plan_id} any more")


async def _application(sheet: Sheet, account: str, id: str) -> Application:
    found = await sheet.get(APPLICATION, f"{account}/{id}")
    if found is None:
        raise not_found("There is no such application")
    return msgspec.convert(found, Application)


async def the_subscription(sheet: Sheet, account: str, id: str) -> Subscription:
    """Raises the service's error."""
    found = await sheet.get(SUBSCRIPTION, f"{account}/{id}")
    if found is None:
        raise not_found("There is no such subscription")
    return msgspec.convert(found, Subscription)
