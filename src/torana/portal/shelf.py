"""What a portal shows: products as they were published, and the APIs behind them as they are."""

from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any

import msgspec
from msgspec import Struct

from torana.gateway.locate import Live, Table, local_address
from torana.openapi.lifecycle import plain as plain_life
from torana.portal.definitions import consumers, definition
from torana.services.apigateway.book import PART, PLAN, Book, Json, Sheet
from torana.services.apigatewayv2.book import PUBLISHED
from torana.services.portal.records import Offer, offer_of, plain

_KNOWN = 5.0
"""Seconds."""
Place = tuple[str, str]
"""API and stage."""


class Published(Struct, frozen=True, rename={"portal": "Portal", "products": "Products"}):
    """A portal, as it was when it was published."""

    portal: Json
    products: tuple[Json, ...]

    @property
    def id(self) -> str:
        """The portal's."""
        return self.portal["PortalId"]

    def client(self) -> tuple[str, str] | None:
        """The user pool and its app client; None: nobody can sign in."""
        config = self.portal["Authorization"].get("CognitoConfig")
        if config is None:
            return None
        return config["UserPoolArn"].rpartition("/")[2], config["AppClientId"]


class Found(Struct, frozen=True):
    """A product that somebody may see. `offer`: None where nobody can subscribe."""

    product: Json
    pages: list[Json]
    endpoints: list[Json]
    offer: Offer | None

    def places(self) -> list[Place]:
        """The stages that it is made of, in order."""
        whole = [each.partition("/") for each in (self.offer.stages if self.offer else ())]
        named = [
            (parts["RestApiId"], parts["Stage"])
            for each in self.endpoints
            for parts in (each["RestEndpointIdentifier"]["IdentifierParts"],)
        ]
        return list(dict.fromkeys([(api, stage) for api, _, stage in whole] + named))

    def whole(self, place: Place) -> bool:
        """Whether every operation of a stage is part of it."""
        return self.offer is not None and "/".join(place) in self.offer.stages

    def of(self, place: Place) -> Iterator[Json]:
        """The endpoints of a stage."""
        for each in self.endpoints:
            parts = each["RestEndpointIdentifier"]["IdentifierParts"]
            if (parts["RestApiId"], parts["Stage"]) == place:
                yield each


class Shelf:
    """Reads it. Raises `ServiceError` while the store is away."""

    def __init__(self, book: Book, table: Callable[[], Table]) -> None:
        self._book, self._table = book, table
        self._home: str | None = None
        self._looked = 0.0

    async def portal(self, id: str) -> Published | None:
        """A published portal."""
        found = await self._book.store.get(PUBLISHED, id)
        return found and msgspec.json.decode(found.body, type=Published)

    async def home(self) -> str | None:
        """The id of the one that was published first; known for some seconds."""
        if self._home is None or monotonic() - self._looked > _KNOWN:
            found = [
                (msgspec.json.decode(document.body)["Since"], document.id)
                async for document in self._book.store.scan(PUBLISHED)
            ]
            self._home, self._looked = min(found)[1] if found else None, monotonic()
        return self._home

    async def products(self, published: Published, email: str | None) -> list[Found]:
        """Those that may be seen; `email` is None while nobody is signed in.

        Products that are not offered are for those who are signed in, if anybody can be.
        """

        async def work(sheet: Sheet) -> list[Found]:
            found: list[Found] = []
            for each in published.products:
                offer = await offer_of(sheet, each["Product"]["PortalProductId"])
                seen = email is not None or published.client() is None
                if offer.seen_by(email) if offer else seen:
                    made = Found(each["Product"], each["Pages"], each["Endpoints"], offer)
                    found.append(made)
            return found

        return await self._book.read(work)

    async def product(self, published: Published, email: str | None, id: str) -> Found | None:
        """One of them."""
        for each in await self.products(published, email):
            if each.product["PortalProductId"] == id:
                return each
        return None

    def live(self, place: Place) -> Live | None:
        """A stage that is served, and was published to clients."""
        found = self._table().stages.get(place)
        if found is not None and consumers(found):
            return found
        return None

    async def shown(self, found: Found) -> Json:
        """A product as the page has it."""
        order = found.product["DisplayOrder"]
        pages = {each["ProductPageArn"]: each for each in found.pages}
        listed = [arn for arn in order["ProductPageArns"] if arn in pages]
        overview = order.get("OverviewPageArn")
        if overview in pages:
            listed = [overview, *(arn for arn in listed if arn != overview)]
        plans = await self._plans(found.offer)
        return {
            "id": found.product["PortalProductId"],
            "name": found.product["DisplayName"],
            "description": found.product.get("Description", ""),
            "approval": found.offer.approval if found.offer else None,
            "visibility": found.offer.visibility if found.offer else None,
            "plans": plans,
            "pages": [
                {"id": pages[arn]["ProductPageId"], **_lower(pages[arn]["DisplayContent"])}
                for arn in listed
            ],
            "sections": _sections(found),
            "apis": [each for place in found.places() if (each := self._api(place)) is not None],
        }

    async def definition(self, found: Found, place: Place, base: str) -> Json | None:
        """OpenAPI of what the product has of a stage; `base`: the front door's address."""
        live = self.live(place)
        if live is None or place not in found.places():
            return None
        address = base + local_address(*place, live).rstrip("/")
        parts = await self._book.read(lambda sheet: _documentation(sheet, place[0]))
        return definition(live, address, list(found.of(place)), parts, whole=found.whole(place))

    def _api(self, place: Place) -> Json | None:
        live = self.live(place)
        if live is None:
            return None
        api, life = live.plan.to.api, live.plan.lifecycle
        return {
            "api": place[0],
            "stage": place[1],
            "name": api.name,
            "version": api.version,
            "protocol": "HTTP" if live.plan.http else "REST",
            "lifecycle": {"state": "published", **(plain_life(life) if life else {})},
        }

    async def _plans(self, offer: Offer | None) -> list[Json]:
        if offer is None:
            return []

        async def work(sheet: Sheet) -> list[Json]:
            told: list[Json] = []
            for each in offer.plans:
                plan = await sheet.get(PLAN, each.usage_plan_id)
                if plan is not None:
                    limits = {name: plan[name] for name in ("throttle", "quota") if name in plan}
                    told.append({**plain(each), **limits})
            return told

        return await self._book.read(work)


async def _documentation(sheet: Sheet, api: str) -> list[Json]:
    return [each async for _, each in sheet.scan(PART, f"{api}/documentation/")]


def _lower(content: Mapping[str, Any]) -> Json:
    return {name.lower(): value for name, value in content.items()}


def _sections(found: Found) -> list[Json]:
    """Names of sections, with the operations that are in each: `{api, stage, method, path}`."""
    own = {each["ProductRestEndpointPageArn"]: each for each in found.endpoints}
    told: list[Json] = []
    for section in found.product["DisplayOrder"]["Contents"]:
        operations: list[Json] = []
        for arn in section["ProductRestEndpointPageArns"]:
            if arn in own:
                parts = own[arn]["RestEndpointIdentifier"]["IdentifierParts"]
                operations.append(
                    {
                        "api": parts["RestApiId"],
                        "stage": parts["Stage"],
                        "method": parts["Method"],
                        "path": parts["Path"],
                    }
                )
        told.append({"name": section["SectionName"], "operations": operations})
    return told
