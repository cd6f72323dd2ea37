"""Offers: which plans of a product may be subscribed to, by whom, for how much."""

from collections.abc import Callable, Iterable

import msgspec

from torana.services.apigateway.book import PLAN, STAGE, Book, Json, Sheet
from torana.services.apigateway.faults import bad, not_found
from torana.services.apigateway.plane import Version
from torana.services.apigatewayv2 import book as v2
from torana.services.portal.pricing import mistakes
from torana.services.portal.records import OFFER, Offer, OfferedPlan, offer_of, plain
from torana.services.ports import Call


class Offers:
    """Operations on offers."""

    def __init__(self, book: Book, served: Callable[[], Iterable[Version]]) -> None:
        """`served`: the stages that there are."""
        self._book, self._served = book, served

    async def PutOffer(self, call: Call, params: Json) -> Json:
        try:
            offer = msgspec.convert({k: v for k, v in params.items() if v is not None}, Offer)
        except msgspec.ValidationError as error:
            raise bad(str(error)) from error

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(v2.PRODUCT, offer.product_id) is None:
                raise not_found(f"There is no portal product {offer.product_id}")
            await self._check(sheet, offer)
            await sheet.get(OFFER, offer.product_id)
            sheet.put(OFFER, offer.product_id, plain(offer))
            return plain(offer)

        return await self._book.edit(call, work)

    async def GetOffer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return plain(await _offer(sheet, params["productId"]))

        return await self._book.read(work)

    async def ListOffers(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"offers": [each async for _, each in sheet.scan(OFFER)]}

        return await self._book.read(work)

    async def DeleteOffer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            offer = await _offer(sheet, params["productId"])
            sheet.delete(OFFER, offer.product_id)
            return {}

        return await self._book.edit(call, work)

    async def _check(self, sheet: Sheet, offer: Offer) -> None:
        """Raises the service's error."""
        served = {f"{each.api_id}/{each.stage}": each for each in self._served()}
        rest: set[str] = set()
        for place in offer.stages:
            if await _is_rest(sheet, place, served):
                rest.add(place)
        for each in await v2.parts(sheet, v2.ENDPOINT_PAGE, offer.product_id):
            named = each["RestEndpointIdentifier"]["IdentifierParts"]
            rest.add(f"{named['RestApiId']}/{named['Stage']}")
        ids = [each.usage_plan_id for each in offer.plans]
        if len(set(ids)) < len(ids):
            raise bad("plans names a usage plan twice")
        for plan in offer.plans:
            await _check_plan(sheet, plan, rest)


async def _offer(sheet: Sheet, product: str) -> Offer:
    found = await offer_of(sheet, product)
    if found is None:
        raise not_found(f"There is no offer of the product {product}")
    return found


async def _is_rest(sheet: Sheet, place: str, served: dict[str, Version]) -> bool:
    """Whether a stage's calls show API keys. Raises the service's error for none."""
    if place in served:
        return served[place].protocol == "REST"
    if await sheet.get(STAGE, place) is not None:
        return True
    if await sheet.get(v2.STAGE, place) is not None:
        return False
    raise bad(f"stages: there is no stage {place!r}; it must be api/stage")


async def _check_plan(sheet: Sheet, plan: OfferedPlan, stages: set[str]) -> None:
    """Raises the service's error."""
    found = await sheet.get(PLAN, plan.usage_plan_id)
    if found is None:
        raise bad(f"plans: there is no usage plan {plan.usage_plan_id!r}")
    if not plan.name.strip():
        raise bad("plans: a plan needs a name")
    for why in mistakes(plan.price):
        raise bad(f"plans: {plan.name}: {why}")
    opened = {f"{each['apiId']}/{each['stage']}" for each in found["apiStages"]}
    missing = sorted(stages - opened)
    if missing:
        raise bad(f"plans: {plan.name}: the usage plan does not open {', '.join(missing)}")
    if plan.price.charges_calls() and not found.get("quota"):
        raise bad(f"plans: {plan.name}: calls are counted by the usage plan's quota: give it one")
