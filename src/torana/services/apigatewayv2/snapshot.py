"""An API as a deployment keeps it: data, whole, for the data planes of both protocols."""

import msgspec

from torana.model.http_api import HttpApi, Stage
from torana.services.apigatewayv2.book import (
    AUTHORIZER,
    INTEGRATION,
    INTEGRATION_RESPONSE,
    MODEL,
    ROUTE,
    ROUTE_RESPONSE,
    Json,
    Sheet,
    parts,
)

SNAPSHOT = "Snapshot"
"""The member of a deployment's document that holds it."""


async def snapshot(sheet: Sheet, api: Json) -> Json:
    """`{**api, Routes, Integrations, Authorizers, Models}`: lists of the documents as they are now.

    A route holds its `RouteResponses`, an integration its `IntegrationResponses`.
    """
    id = api["ApiId"]
    routes, integrations = await parts(sheet, ROUTE, id), await parts(sheet, INTEGRATION, id)
    for owner, key, within, kind in (
        (routes, "RouteId", "RouteResponses", ROUTE_RESPONSE),
        (integrations, "IntegrationId", "IntegrationResponses", INTEGRATION_RESPONSE),
    ):
        found: dict[str, list[Json]] = {}
        for path, response in await sheet.now(kind, f"{id}/"):
            found.setdefault(path.split("/")[1], []).append(response)
        for each in owner:
            each[within] = found.get(each[key], [])
    return {
        **api,
        "Routes": routes,
        "Integrations": integrations,
        "Authorizers": await parts(sheet, AUTHORIZER, id),
        "Models": await parts(sheet, MODEL, id),
    }


def http_api(found: Json) -> HttpApi:
    """A snapshot of an HTTP API as the data plane compiles it. Raises `msgspec.ValidationError`."""
    return msgspec.convert(found, HttpApi)


def stage_of(stage: Json) -> Stage:
    """A stage's document as the data plane wants it. Raises `msgspec.ValidationError`."""
    return msgspec.convert(stage, Stage)
