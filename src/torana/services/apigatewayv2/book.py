"""What the control plane of HTTP and WebSocket APIs keeps in the store, and how it is found.

Documents have the members of the service's model, in its spelling (`ApiId`), and dates as whole
seconds. A deployment holds a `Snapshot`: the API as it was, with everything that hangs on it (see
`snapshot`), which is all that a data plane needs besides the stage.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from torana.services.apigateway.book import DOMAIN, LIFECYCLE, MAPPING, Book, Json, Sheet, new_id
from torana.services.apigateway.faults import bad, not_found
from torana.services.ports import Call

__all__ = ["DOMAIN", "LIFECYCLE", "MAPPING", "Book", "Json", "Sheet", "new_id"]

API = "v2-api"
"""`ProtocolType` is `HTTP` or `WEBSOCKET`."""
ROUTE = "v2-route"
"""Under `{api}/{route}`."""
ROUTE_KEY = "v2-route-key"
"""Under `{api}/{route key}`: no two routes of one key."""
ROUTE_RESPONSE = "v2-route-response"
"""Under `{api}/{route}/{response}`."""
INTEGRATION = "v2-integration"
"""Under `{api}/{integration}`."""
INTEGRATION_RESPONSE = "v2-integration-response"
"""Under `{api}/{integration}/{response}`."""
AUTHORIZER = "v2-authorizer"
"""Under `{api}/{authorizer}`."""
MODEL = "v2-model"
"""Under `{api}/{model}`."""
DEPLOYMENT = "v2-deployment"
"""Under `{api}/{deployment}`, with its `Snapshot`."""
STAGE = "v2-stage"
"""Under `{api}/{stage}`, with its `DeploymentId`."""
FLUSH = "v2-stage-flush"
"""Under `{api}/{stage}`: how often its authorizers were asked to forget, as `authorizers`."""
VPC_LINK = "v2-vpc-link"
RULE = "v2-routing-rule"
"""Under `{domain}/{rule}`."""
PORTAL = "v2-portal"
PUBLISHED = "v2-portal-published"
"""Under the portal's id: what is shown of it, as it was when it was published (see `portals`)."""
PRODUCT = "v2-portal-product"
PRODUCT_PAGE = "v2-product-page"
"""Under `{product}/{page}`."""
ENDPOINT_PAGE = "v2-product-endpoint-page"
"""Under `{product}/{page}`."""

OF_AN_API = (
    ROUTE,
    ROUTE_KEY,
    ROUTE_RESPONSE,
    INTEGRATION,
    INTEGRATION_RESPONSE,
    AUTHORIZER,
    MODEL,
    DEPLOYMENT,
    STAGE,
    FLUSH,
    LIFECYCLE,
)
"""Everything that goes with its API."""

_NOUNS = {
    ROUTE: "Route",
    ROUTE_RESPONSE: "RouteResponse",
    INTEGRATION: "Integration",
    INTEGRATION_RESPONSE: "IntegrationResponse",
    AUTHORIZER: "Authorizer",
    MODEL: "Model",
    DEPLOYMENT: "Deployment",
    STAGE: "stage",
    PRODUCT_PAGE: "ProductPage",
    ENDPOINT_PAGE: "ProductRestEndpointPage",
}


async def the_api(sheet: Sheet, call: Call, api_id: str) -> Json:
    """An API's document. Raises the service's error."""
    api = await sheet.get(API, api_id)
    if api is None:
        account = call.principal.account
        raise not_found(f"Invalid API identifier specified {account}:{api_id}")
    return api


async def part(sheet: Sheet, kind: str, *path: str) -> Json:
    """A part of an API. Raises the service's error."""
    found = await sheet.get(kind, "/".join(path))
    if found is None:
        raise not_found(f"Invalid {_NOUNS[kind]} identifier specified {path[-1]}")
    return found


async def parts(sheet: Sheet, kind: str, *path: str) -> list[Json]:
    """Every part of a kind of an API, or of one of its parts."""
    return [each for _, each in await sheet.now(kind, "/".join(path) + "/")]


def given(params: Json, names: Iterable[str]) -> dict[str, Any]:
    """The members that were given, and say something."""
    return {name: params[name] for name in names if params.get(name) not in (None, "", [], {})}


def dated(document: Json) -> Json:
    """A document as the service answers it: dates are dates."""
    dates = {
        name: datetime.fromtimestamp(document[name], UTC)
        for name in ("CreatedDate", "LastUpdatedDate")
        if isinstance(document.get(name), int)
    }
    return {**document, **dates}


def change(document: Json, params: Json, names: Iterable[str]) -> None:
    """Take over the members that were given; an empty text takes one away."""
    for name in names:
        value = params.get(name)
        if value == "":
            document.pop(name, None)
        elif value is not None:
            document[name] = value


def merge(document: Json, params: Json, name: str) -> None:
    """Take over the entries of a map; an empty one takes it away."""
    if params.get(name) is None:
        return
    merged = {**document.get(name, {}), **params[name]}
    kept = {key: value for key, value in merged.items() if value not in ("", {})}
    if kept:
        document[name] = kept
    else:
        document.pop(name, None)


def page(items: list[Json], params: Json, most: int = 500) -> Json:
    """A page of a list, by `MaxResults` and `NextToken`, which is where it goes on."""
    try:
        size, start = int(params.get("MaxResults") or most), int(params.get("NextToken") or 0)
    except ValueError:
        raise bad("Invalid pagination token or page size") from None
    if not size >= 1 or start < 0:
        raise bad("Invalid pagination token or page size")
    end = start + min(size, most)
    answer: Json = {"Items": [dated(each) for each in items[start:end]]}
    if end < len(items):
        answer["NextToken"] = str(end)
    return answer


async def one(book: Book, call: Call, params: Json, kind: str, name: str) -> Json:
    """A part of an API as the service answers it; `name`: the member that says which."""

    async def work(sheet: Sheet) -> Json:
        await the_api(sheet, call, params["ApiId"])
        return dated(await part(sheet, kind, params["ApiId"], params[name]))

    return await book.read(work)


async def every(book: Book, call: Call, params: Json, kind: str) -> Json:
    """A page of the parts of a kind."""

    async def work(sheet: Sheet) -> Json:
        await the_api(sheet, call, params["ApiId"])
        return page(await parts(sheet, kind, params["ApiId"]), params)

    return await book.read(work)
