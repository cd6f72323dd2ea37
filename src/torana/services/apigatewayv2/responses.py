"""What the routes of WebSocket APIs answer, and what their integrations make of an answer: the same
operations below two kinds of parts."""

from msgspec import Struct

from torana.services.apigateway.faults import bad, conflict
from torana.services.apigatewayv2.book import (
    INTEGRATION,
    INTEGRATION_RESPONSE,
    MODEL,
    ROUTE,
    ROUTE_RESPONSE,
    Json,
    Sheet,
    change,
    given,
    new_id,
    page,
    part,
    parts,
    the_api,
)
from torana.services.apigatewayv2.deploying import Deploying
from torana.services.ports import Call


class _Sort(Struct, frozen=True):
    """One of the two."""

    noun: str
    """`RouteResponse`: its id and its key are members that begin so."""
    above: str
    """`Route`: whose responses they are."""
    kind: str
    owner: str
    given: tuple[str, ...]


_OF_ROUTES = _Sort(
    "RouteResponse",
    "Route",
    ROUTE_RESPONSE,
    ROUTE,
    ("ModelSelectionExpression", "ResponseModels", "ResponseParameters", "RouteResponseKey"),
)
_OF_INTEGRATIONS = _Sort(
    "IntegrationResponse",
    "Integration",
    INTEGRATION_RESPONSE,
    INTEGRATION,
    (
        "ContentHandlingStrategy",
        "IntegrationResponseKey",
        "ResponseParameters",
        "ResponseTemplates",
        "TemplateSelectionExpression",
    ),
)


class _Responses:
    """The operations, whichever of the two."""

    def __init__(self, deploying: Deploying, sort: _Sort) -> None:
        self._book, self._deploying, self._sort = deploying.book, deploying, sort
        self._id, self._key = f"{sort.noun}Id", f"{sort.noun}Key"

    async def create(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            if api["ProtocolType"] == "HTTP":
                above = self._sort.above
                raise bad(f"{above} responses are supported only for WebSocket APIs")
            made = {self._id: new_id(6), **given(params, self._sort.given)}
            await self._put(sheet, await self._place(sheet, params), made)
            return made

        return await self._deploying.edit(call, params["ApiId"], work)

    async def _place(self, sheet: Sheet, params: Json) -> str:
        """Under the part that they belong to. Raises the service's error."""
        api, owner = params["ApiId"], params[f"{self._sort.above}Id"]
        await part(sheet, self._sort.owner, api, owner)
        return f"{api}/{owner}"

    async def _put(self, sheet: Sheet, place: str, made: Json) -> None:
        """One response a key, and only models that there are. Raises the service's error."""
        for each in await parts(sheet, self._sort.kind, place):
            if each[self._key] == made[self._key] and each[self._id] != made[self._id]:
                above = self._sort.above
                raise conflict(f"{above} response already exists for this {above.lower()}")
        wanted = made.get("ResponseModels", {}).values()
        if wanted:
            api = place.partition("/")[0]
            names = {each["Name"] for each in await parts(sheet, MODEL, api)}
            for name in wanted:
                if name not in names:
                    raise bad(f"Invalid model name specified: {name}")
        sheet.put(self._sort.kind, f"{place}/{made[self._id]}", made)

    async def one(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["ApiId"])
            place = await self._place(sheet, params)
            return await part(sheet, self._sort.kind, place, params[self._id])

        return await self._book.read(work)

    async def every(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["ApiId"])
            place = await self._place(sheet, params)
            return page(await parts(sheet, self._sort.kind, place), params)

        return await self._book.read(work)

    async def update(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            place = await self._place(sheet, params)
            found = await part(sheet, self._sort.kind, place, params[self._id])
            change(found, params, self._sort.given)
            await self._put(sheet, place, found)
            return found

        return await self._deploying.edit(call, params["ApiId"], work)

    async def delete(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            place = await self._place(sheet, params)
            found = await part(sheet, self._sort.kind, place, params[self._id])
            sheet.delete(self._sort.kind, f"{place}/{found[self._id]}")
            return {}

        return await self._deploying.edit(call, params["ApiId"], work)


class RouteResponses:
    """Operations on what WebSocket routes answer."""

    def __init__(self, deploying: Deploying) -> None:
        responses = _Responses(deploying, _OF_ROUTES)
        self.CreateRouteResponse = responses.create
        self.GetRouteResponse = responses.one
        self.GetRouteResponses = responses.every
        self.UpdateRouteResponse = responses.update
        self.DeleteRouteResponse = responses.delete


class IntegrationResponses:
    """Operations on what WebSocket integrations make of an answer."""

    def __init__(self, deploying: Deploying) -> None:
        responses = _Responses(deploying, _OF_INTEGRATIONS)
        self.CreateIntegrationResponse = responses.create
        self.GetIntegrationResponse = responses.one
        self.GetIntegrationResponses = responses.every
        self.UpdateIntegrationResponse = responses.update
        self.DeleteIntegrationResponse = responses.delete
